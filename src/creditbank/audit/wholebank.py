"""The whole bank as a folder: every published event with its salt, and the log itself.

`events.ndjson` holds a line per event, partition by partition: `{"index":…,"record":…,"salt":…}`. Beside it, `log`
is the published log. Nothing else is needed to check every event of the bank.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection

from creditbank.audit import files, remote
from creditbank.audit.files import Fault
from creditbank.audit.proofs import Prover
from creditbank.audit.publisher import record_of
from creditbank.audit.replay import Progress
from creditbank.audit.transparency import notes, records, tiles
from creditbank.audit.transparency.checkpoints import Checkpoint
from creditbank.audit.transparency.encoding import Malformed
from creditbank.audit.transparency.merkle import leaf_hash
from creditbank.audit.transparency.notes import VerifierKey
from creditbank.audit.transparency.shelf import KEYS, Shelf
from creditbank.domain.values import PARTITIONS
from creditbank.ledger import log, sequence
from creditbank.ledger.database import snapshot

EVENTS, LOG = "events.ndjson", "log"
_EVENT = f'"v":"{records.LEAF}"}}'.encode()
"""How the entry of an event ends."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    index: int
    record: str
    salt: str


class _Told(BaseModel):
    """What a record says of its place. The other names in it are covered by the commitment."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)

    at: Annotated[str, Field(pattern=r"^[0-9]{1,2}:[0-9]{1,19}$")]
    stream: str
    type: str
    version: int
    prev: str | None


def export(prover: Prover, folder: Path, told: Progress | None) -> int:
    """Write a new folder. Returns how many events are in it.

    The log is copied first, up to one checkpoint: events that it does not cover yet are left out. Raises
    FileExistsError where the folder is there, Unreachable where nothing is published yet, and Forked where the
    published files are not whole.
    """
    keys = notes.verifier_keys(prover.shelf.text(KEYS) or "")
    folder.mkdir(parents=True)
    head = remote.copy(prover.shelf, keys, Shelf(folder / LOG), lambda _done, _total: None)
    count = 0
    with snapshot(prover.engine) as connection, (folder / EVENTS).open("w", encoding="utf-8") as file:
        for partition_id in range(PARTITIONS):
            for line in _lines(prover, connection, partition_id, head.size - 1):
                file.write(line + "\n")
                count += 1
            if told:
                told(count, head.size)
    return count


def _lines(prover: Prover, connection: Connection, partition_id: int, last: int) -> Iterator[str]:
    before: dict[UUID, bytes] = {}
    for stretch in sequence.stretches_of(connection, partition_id, last):
        pages = log.pages(connection, partition_id, stretch.first_position, stretch.count)
        for row in chain.from_iterable(pages):
            record = record_of(row, before.get(row.stream_id)).text
            salt = records.event_salt(prover.salting, row.stream_id.bytes, row.version)
            before[row.stream_id] = records.event_commitment(salt, record)
            index = stretch.first_index + row.position - stretch.first_position
            yield records.canonical({"index": index, "record": record, "salt": records.short(salt)})


def faults(folder: Path, keys: Collection[VerifierKey], told: Progress | None) -> Iterator[Fault]:
    """What does not hold of an exported bank, checked by the log's keys alone."""
    shelf = Shelf(folder / LOG)
    head, found = files.check(shelf, keys)
    yield from found
    if head is None or found:
        return
    count = 0
    for fault in _events(folder, shelf, head):
        if fault is not None:
            yield fault
            return
        count += 1
        if told and count % 1_000 == 0:
            told(count, head.size)
    logged = sum(
        entry.endswith(_EVENT) for bundle in tiles.bundles_of(head.size) for entry in tiles.unpack(shelf.read(bundle))
    )
    if count != logged:
        yield Fault(where=EVENTS, what=f"holds {count} events, the log {logged}")


def _events(folder: Path, shelf: Shelf, head: Checkpoint) -> Iterator[Fault | None]:
    """For each event in turn nothing, or what is wrong with it."""
    leaves = files.Leaves(shelf, head.size)
    before: dict[str, tuple[int, str]] = {}
    at = (-1, 0)
    with (folder / EVENTS).open("rb") as file:
        for number, line in enumerate(file, start=1):
            where = f"line {number} of {EVENTS}"
            try:
                index, record, commitment = _opened(line)
            except Malformed as error:
                yield Fault(where=where, what=str(error))
                return
            where = f"event {record.at} ({record.type} of {record.stream})"
            partition_id, position = map(int, record.at.split(":"))
            if partition_id > at[0]:
                before, at = {}, (partition_id, 0)
            version, previous = before.get(record.stream, (0, None))
            follows = (partition_id, position) == (at[0], at[1] + 1)  # a partition is never told again
            if not follows or (record.version, record.prev) != (version + 1, previous):
                yield Fault(where=where, what="does not follow the event before it")
                return
            if not 0 <= index < head.size or leaves[index] != leaf_hash(records.event_entry(commitment)):
                yield Fault(where=where, what="is not what was published")
                return
            before[record.stream] = (record.version, records.short(commitment))
            at = (partition_id, position)
            yield None


def _opened(line: bytes) -> tuple[int, _Told, bytes]:
    try:
        found = _Line.model_validate_json(line)
        record = _Told.model_validate_json(found.record)
    except ValidationError:
        raise Malformed("does not hold an event with its salt") from None
    return found.index, record, records.event_commitment(records.unshort(found.salt), found.record)
