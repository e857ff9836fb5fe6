"""Proofs: what the bank has proven can be checked without it, and nothing else can."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from creditbank.audit import checking
from creditbank.audit.proofs import Prover
from creditbank.audit.publisher import Publisher
from creditbank.audit.transparency.encoding import Malformed
from creditbank.audit.transparency.merkle import Unproven
from creditbank.ledger.tables import event
from tests.audit.bank import fill, publisher


def longest_stream(engine: Engine) -> UUID:
    with engine.connect() as connection, connection.begin():
        statement = select(event.c.stream_id).order_by(event.c.version.desc()).limit(1)
        return connection.execute(statement).scalar_one()


def prover(one: Publisher) -> Prover:
    return Prover(engine=one.engine, shelf=one.shelf, trees=one.trees, salting=one.salting)


@pytest.fixture
def published(engine: Engine, tmp_path: Path) -> Publisher:
    one = publisher(engine, tmp_path)
    fill(engine, 6)
    one.publish()
    return one


def test_a_stream_is_proven_event_by_event(published: Publisher) -> None:
    stream_id = longest_stream(published.engine)
    proofs = [str(proof) for proof in prover(published).stream(stream_id)]

    proven = checking.stream(proofs, published.verifier_keys())

    assert [one.record["version"] for one in proven] == list(range(1, len(proofs) + 1))
    assert {one.record["stream"] for one in proven} == {str(stream_id)}
    assert proven[0].record["type"] == "account-opened/1"


def test_what_no_checkpoint_covers_has_no_proof_yet(engine: Engine, tmp_path: Path) -> None:
    one = publisher(engine, tmp_path)
    fill(engine, 3)
    stream_id = longest_stream(engine)
    assert prover(one).event(stream_id, 1) is None

    one.publish()
    fill(engine, 3, first=10, furnished=True)

    assert prover(one).event(stream_id, 1) is not None
    assert prover(one).event(stream_id, 1_000) is None


def test_a_left_out_or_swapped_event_is_noticed(published: Publisher) -> None:
    proofs = [str(proof) for proof in prover(published).stream(longest_stream(published.engine))]
    assert len(proofs) >= 3

    for changed in (proofs[1:], [proofs[0], *proofs[2:]], [proofs[1], proofs[0]], [proofs[0], proofs[0]]):
        with pytest.raises(Unproven, match="version"):
            checking.stream(changed, published.verifier_keys())


def test_a_proof_under_a_foreign_key_is_none(published: Publisher, tmp_path: Path) -> None:
    proof = prover(published).event(longest_stream(published.engine), 1)
    assert proof is not None
    foreign = publisher(published.engine, tmp_path / "foreign")

    with pytest.raises(Unproven, match="not signed"):
        checking.event(proof, foreign.verifier_keys())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(place=st.integers(0), bit=st.integers(0, 7))
def test_a_proof_with_one_bit_changed_is_refused(published: Publisher, place: int, bit: int) -> None:
    proof = prover(published).event(longest_stream(published.engine), 2)
    assert proof is not None
    raw = bytearray(proof.encode())
    raw[place % len(raw)] ^= 1 << bit

    with pytest.raises((Malformed, Unproven, UnicodeDecodeError)):
        checking.event(raw.decode(), published.verifier_keys())


def test_the_page_of_the_formats_is_enough_to_check_a_proof(published: Publisher) -> None:
    """Written from docs/trust.md with the standard library alone, as somebody else would."""
    proof = prover(published).event(longest_stream(published.engine), 2)
    assert proof is not None
    head, _, checkpoint = proof.partition("\n\n")
    version, extra, index_line, *path = head.split("\n")
    opening = json.loads(base64.b64decode(extra.removeprefix("extra ")))
    salt = base64.urlsafe_b64decode(opening["salt"] + "=")

    commitment = hmac.new(salt, b"creditbank/event/1\0" + opening["record"].encode(), hashlib.sha256).digest()
    short = base64.urlsafe_b64encode(commitment).decode().rstrip("=")
    node = hashlib.sha256(b"\0" + f'{{"c":"{short}","v":"creditbank-leaf/1"}}'.encode()).digest()
    _origin, size, root = checkpoint.split("\n")[:3]
    place, last = int(index_line.removeprefix("index ")), int(size) - 1
    for line in path:
        other = base64.b64decode(line)
        while place % 2 == 0 and place == last:
            place, last = place // 2, last // 2
        node = hashlib.sha256(b"\1" + (other + node if place % 2 else node + other)).digest()
        place, last = place // 2, last // 2

    assert version == "c2sp.org/tlog-proof@v1"
    assert base64.b64encode(node).decode() == root
