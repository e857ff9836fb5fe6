"""The catalogue: reference events in one small table, read whole and kept in memory by every process.

`catalogue_epoch` tells processes that something changed; it is a signal, not an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    select,
    update,
)

from creditbank.domain.catalogue import Catalogue, evolve
from creditbank.domain.events import ReferenceEvent
from creditbank.ledger import bulk, codec
from creditbank.ledger.log import Entry, Recorded
from creditbank.projections.tables import metadata

catalogue = Table(
    "catalogue",
    metadata,
    Column("stream_id", Uuid, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("partition_id", SmallInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("stream_id", "version", "partition_id"),
)

catalogue_epoch = Table(
    "catalogue_epoch",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
)

TABLES = (catalogue,)

_EPOCH = bulk.Query(select(catalogue_epoch.c.epoch))
_HELD = bulk.Query(select(catalogue_epoch.c.epoch).with_for_update(read=True))


def apply(connection: Connection, recorded: Sequence[Recorded]) -> None:
    """Keep the reference events among these."""
    rows = [
        (item.stream_id, item.version, item.partition_id, *codec.encode(item.event))
        for item in recorded
        if isinstance(item.event, ReferenceEvent)
    ]
    bulk.insert(connection, catalogue, rows)


def announce(connection: Connection, entries: Sequence[Entry]) -> None:
    """Signal that the catalogue changes, where it does.

    Called before the counters are locked: it waits for all who hold the epoch, and they may wait for a counter.
    """
    if changes := sum(isinstance(entry.event, ReferenceEvent) for entry in entries):
        turn(connection, changes)


def turn(connection: Connection, changes: int = 1) -> None:
    """Let the epoch grow, so that every process reads the catalogue again."""
    connection.execute(update(catalogue_epoch).values(epoch=catalogue_epoch.c.epoch + changes))


def epoch(connection: Connection) -> int:
    """Which state of the catalogue this is."""
    return int(_EPOCH.rows(connection)[0][0])


def held_later(connection: Connection) -> Callable[[], int]:
    """The epoch, which then stays so until the transaction ends: changes wait. Asked together with others."""
    rows = _HELD.later(connection)
    return lambda: int(rows()[0][0])


def encoded(connection: Connection) -> set[tuple[Any, ...]]:
    """Every row as it is stored: stream, version, partition, type and body."""
    return {tuple(row) for row in connection.execute(select(catalogue))}


def read(connection: Connection) -> Catalogue:
    """The catalogue as it stands in this transaction."""
    current = Catalogue()
    at = epoch(connection)
    statement = select(catalogue.c.type, catalogue.c.body).order_by(catalogue.c.stream_id, catalogue.c.version)
    for row in connection.execute(statement):
        event: Any = codec.decode(row.type, row.body)
        current = evolve(current, event)
    return replace(current, epoch=at)
