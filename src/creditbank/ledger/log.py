"""Append to the log and read it. Positions are gapless per partition, and their order is commit order.

The counter rows of the touched partitions are locked last, in ascending order, and held to commit. So a
reader that has seen position n of a partition has seen everything before it, and can never miss an event.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Column, Connection, Row, Select, Table, func, select

from creditbank.domain.events import Event
from creditbank.domain.values import PARTITIONS, partition_of
from creditbank.ledger import bulk, codec
from creditbank.ledger.numbering import Numbering, Slot
from creditbank.ledger.raw import Range
from creditbank.ledger.tables import event as event_table
from creditbank.ledger.tables import log_partition

PAGE = 1_000

NUMBERS = Numbering(log_partition, event_table, event_table.c.recorded_at)
places, heads = NUMBERS.places, NUMBERS.heads
_STREAMS = bulk.Lookup(
    select(event_table).order_by(event_table.c.stream_id, event_table.c.version), event_table.c.stream_id
)
_LATEST = bulk.Query(select(func.max(log_partition.c.recorded_at)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event that is to be appended: its stream, its version there, and on whose behalf it happens.

    `approved_by` is the second person of an act that needs two.
    """

    stream_id: UUID
    version: int
    event: Event
    actor: str
    causation: UUID
    approved_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An event in the log. `recorded_at` is in microseconds since 1970 UTC and never falls in a partition."""

    partition_id: int
    position: int
    stream_id: UUID
    version: int
    recorded_at: int
    actor: str
    causation: UUID
    type: str
    event: Event
    approved_by: str | None = None

    @property
    def at(self) -> str:
        """Where it stands, as the outside writes it."""
        return f"{self.partition_id}:{self.position}"


class Encoded(NamedTuple):
    """An event that is to be appended, encoded beforehand. `stream_id` is given as its 16 bytes."""

    stream_id: bytes
    partition_id: int
    version: int
    type: str
    body: bytes


class Place(NamedTuple):
    """Where an event stands."""

    partition_id: int
    position: int

    @property
    def at(self) -> str:
        """The same, as the outside writes it."""
        return f"{self.partition_id}:{self.position}"


def append_encoded(
    connection: Connection, entries: Sequence[Encoded], *, actor: str, causation: UUID, now: int
) -> list[Slot]:
    """Append what one command decided, as `append` does."""
    slots = places(connection, [entry.partition_id for entry in entries], now)
    shared = (causation.bytes, actor, None)
    rows = [
        (partition, position, stream_id, version, recorded_at, *shared, name, body)
        for (stream_id, partition, version, name, body), (position, recorded_at) in zip(entries, slots, strict=True)
    ]
    bulk.insert(connection, event_table, rows)
    return slots


def append(connection: Connection, entries: Sequence[Entry], now: int) -> list[Recorded]:
    """Append in one go, inside the caller's transaction. `now` is in microseconds.

    Raises IntegrityError when a version of a stream is already there: somebody else was faster.
    """
    # All work that needs no lock comes before the counters.
    encoded = [codec.encode(entry.event) for entry in entries]
    partitions = [partition_of(entry.stream_id) for entry in entries]
    slots = places(connection, partitions, now)
    recorded: list[Recorded] = []
    rows: list[tuple[Any, ...]] = []
    for entry, (name, body), partition, slot in zip(entries, encoded, partitions, slots, strict=True):
        rows.append(
            (
                partition,
                slot.position,
                entry.stream_id,
                entry.version,
                slot.recorded_at,
                entry.causation,
                entry.actor,
                entry.approved_by,
                name,
                body,
            )
        )
        recorded.append(
            Recorded(
                partition_id=partition,
                position=slot.position,
                stream_id=entry.stream_id,
                version=entry.version,
                recorded_at=slot.recorded_at,
                actor=entry.actor,
                causation=entry.causation,
                type=name,
                event=entry.event,
                approved_by=entry.approved_by,
            )
        )
    bulk.insert(connection, event_table, rows)
    return recorded


def last_recorded_at(connection: Connection) -> int:
    """The moment of the last event in any partition, in microseconds; 0 before the first."""
    return last_recorded_later(connection)()


def last_recorded_later(connection: Connection) -> Callable[[], int]:
    """The same, asked together with others."""
    rows = _LATEST.later(connection)
    return lambda: int(rows()[0][0])


def stream_ids(connection: Connection, first_types: Collection[str], after: UUID | None, limit: int) -> list[UUID]:
    """The next streams behind an id, in the order of their ids, that begin with an event of one of these types."""
    statement = (
        select(event_table.c.stream_id)
        .where(event_table.c.version == 1, event_table.c.type.in_(list(first_types)))
        .order_by(event_table.c.stream_id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(event_table.c.stream_id > after)
    return list(connection.execute(statement).scalars())


def positions_at(connection: Connection, moment: int) -> dict[int, int]:
    """The last position of each partition that was recorded up to a moment, in microseconds."""
    last = func.max(event_table.c.position)
    statement = select(event_table.c.partition_id, last).where(event_table.c.recorded_at <= moment)
    return dict(iter(connection.execute(statement.group_by(event_table.c.partition_id))))


def of_types(connection: Connection, types: Collection[str], upto: Mapping[int, int]) -> Iterator[Recorded]:
    """The events of these types, partition by partition, each up to a position; partitions without one are left out."""
    for partition_id, last in sorted(upto.items()):
        after = 0
        while page := partition(connection, partition_id, after, types=types, upto=last):
            yield from page
            after = page[-1].position


def streams_within(connection: Connection, first_types: Collection[str], among: Range) -> list[UUID]:
    """The streams of a range of ids that begin with an event of one of these types, in the order of their ids."""
    key = event_table.c.stream_id
    statement = select(key).where(event_table.c.version == 1, event_table.c.type.in_(list(first_types))).order_by(key)
    if among.after is not None:
        statement = statement.where(key > among.after)
    if among.upto is not None:
        statement = statement.where(key <= among.upto)
    return list(connection.execute(statement).scalars())


def without_history(connection: Connection, table: Table, key: Column[UUID]) -> UUID | None:
    """A key in this table that is the id of no stream in the row's partition; None where each is one."""
    known = select(event_table.c.stream_id).where(
        event_table.c.stream_id == key, event_table.c.partition_id == table.c.partition_id
    )
    return connection.execute(select(key).where(~known.exists()).limit(1)).scalar_one_or_none()


def encoded(connection: Connection, types: Collection[str]) -> set[tuple[Any, ...]]:
    """Every event of these types as it is stored: stream, version, partition, type and body."""
    columns = [event_table.c[name] for name in ("stream_id", "version", "partition_id", "type", "body")]
    return {tuple(row) for row in connection.execute(select(*columns).where(event_table.c.type.in_(list(types))))}


def streams(connection: Connection, stream_ids: Collection[UUID]) -> dict[UUID, list[Recorded]]:
    """The whole history of each stream, oldest first, by one query. A stream without events has an empty list."""
    histories: dict[UUID, list[Recorded]] = {stream_id: [] for stream_id in stream_ids}
    for row in _STREAMS.rows(connection, stream_ids):
        histories[row.stream_id].append(recorded_of(row))
    return histories


def stream(connection: Connection, stream_id: UUID, after: int = 0, limit: int | None = None) -> list[Recorded]:
    """The history of one stream behind a version, oldest first."""
    statement = (
        select(event_table)
        .where(event_table.c.stream_id == stream_id, event_table.c.version > after)
        .order_by(event_table.c.version)
        .limit(limit)
    )
    return list(_decoded(connection, statement))


def partition(
    connection: Connection,
    partition_id: int,
    after: int,
    limit: int = PAGE,
    types: Collection[str] = (),
    upto: int | None = None,
) -> list[Recorded]:
    """The next events of a partition behind a position, in order, up to another one where it is named.

    Only those of `types` when any are named.
    """
    statement = (
        select(event_table)
        .where(event_table.c.partition_id == partition_id, event_table.c.position > after)
        .order_by(event_table.c.position)
        .limit(limit)
    )
    if types:
        statement = statement.where(event_table.c.type.in_(list(types)))
    if upto is not None:
        statement = statement.where(event_table.c.position <= upto)
    return list(_decoded(connection, statement))


def stored(connection: Connection, partition_id: int, after: int, upto: int, limit: int = PAGE) -> Sequence[Row[Any]]:
    """The rows of a partition behind a position, up to another one, as they are stored."""
    statement = (
        select(event_table)
        .where(
            event_table.c.partition_id == partition_id,
            event_table.c.position > after,
            event_table.c.position <= upto,
        )
        .order_by(event_table.c.position)
        .limit(limit)
    )
    return connection.execute(statement).all()


def pages(connection: Connection, partition_id: int, first: int, count: int) -> Iterator[Sequence[Row[Any]]]:
    """The rows of as many positions of a partition from the first one on, a page at a time."""
    after, last = first - 1, first + count - 1
    while page := stored(connection, partition_id, after, last):
        yield page
        after = page[-1].position


def stored_stream(connection: Connection, stream_id: UUID, upto: int | None = None) -> Sequence[Row[Any]]:
    """The rows of a stream, up to a version where it is named, as they are stored, oldest first."""
    statement = select(event_table).where(event_table.c.stream_id == stream_id).order_by(event_table.c.version)
    if upto is not None:
        statement = statement.where(event_table.c.version <= upto)
    return connection.execute(statement).all()


def everything(connection: Connection) -> Iterator[list[Recorded]]:
    """All of history, partition by partition, a page at a time: memory stays constant."""
    for partition_id in range(PARTITIONS):
        after = 0
        while page := partition(connection, partition_id, after):
            yield page
            after = page[-1].position


def _decoded(connection: Connection, statement: Select[Any]) -> Iterator[Recorded]:
    for row in connection.execute(statement):
        yield recorded_of(row)


def recorded_of(row: Row[Any]) -> Recorded:
    """The event in a whole row of the log."""
    # Its values in one go: by their names they would take longer than all the rest.
    partition_id, position, stream_id, version, recorded_at, causation, actor, approved_by, name, body = tuple(row)
    return Recorded(
        partition_id=partition_id,
        position=position,
        stream_id=stream_id,
        version=version,
        recorded_at=recorded_at,
        actor=actor,
        causation=causation,
        type=name,
        event=codec.decode(name, body),
        approved_by=approved_by,
    )
