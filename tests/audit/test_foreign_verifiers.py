"""Verifiers by other people accept our log and its proofs, and refuse them once they were tampered with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree
from scitt_cose.merkle import verify_consistency, verify_inclusion

from creditbank.audit.publisher import Publisher
from creditbank.audit.transparency import merkle, tiles
from creditbank.audit.transparency.checkpoints import Checkpoint, proof_of
from creditbank.ledger.database import open_engine
from tests.audit.bank import fill, publisher
from tests.audit.test_proofs import longest_stream, prover
from tests.database import copied


@pytest.fixture(scope="module")
def heads(
    migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Publisher, list[Checkpoint]]]:
    """A log with several checkpoints, which these tests only read."""
    folder = tmp_path_factory.mktemp("log")
    engine = open_engine(copied(migrated_sqlite, folder))
    one = publisher(engine, folder)
    found = []
    for number in range(5):
        fill(engine, 4, first=4 * number, furnished=number > 0)
        head = one.publish()
        assert head is not None
        found.append(head)
    yield one, found
    engine.dispose()


def entries_of(one: Publisher, size: int) -> list[bytes]:
    return [entry for bundle in tiles.bundles_of(size) for entry in tiles.unpack(one.shelf.read(bundle))]


def test_a_foreign_tree_over_our_entries_has_our_roots(heads: tuple[Publisher, list[Checkpoint]]) -> None:
    one, found = heads
    entries = entries_of(one, found[-1].size)
    tree = InmemoryTree.init_from_entries(entries, algorithm="sha256")

    for head in found:
        assert tree.get_root(head.size) == head.root


def test_a_foreign_verifier_accepts_our_proofs(heads: tuple[Publisher, list[Checkpoint]]) -> None:
    one, found = heads
    last = found[-1]
    entries, hashes = entries_of(one, last.size), tiles.reader(last.size, one.shelf.read)

    for index, entry in enumerate(entries):
        path = [node.hex() for node in merkle.inclusion(index, last.size, hashes)]
        assert verify_inclusion(entry.hex(), index, last.size, path, last.root.hex())
    for head in found:
        path = [node.hex() for node in merkle.consistency(head.size, last.size, hashes)]
        assert verify_consistency(head.root.hex(), last.root.hex(), head.size, last.size, path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_a_foreign_verifier_refuses_what_was_tampered_with(
    heads: tuple[Publisher, list[Checkpoint]], data: st.DataObject
) -> None:
    one, found = heads
    last = found[-1]
    entries, hashes = entries_of(one, last.size), tiles.reader(last.size, one.shelf.read)
    index = data.draw(st.integers(0, last.size - 1))
    path = merkle.inclusion(index, last.size, hashes)
    whole = bytearray(entries[index] + b"".join(path))
    place = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[place // 8] ^= 1 << place % 8
    length = len(entries[index])
    changed = [bytes(whole[at : at + 32]).hex() for at in range(length, len(whole), 32)]

    assert not verify_inclusion(bytes(whole[:length]).hex(), index, last.size, changed, last.root.hex())


def test_the_proof_that_the_service_gives_is_accepted_too(heads: tuple[Publisher, list[Checkpoint]]) -> None:
    one, found = heads
    text = prover(one).event(longest_stream(one.engine), 1)
    assert text is not None
    proof, last = proof_of(text), found[-1]
    path = [node.hex() for node in proof.hashes]

    entry = entries_of(one, last.size)[proof.index]

    assert verify_inclusion(entry.hex(), proof.index, last.size, path, last.root.hex())
