"""The publisher: everything gets one index, what is published is what history says, and no fork is ever signed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from creditbank.audit import publisher as rounds
from creditbank.audit import publishing
from creditbank.audit.publisher import Publisher, record_of
from creditbank.audit.transparency import growth, merkle, notes, records, tiles
from creditbank.audit.transparency.checkpoints import Checkpoint, checkpoint_of
from creditbank.audit.transparency.shelf import Forked
from creditbank.ledger import log, sequence
from creditbank.ledger.database import writing
from creditbank.vault import logkeys
from tests.audit.bank import ORIGIN, fill, publisher


def published(one: Publisher) -> Checkpoint:
    """The head on the shelf, once its signature is checked."""
    note = one.shelf.checkpoint()
    assert note is not None
    parsed = notes.parse(note)
    assert len(notes.verified(parsed, one.verifier_keys())) == len(one.signing)
    return checkpoint_of(parsed.text)


def entries_on(one: Publisher, size: int) -> list[bytes]:
    return [entry for tile in tiles.bundles_of(size) for entry in tiles.unpack(one.shelf.read(tile))]


def events_in(engine: Engine) -> int:
    with engine.connect() as connection, connection.begin():
        return sum(log.heads(connection).values())


def test_every_event_gets_one_entry_and_every_round_a_seal(engine: Engine, tmp_path: Path) -> None:
    one = publisher(engine, tmp_path)
    fill(engine, 5)
    first = one.publish()
    fill(engine, 4, first=5, furnished=True)
    second = one.publish()

    assert first is not None and second is not None
    entries = entries_on(one, second.size)
    kinds = [json.loads(entry)["v"] for entry in entries]
    assert kinds.count(records.LEAF) == events_in(engine)
    assert [index + 1 for index, kind in enumerate(kinds) if kind == records.SEAL] == [first.size, second.size]
    assert published(one) == second
    assert len(set(entries)) == len(entries)


def test_while_there_is_more_than_a_round_holds_one_follows_the_other(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (rounds, publishing):
        monkeypatch.setattr(module, "ROUND_LIMIT", 5)
    monkeypatch.setattr(publishing, "PERIOD_SECONDS", 3_600.0)
    one, stopping, heads = publisher(engine, tmp_path), Event(), []
    fill(engine, 10)
    events = events_in(engine)

    def tell(head: Checkpoint) -> None:
        heads.append(head)
        if head.size == events + len(heads):  # with a seal for each round
            stopping.set()

    thread = Thread(target=publishing.follow, args=(one, stopping, tell), daemon=True)
    thread.start()
    thread.join(60)
    assert stopping.is_set()
    assert len(heads) >= events // 5


def test_without_news_nothing_is_published(engine: Engine, tmp_path: Path) -> None:
    one = publisher(engine, tmp_path)
    assert one.publish() is None
    fill(engine, 1)
    one.publish()
    before = published(one)

    assert one.publish() is None
    assert published(one) == before


def test_a_round_without_news_writes_nothing(engine: Engine, tmp_path: Path) -> None:
    one = publisher(engine, tmp_path)
    fill(engine, 1)
    one.publish()
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    one.publish()
    event.remove(engine, "before_cursor_execute", note)

    assert asked
    assert not [one for one in asked if "FOR UPDATE" in one or "IMMEDIATE" in one or one.startswith(("UPDATE", "INS"))]


def test_a_partial_tile_is_read_out_of_the_full_one(sqlite_engine: Engine, tmp_path: Path) -> None:
    """As whoever holds an older checkpoint asks for it."""
    one = publisher(sqlite_engine, tmp_path)
    fill(sqlite_engine, 5)
    old = one.publish()
    assert old is not None
    root = growth.root_of(one.shelf, old.size)
    entries = entries_on(one, old.size)
    fill(sqlite_engine, 160, first=5, furnished=True)
    one.publish()

    assert not (one.shelf.folder / "tile/0/000.p").exists()
    assert growth.root_of(one.shelf, old.size) == root == old.root
    assert entries_on(one, old.size) == entries


def test_each_head_begins_with_the_one_before(engine: Engine, tmp_path: Path) -> None:
    one = publisher(engine, tmp_path)
    heads = []
    for number in range(4):
        fill(engine, 3, first=3 * number, furnished=number > 0)
        heads.append(one.publish())
    last = heads[-1]
    assert last is not None
    hashes = tiles.reader(last.size, one.shelf.read)

    for head in heads:
        assert head is not None
        proof = merkle.consistency(head.size, last.size, hashes)
        merkle.check_consistency(head.size, last.size, head.root, last.root, proof)


def test_an_event_with_its_salt_proves_its_entry(engine: Engine, tmp_path: Path) -> None:
    one = publisher(engine, tmp_path)
    fill(engine, 7)
    head = one.publish()
    assert head is not None
    hashes = tiles.reader(head.size, one.shelf.read)
    previous: dict[object, bytes] = {}

    with engine.connect() as connection, connection.begin():
        for partition_id, last in log.heads(connection).items():
            for row in log.stored(connection, partition_id, 0, last):
                record = record_of(row, previous.get(row.stream_id)).text
                salt = records.event_salt(one.salting, row.stream_id.bytes, row.version)
                previous[row.stream_id] = records.event_commitment(salt, record)
                index = sequence.index_of(connection, partition_id, row.position)
                assert index is not None
                leaf = merkle.leaf_hash(records.event_entry(previous[row.stream_id]))
                proof = merkle.inclusion(index, head.size, hashes)
                merkle.check_inclusion(leaf, index, head.size, proof, head.root)
                assert json.loads(record)["body"] == row.body.decode()


def test_entries_tell_nothing_of_the_events(engine: Engine, tmp_path: Path) -> None:
    one = publisher(engine, tmp_path)
    fill(engine, 3)
    head = one.publish()
    assert head is not None

    for entry in entries_on(one, head.size):
        assert sorted(json.loads(entry)) == ["c", "v"]
        assert len(entry) == len(b'{"c":"","v":"creditbank-leaf/1"}') + 43


def _break_off(one: Publisher, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    class Lost(Exception):
        pass

    def fail(*_: object, **__: object) -> None:
        raise Lost

    with monkeypatch.context() as patch, pytest.raises(Lost):
        patch.setattr(*{"grow": (growth, "grow"), "sign": (sequence, "add_checkpoint")}[step], fail)
        one.publish()


@pytest.mark.parametrize("step", ["grow", "sign"])
def test_a_round_that_broke_off_is_finished_as_it_was_begun(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    one = publisher(engine, tmp_path)
    fill(engine, 3)
    one.publish()
    fill(engine, 3, first=3, furnished=True)
    _break_off(one, monkeypatch, step)
    with engine.connect() as connection, connection.begin():
        begun = sequence.tree(connection)
    fill(engine, 3, first=6, furnished=True)

    finished = one.publish()

    assert finished is not None
    assert finished.size == begun.size
    after = one.publish()
    assert after is not None
    assert len(entries_on(one, after.size)) == after.size


def test_a_checkpoint_that_was_signed_but_not_shown_is_shown_by_the_next_round(engine: Engine, tmp_path: Path) -> None:
    one = publisher(engine, tmp_path)
    fill(engine, 3)
    head = one.publish()
    (one.shelf.folder / "checkpoint").unlink()

    one.publish()

    assert published(one) == head


def test_lost_files_are_written_anew_from_history(engine: Engine, tmp_path: Path) -> None:
    one = publisher(engine, tmp_path)
    for number in range(3):
        fill(engine, 3, first=3 * number, furnished=number > 0)
        head = one.publish()
    assert head is not None
    entries, key = entries_on(one, head.size), one.shelf.folder / "log.vkey"
    shutil.rmtree(one.shelf.folder)

    one.open()

    assert published(one) == head
    assert entries_on(one, head.size) == entries
    assert key.read_text().splitlines() == [str(verifier) for verifier in one.verifier_keys()]


def test_two_publishers_sign_each_size_once(engine: Engine, tmp_path: Path) -> None:
    fill(engine, 6)
    signed: list[Checkpoint] = []

    def work(one: Publisher) -> None:
        for _ in range(3):
            if head := one.publish():
                signed.append(head)

    threads = [Thread(target=work, args=(publisher(engine, tmp_path),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(signed) == len({head.size for head in signed}) == 1


@pytest.mark.parametrize("level", ["0", "entries"])
def test_a_published_file_with_other_bytes_is_a_fork_and_nothing_is_signed(
    engine: Engine, tmp_path: Path, level: str
) -> None:
    one = publisher(engine, tmp_path)
    fill(engine, 3)
    before = one.publish()
    assert before is not None
    fill(engine, 3, first=3, furnished=True)
    path = next((one.shelf.folder / "tile" / level).rglob(str(before.size)))
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    with pytest.raises(Forked):
        one.publish()

    assert published(one) == before


@pytest.mark.parametrize("level", ["0", "entries"])
@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-1])])
def test_a_published_file_that_is_cut_or_gone_stops_the_log(
    engine: Engine, tmp_path: Path, level: str, damage: Callable[[Path], Any]
) -> None:
    one = publisher(engine, tmp_path)
    fill(engine, 3)
    before = one.publish()
    assert before is not None
    fill(engine, 3, first=3, furnished=True)
    damage(next((one.shelf.folder / "tile" / level).rglob(str(before.size))))

    with pytest.raises(Forked):
        one.publish()

    assert published(one) == before


def test_history_that_lost_its_tail_is_not_published_over(engine: Engine, tmp_path: Path) -> None:
    one = publisher(engine, tmp_path)
    fill(engine, 3)
    with writing(engine) as connection:
        one_partition, head = next(iter(log.heads(connection).items()))
    one._sequence()
    with writing(engine) as connection:
        statement = "DELETE FROM event WHERE partition_id = :partition AND position = :position"
        connection.execute(text(statement), {"partition": one_partition, "position": head})

    with pytest.raises(Forked, match="shorter"):
        one.publish()
    assert one.shelf.checkpoint() is None


def test_a_second_key_signs_beside_the_first(engine: Engine, tmp_path: Path) -> None:
    fill(engine, 1)
    first = publisher(engine, tmp_path)
    assert logkeys.add_signing_key(tmp_path) == 2
    both = publisher(engine, tmp_path)

    both.publish()

    note = notes.parse(both.shelf.checkpoint() or "")
    assert [key.name for key, _ in notes.verified(note, both.verifier_keys())] == [ORIGIN, ORIGIN]
    assert len(notes.verified(note, first.verifier_keys())) == 1


def test_many_events_make_full_tiles(sqlite_engine: Engine, tmp_path: Path) -> None:
    one = publisher(sqlite_engine, tmp_path)
    fill(sqlite_engine, 160)
    one.publish()
    fill(sqlite_engine, 160, first=160, furnished=True)

    head = one.publish()

    assert head is not None and head.size > 512
    assert (one.shelf.folder / "tile/0/001").stat().st_size == 8192
    assert not list((one.shelf.folder / "tile/0").glob("000.p"))
    assert len(entries_on(one, head.size)) == head.size


def test_a_signing_key_that_is_retired_leaves_the_others_and_no_new_one(tmp_path: Path) -> None:
    def held() -> list[bytes]:
        return [key.public_key().public_bytes_raw() for key in logkeys.signing(tmp_path)]

    logkeys.signing(tmp_path)
    logkeys.add_signing_key(tmp_path)
    first, second = held()

    (tmp_path / "keys" / "log" / "signing-1.key").unlink()

    assert held() == [second]
    assert logkeys.add_signing_key(tmp_path) == 3
    assert held()[0] == second
    assert first not in held()
