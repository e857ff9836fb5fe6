"""Verification: whatever was changed behind the bank's back is found, and named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, text

from creditbank.audit import files
from creditbank.audit.files import Fault
from creditbank.audit.publisher import Publisher
from creditbank.audit.transparency import growth, merkle, notes
from creditbank.audit.transparency.checkpoints import Checkpoint
from creditbank.audit.transparency.notes import Note, VerifierKey
from creditbank.audit.transparency.shelf import CHECKPOINT, Shelf
from creditbank.audit.transparency.tiles import WIDTH
from creditbank.audit.whole import Bank
from creditbank.ledger import log
from creditbank.ledger.database import snapshot, writing
from tests.audit.bank import fill, filled, publisher


def faults(one: Publisher) -> list[Fault]:
    """The first fault of files and history, which `creditbank verify` names; that of the answers comes last."""
    bank = Bank(engine=one.engine, shelf=one.shelf, data_dir=one.shelf.folder.parent, keys=one.verifier_keys())
    found = bank.verify(1).fault
    return [] if found is None else [found]


BEGINNINGS = {"published": filled(6, 6)}


@pytest.fixture
def published(engine: Engine, tmp_path: Path) -> Publisher:
    return publisher(engine, tmp_path)


def test_an_untouched_log_verifies(published: Publisher) -> None:
    assert faults(published) == []
    fill(published.engine, 2, first=20, furnished=True)
    assert faults(published) == []


def signed_and_not_shown(engine: Engine, folder: Path) -> tuple[Publisher, tuple[int, int]]:
    """A log whose last checkpoint waits to be shown, and where its one event stands, of a person known before."""
    one = publisher(engine, folder)
    fill(engine, 7)
    one.publish()
    shown = one.shelf.checkpoint()
    assert shown is not None
    with snapshot(engine) as connection:
        before = log.heads(connection)
    fill(engine, 1, first=7, furnished=True)  # the second certificate of the last person
    one.publish()
    one.shelf.replace(CHECKPOINT, shown)
    with snapshot(engine) as connection:
        [added] = [place for place in log.heads(connection).items() if place[1] != before.get(place[0], 0)]
    return one, added


def test_what_is_signed_and_not_shown_yet_is_no_fault(engine: Engine, tmp_path: Path) -> None:
    """As after a crash between the two, or for as long as the witnesses are silent."""
    one, _ = signed_and_not_shown(engine, tmp_path)
    assert faults(one) == []
    one.publish()
    assert faults(one) == []


def test_a_change_of_what_is_signed_and_not_shown_yet_is_found(engine: Engine, tmp_path: Path) -> None:
    one, (partition_id, position) = signed_and_not_shown(engine, tmp_path)
    with writing(engine) as connection:
        connection.execute(
            text("UPDATE event SET actor = 'somebody' WHERE partition_id = :p AND position = :n"),
            {"p": partition_id, "n": position},
        )
    assert [fault.what for fault in faults(one)] == ["is not what was published"]


def longest(connection: Connection) -> tuple[int, int]:
    """A partition with more than one event, and the last position in it."""
    return max(log.heads(connection).items(), key=lambda item: item[1])


def change(one: Publisher, *statements: str) -> tuple[int, int]:
    """Do behind the bank's back what these statements say of the last event of a partition, `:p` and `:n`."""
    with writing(one.engine) as connection:
        partition_id, last = longest(connection)
        for statement in statements:
            parameters = {"p": partition_id, "n": last}
            wanted = {name: value for name, value in parameters.items() if f":{name}" in statement}
            connection.execute(text(statement), wanted)
    return partition_id, last


@pytest.mark.parametrize(
    "column",
    ["recorded_at = recorded_at + 1", "actor = actor || 'x'", "approved_by = 'x'", "type = 'account-closed/1'",
     "version = version + 100"],
)  # fmt: skip
def test_a_changed_event_is_named(published: Publisher, column: str) -> None:
    partition_id, last = change(published, f"UPDATE event SET {column} WHERE partition_id = :p AND position = :n")

    assert faults(published)[0].where.startswith(f"event {partition_id}:{last} ")


def test_a_changed_body_is_named(published: Publisher) -> None:
    with writing(published.engine) as connection:
        partition_id, last = longest(connection)
        body = connection.execute(
            text("SELECT body FROM event WHERE partition_id = :p AND position = :n"), {"p": partition_id, "n": last}
        ).scalar_one()
        changed = bytes(body)[:-2] + bytes([bytes(body)[-2] ^ 0x80]) + bytes(body)[-1:]
        connection.execute(
            text("UPDATE event SET body = :b WHERE partition_id = :p AND position = :n"),
            {"b": changed, "p": partition_id, "n": last},
        )

    assert faults(published)[0].where.startswith(f"event {partition_id}:{last} ")


def test_a_deleted_tail_is_named(published: Publisher) -> None:
    partition_id, last = change(
        published,
        "DELETE FROM event WHERE partition_id = :p AND position = :n",
        "UPDATE log_partition SET head = head - 1 WHERE partition_id = :p",
    )

    assert faults(published)[0] == Fault(where=f"event {partition_id}:{last}", what="is missing")


def test_two_swapped_events_are_named(published: Publisher) -> None:
    partition_id, last = change(
        published,
        "UPDATE event SET position = 1000000 WHERE partition_id = :p AND position = :n",
        "UPDATE event SET position = :n WHERE partition_id = :p AND position = :n - 1",
        "UPDATE event SET position = :n - 1 WHERE partition_id = :p AND position = 1000000",
    )

    assert faults(published)[0].where.startswith(f"event {partition_id}:{last - 1} ")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log_head SET version = version, commitment = (SELECT root FROM log_checkpoint LIMIT 1)",
        "UPDATE log_round SET first_position = first_position + 1000 WHERE first_index = 0",
        "UPDATE log_round SET count = count + 1 WHERE first_index = 0",
        "DELETE FROM log_round WHERE first_index = 0",
        "UPDATE log_seal SET heads = replace(heads, '1', '2')",
        "UPDATE log_seal SET round = round + 10",
        "DELETE FROM log_seal",
        "UPDATE log_checkpoint SET size = size + 1",
        "UPDATE log_checkpoint SET note = replace(note, 'bank', 'bunk')",
        "DELETE FROM log_checkpoint",
        "UPDATE log_tree SET published = published - 1",
    ],
)
def test_a_changed_row_of_the_log_is_found(published: Publisher, statement: str) -> None:
    change(published, statement)

    assert faults(published)


def _flip(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("damage", [_flip, _cut, Path.unlink])
def test_every_damaged_file_is_named(published: Publisher, damage: Callable[[Path], None]) -> None:
    head, _ = files.check(published.shelf, published.verifier_keys())
    assert head is not None
    paths = [path for path in published.shelf.folder.rglob("*") if path.is_file() and f".p/{head.size}" in str(path)]
    assert len(paths) == 2

    for path in paths:
        content = path.read_bytes()
        damage(path)
        [found] = files.check(published.shelf, published.verifier_keys())[1]
        assert str(head.size) in found.where or found.where == "tiles"
        path.write_bytes(content)


@pytest.fixture(scope="module")
def long_log(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shelf, VerifierKey]:
    """A signed log of a full tile and some more leaves, whose entries are short."""
    shelf, signing = Shelf(tmp_path_factory.mktemp("long"), is_durable=False), Ed25519PrivateKey.generate()
    entries = [b"%d" % number for number in range(WIDTH + 3)]
    head = Checkpoint(origin="bank.example", size=len(entries), root=growth.grow(shelf, 0, merkle.EMPTY_ROOT, entries))
    note = Note(text=head.text, signatures=(notes.sign(head.text, signing, head.origin),))
    shelf.replace(CHECKPOINT, str(note))
    return shelf, notes.key_of(signing, head.origin)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _double(path: Path) -> None:
    path.write_bytes(2 * path.read_bytes())


def _lose_a_hash(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-32])


@pytest.mark.parametrize("damage", [_flip, _cut, _empty, _halve, _double, _lose_a_hash, Path.unlink])
@pytest.mark.parametrize(
    "name", ["tile/0/000", "tile/entries/000", "tile/0/001.p/3", "tile/entries/001.p/3", "tile/1/000.p/1"]
)
def test_every_damage_to_a_full_tile_is_named(
    long_log: tuple[Shelf, VerifierKey], name: str, damage: Callable[[Path], None]
) -> None:
    shelf, key = long_log
    assert files.check(shelf, [key])[1] == []
    path = shelf.folder / name
    content = path.read_bytes()
    head = files.signed_head(shelf.checkpoint(), [key])[0]
    assert head is not None

    damage(path)
    try:
        [found] = files.check(shelf, [key])[1]
        above = list(files.hashes(shelf, head))
    finally:
        path.write_bytes(content)

    number = name.split("/")[2][:3]
    assert number in found.where or found.where == "tiles"
    assert above or "entries" in name


def test_a_history_that_was_rewritten_from_the_start_is_found(published: Publisher, tmp_path: Path) -> None:
    """Somebody with the database and the keys publishes another history under the same name."""
    note = published.shelf.checkpoint()
    change(published, "DELETE FROM log_checkpoint", "DELETE FROM log_round", "DELETE FROM log_seal",
           "DELETE FROM log_head", "UPDATE log_tree SET size = 0, published = 0, rounds = 0",
           "UPDATE event SET actor = 'somebody' WHERE partition_id = :p AND position = :n")  # fmt: skip
    forged = Publisher(
        engine=published.engine, shelf=type(published.shelf)(tmp_path / "forged"), signing=published.signing,
        salting=published.salting, origin=published.origin, clock=published.clock, trees=published.trees,
    )  # fmt: skip
    forged.publish()
    assert faults(forged) == []

    # Whoever kept the old checkpoint sees it: what is published now does not go on from there.
    assert note is not None
    (forged.shelf.folder / "checkpoint").write_text(note)
    assert faults(forged)
