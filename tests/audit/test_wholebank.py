"""An exported bank: every event is checked by the key of the log, and nothing can be left out or added."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from sqlalchemy import Engine

from creditbank.audit import wholebank
from creditbank.audit.publisher import Publisher
from tests.audit.bank import fill, publisher
from tests.audit.test_proofs import prover
from tests.commands.bank import Clock

HOUR = 3_600_000_000


def test_a_bank_with_epochs_and_many_rounds_is_exported_whole(engine: Engine, tmp_path: Path) -> None:
    clock = Clock()
    one = publisher(engine, tmp_path, clock)
    one.open()
    for number in range(4):
        fill(engine, 5, first=5 * number, furnished=number > 0)
        one.publish()
        clock.now += HOUR

    count = wholebank.export(prover(one), tmp_path / "bank", None)

    assert count >= 20
    assert list(wholebank.faults(tmp_path / "bank", one.verifier_keys(), None)) == []
    for number, line in enumerate(lines := (tmp_path / "bank" / "events.ndjson").read_text().splitlines()):
        left_out = [*lines[:number], *lines[number + 1 :]]
        (tmp_path / "bank" / "events.ndjson").write_text("".join(f"{one}\n" for one in left_out))
        assert list(wholebank.faults(tmp_path / "bank", one.verifier_keys(), None)), line


def exported(engine: Engine, folder: Path, count: int) -> tuple[Publisher, list[str]]:
    """A bank of so many certificates in the folder `bank`, and the lines of its events."""
    one = publisher(engine, folder)
    one.open()
    fill(engine, count)
    one.publish()
    wholebank.export(prover(one), folder / "bank", None)
    return one, (folder / "bank" / "events.ndjson").read_text().splitlines()


def told(one: Publisher, folder: Path, lines: list[str]) -> list[str]:
    """What is wrong with the bank once these are the lines of its events."""
    (folder / "bank" / "events.ndjson").write_text("".join(f"{line}\n" for line in lines))
    return [fault.what for fault in wholebank.faults(folder / "bank", one.verifier_keys(), None)]


def test_a_partition_that_is_told_twice_does_not_stand_for_another(sqlite_engine: Engine, tmp_path: Path) -> None:
    one, lines = exported(sqlite_engine, tmp_path, 40)
    partitions = defaultdict(list)
    for line in lines:
        partitions[int(json.loads(json.loads(line)["record"])["at"].split(":")[0])].append(line)
    first, *others = partitions
    twice, left_out = next(
        (a, b) for a in partitions for b in partitions if b - a > 1 and len(partitions[a]) == len(partitions[b])
    )
    orders = {
        "in its place": [twice if each == left_out else each for each in partitions],
        "at the start": [twice, *(each for each in partitions if each != left_out)],
        "at the end": [*(each for each in partitions if each != left_out), twice],
    }

    for where, order in orders.items():
        found = told(one, tmp_path, [line for each in order for line in partitions[each]])
        assert found == ["does not follow the event before it"], where
    assert told(one, tmp_path, [line for each in [*others, first] for line in partitions[each]]), "another order"
    assert told(one, tmp_path, lines) == []


def _changed(line: str, **values: object) -> str:
    return json.dumps({**json.loads(line), **values})


def _record(line: str, **values: object) -> str:
    return json.dumps({**json.loads(json.loads(line)["record"]), **values})


def test_what_is_no_event_is_named_by_its_line(sqlite_engine: Engine, tmp_path: Path) -> None:
    one, lines = exported(sqlite_engine, tmp_path, 3)
    first = lines[0]
    read = json.loads(first)
    broken = [
        "", "x", "[]", "null", "1", '"text"', "{}", "[" * 100_000, '{"index":0,"record":"\\ud800","salt":""}',
        _changed(first, index="1"), _changed(first, index=1.0), _changed(first, index=None), _changed(first, more=1),
        _changed(first, salt="x"), _changed(first, salt=1), _changed(first, record="[]"), _changed(first, record={}),
        *(_changed(first, record=_record(first, **{name: value})) for name, value in
          [("at", "x"), ("at", "1"), ("at", "1:x"), ("at", "-1:1"), ("at", None), ("at", "1:" + "9" * 5_000),
           ("type", 1), ("stream", None), ("version", "1"), ("version", None), ("prev", 0)]),
        *(_changed(first, record=json.dumps({key: value for key, value in json.loads(read["record"]).items()
                                             if key != name}))
          for name in ("at", "type", "stream", "version", "prev")),
    ]  # fmt: skip
    for line in broken:
        assert told(one, tmp_path, [line, *lines[1:]]), line[:80]
    for index in (-1, 1 << 70):
        assert told(one, tmp_path, [_changed(first, index=index), *lines[1:]]) == ["is not what was published"]
    (tmp_path / "bank" / "events.ndjson").write_bytes(b"\xff\n")
    [fault] = wholebank.faults(tmp_path / "bank", one.verifier_keys(), None)
    assert fault.where == "line 1 of events.ndjson"
