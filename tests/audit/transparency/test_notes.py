"""Signed notes: the examples of the specifications verify, and whatever was tampered with does not."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from creditbank.audit.transparency import checkpoints, notes
from creditbank.audit.transparency.checkpoints import Checkpoint, Proof
from creditbank.audit.transparency.encoding import Malformed
from creditbank.audit.transparency.notes import COSIGNATURE, InvalidNote, Note

# From c2sp.org/signed-note.
KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = (
    "This is an example message.\n\n"
    "\u2014 example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# From c2sp.org/tlog-checkpoint.
CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
PRIVATE, WITNESS = Ed25519PrivateKey.from_private_bytes(b"l" * 32), Ed25519PrivateKey.from_private_bytes(b"w" * 32)
HEAD = Checkpoint(origin="bank.example/log", size=7, root=b"r" * 32)


def signed() -> Note:
    return Note(text=HEAD.text, signatures=(notes.sign(HEAD.text, PRIVATE, HEAD.origin),))


def test_the_example_of_the_specification_verifies() -> None:
    key = notes.verifier_key(KEY)
    found = notes.verified(notes.parse(NOTE), [key])

    assert [by for by, _ in found] == [key]
    assert (str(key), str(notes.parse(NOTE))) == (KEY, NOTE)


def test_the_example_of_a_checkpoint_reads() -> None:
    note = notes.parse(CHECKPOINT)
    head = checkpoints.checkpoint_of(note.text)

    assert (head.origin, head.size, len(head.root)) == ("example.com/behind-the-sofa", 20852163, 32)
    assert (head.text, str(note)) == (note.text, CHECKPOINT)


def test_log_and_witness_sign_one_checkpoint() -> None:
    cosigned = notes.cosign(HEAD.text, WITNESS, "school.example/w1", timestamp=1_700_000_000)
    note = notes.parse(str(Note(text=HEAD.text, signatures=(*signed().signatures, cosigned))))
    keys = [notes.key_of(PRIVATE, HEAD.origin), notes.key_of(WITNESS, "school.example/w1", COSIGNATURE)]

    found = dict(notes.verified(note, keys))

    assert set(found) == set(keys)
    assert found[keys[1]].timestamp == 1_700_000_000


def test_a_cosignature_of_another_time_is_refused() -> None:
    cosigned = notes.cosign(HEAD.text, WITNESS, "w", timestamp=1)
    moved = notes.Signature(name="w", key_id=cosigned.key_id, value=b"\0" * 7 + b"\2" + cosigned.value[8:])

    with pytest.raises(InvalidNote):
        notes.verified(Note(text=HEAD.text, signatures=(moved,)), [notes.key_of(WITNESS, "w", COSIGNATURE)])


def test_signatures_of_others_are_ignored() -> None:
    assert notes.verified(signed(), [notes.key_of(WITNESS, HEAD.origin), notes.key_of(PRIVATE, "another.name")]) == []


@given(st.integers(min_value=0), st.integers(0, 7))
def test_a_note_with_one_bit_changed_is_not_signed(place: int, bit: int) -> None:
    raw = bytearray(str(signed()).encode())
    raw[place % len(raw)] ^= 1 << bit
    try:
        found = notes.verified(notes.parse(bytes(raw)), [notes.key_of(PRIVATE, HEAD.origin)])
    except Malformed:
        found = []

    assert found == []


@given(st.binary(max_size=200))
def test_whatever_is_no_note_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        notes.parse(raw + b"x")


@pytest.mark.parametrize(
    "text",
    ["", "name", "name+00000000+", KEY.replace("530d903a", "530d903b"), KEY.replace("+Aeky", "+Beky"), "a b+" + KEY],
)
def test_a_verifier_key_that_does_not_fit_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        notes.verifier_key(text)


@pytest.mark.parametrize(
    "text",
    [
        "o\n07\n" + "A" * 43 + "=\n", "o\n-1\n" + "A" * 43 + "=\n", "\n7\n" + "A" * 43 + "=\n", "o\n7\nAAAA\n",
        "o\n7\n" + "A" * 43 + "=\nextension\n", "o\n7\n" + "A" * 43 + "=", f"o\n{1 << 63}\n" + "A" * 43 + "=\n",
        "o\n7\n" + "A" * 42 + "B=\n",
    ],
)  # fmt: skip
def test_a_checkpoint_is_written_in_one_way_only(text: str) -> None:
    with pytest.raises(Malformed):
        checkpoints.checkpoint_of(text)


@pytest.mark.parametrize("extra", [None, b"", b"salt"])
def test_a_proof_reads_as_it_was_written(extra: bytes | None) -> None:
    proof = Proof(index=3, hashes=[b"a" * 32, b"b" * 32], checkpoint=str(signed()), extra=extra)

    assert checkpoints.proof_of(str(proof)) == proof


@pytest.mark.parametrize("change", [("index 3", "index 03"), ("@v1", "@v2"), ("index 3\n", ""), ("\n\n", "\n")])
def test_a_proof_of_another_form_is_malformed(change: tuple[str, str]) -> None:
    text = str(Proof(index=3, hashes=[], checkpoint=str(signed())))

    with pytest.raises(Malformed):
        checkpoints.proof_of(text.replace(*change))
