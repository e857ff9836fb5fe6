"""The sequence of the public log: which index every event has, and what was published of it.

Events are ordered in each of 64 partitions; a round puts the new ones of all partitions behind one another and
ends with a seal. What is kept is a range per round and partition, not a row per event. An index once given is
final: rounds are committed before anything is published of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    PrimaryKeyConstraint,
    Row,
    Select,
    SmallInteger,
    Table,
    Text,
    Uuid,
    bindparam,
    func,
    insert,
    select,
    update,
)

from creditbank.ledger import bulk
from creditbank.ledger.tables import metadata

PAGE = 5_000
"""Rows that are read at once, and values that one statement takes."""

log_tree = Table(
    "log_tree",
    metadata,
    Column("tree_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("rounds", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("published", BigInteger, nullable=False),
    Column("origin", Text, nullable=True),
    comment="One row, locked by whoever publishes: rounds sequenced, leaves sequenced, leaves under a checkpoint.",
)

log_round = Table(
    "log_round",
    metadata,
    Column("partition_id", SmallInteger, nullable=False),
    Column("first_position", BigInteger, nullable=False),
    Column("round", BigInteger, nullable=False),
    Column("first_index", BigInteger, nullable=False, unique=True),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("partition_id", "first_position"),
    comment="The events of a partition that a round put into the log, one behind the other from first_index on.",
)

log_seal = Table(
    "log_seal",
    metadata,
    Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
    Column("round", BigInteger, nullable=False),
    Column("heads", Text, nullable=False),
    comment="The leaf that ends a round, which commits to the head of every partition.",
)

log_epoch = Table(
    "log_epoch",
    metadata,
    Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("streams", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    comment="The leaves that commit to the last event of every stream, as it stood at a size of the log.",
)

log_head = Table(
    "log_head",
    metadata,
    Column("stream_id", Uuid, nullable=False),
    Column("partition_id", SmallInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("commitment", LargeBinary, nullable=False),
    PrimaryKeyConstraint("stream_id", "partition_id"),
    comment="The last commitment of every stream in the log: the one that the next event names.",
)

log_checkpoint = Table(
    "log_checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("signed_at", BigInteger, nullable=False),
    comment="Every checkpoint that was signed; a size is signed once.",
)


class Renamed(RuntimeError):
    """A log keeps the name that it was given: every checkpoint bears it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """How far the log has come, in leaves. What lies between `published` and `size` is an unfinished round."""

    rounds: int
    size: int
    published: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Events of one partition that follow one another in the log."""

    partition_id: int
    first_position: int
    first_index: int
    count: int
    round: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """The leaf that ends a round: its index, the round's number, and the canonical text of the heads."""

    index: int
    round: int
    heads: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """The leaf at `index` says: of so many streams, at this size of the log, these are the last events."""

    index: int
    size: int
    streams: int
    root: bytes


def tree(connection: Connection, *, lock: bool = False) -> Tree:
    """How far the log has come. With `lock`, nobody else publishes until the transaction ends."""
    statement = select(log_tree.c.rounds, log_tree.c.size, log_tree.c.published)
    row = connection.execute(statement.with_for_update() if lock else statement).one()
    return Tree(rounds=row.rounds, size=row.size, published=row.published)


def name(connection: Connection, wanted: str | None, otherwise: str) -> str:
    """What the log of this bank is called: the name that it was given once, which is the wanted one, or another.

    Raises Renamed where another name is wanted than the one that its checkpoints bear.
    """
    known = known_name(connection)
    if known is None:
        known = wanted or otherwise
        connection.execute(update(log_tree).values(origin=known))
    if wanted is not None and wanted != known:
        raise Renamed(f"the log of this bank is called {known}, and cannot be called {wanted}")
    return known


def known_name(connection: Connection) -> str | None:
    """What the log of this bank is called; None before it was given a name."""
    known: str | None = connection.execute(select(log_tree.c.origin)).scalar_one()
    return known


def last_seal(connection: Connection) -> Seal | None:
    """The seal of the last round: its heads are how far each partition has an index. None before the first round."""
    statement = select(log_seal).order_by(log_seal.c.leaf_index.desc()).limit(1)
    row = connection.execute(statement).one_or_none()
    return None if row is None else Seal(index=row.leaf_index, round=row.round, heads=row.heads)


def next_stretches(
    heads: dict[int, int], done: dict[int, int], first_index: int, number: int, limit: int
) -> list[Stretch]:
    """What a round of this number takes: events behind those that have an index, partition by partition."""
    stretches, index, room = [], first_index, limit
    for partition_id, head in sorted(heads.items()):
        first = done.get(partition_id, 0) + 1
        count = min(head - first + 1, room)
        if count > 0:
            stretches.append(
                Stretch(partition_id=partition_id, first_position=first, first_index=index, count=count, round=number)
            )
            index, room = index + count, room - count
    return stretches


def add_round(connection: Connection, stretches: Sequence[Stretch], epoch: Epoch | None, seal: Seal) -> None:
    """Give these leaves their indexes, for good. The tree has to be locked."""
    rows = [(one.partition_id, one.first_position, one.round, one.first_index, one.count) for one in stretches]
    bulk.insert(connection, log_round, rows)
    if epoch is not None:
        bulk.insert(connection, log_epoch, [(epoch.index, epoch.size, epoch.streams, epoch.root)])
    bulk.insert(connection, log_seal, [(seal.index, seal.round, seal.heads)])
    connection.execute(update(log_tree).values(rounds=seal.round, size=seal.index + 1))


def epochs_between(connection: Connection, first: int, last: int) -> list[Epoch]:
    index = log_epoch.c.leaf_index
    statement = select(log_epoch).where(index >= first, index <= last).order_by(index)
    return [_epoch(row) for row in connection.execute(statement)]


def last_epoch(connection: Connection, before: int) -> Epoch | None:
    """The last epoch whose leaf stands before an index."""
    statement = select(log_epoch).where(log_epoch.c.leaf_index < before).order_by(log_epoch.c.leaf_index.desc())
    row = connection.execute(statement.limit(1)).one_or_none()
    return None if row is None else _epoch(row)


def heads_after(connection: Connection, stream_id: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """The next streams with their last commitments, in the order of their ids."""
    statement = select(log_head).order_by(log_head.c.stream_id).limit(limit)
    if stream_id is not None:
        statement = statement.where(log_head.c.stream_id > stream_id)
    return connection.execute(statement).all()


def stretches_between(connection: Connection, first: int, last: int) -> list[Stretch]:
    """The stretches that begin between two indexes, both included, in order."""
    index = log_round.c.first_index
    statement = select(log_round).where(index >= first, index <= last).order_by(index)
    return [_stretch(row) for row in connection.execute(statement)]


def seal_at(connection: Connection, index: int) -> Seal:
    """The seal at an index, which ends a round."""
    row = connection.execute(select(log_seal).where(log_seal.c.leaf_index == index)).one()
    return Seal(index=row.leaf_index, round=row.round, heads=row.heads)


def stretches(connection: Connection, last: int) -> Iterator[Stretch]:
    """All stretches that begin up to an index, in the order of the log, some at a time."""
    statement = select(log_round).where(log_round.c.first_index <= last)
    return map(_stretch, _paged(connection, statement, log_round.c.first_index))


def stretches_of(connection: Connection, partition_id: int, last: int) -> Iterator[Stretch]:
    """Those of one partition, in order."""
    statement = select(log_round).where(log_round.c.partition_id == partition_id, log_round.c.first_index <= last)
    return map(_stretch, _paged(connection, statement, log_round.c.first_position))


def ends(connection: Connection, last: int) -> dict[int, int]:
    """The last position of each partition that has an index up to one."""
    end = func.max(log_round.c.first_position + log_round.c.count - 1)
    statement = select(log_round.c.partition_id, end).where(log_round.c.first_index <= last)
    return dict(iter(connection.execute(statement.group_by(log_round.c.partition_id))))


def seals(connection: Connection, last: int) -> Iterator[Seal]:
    """All seals up to an index, in order, some at a time."""
    statement = select(log_seal).where(log_seal.c.leaf_index <= last)
    for row in _paged(connection, statement, log_seal.c.leaf_index):
        yield Seal(index=row.leaf_index, round=row.round, heads=row.heads)


def _paged(connection: Connection, statement: Select[Any], key: Column[int]) -> Iterator[Row[Any]]:
    """The rows of a statement in the order of a key: a log is longer than memory."""
    ordered, after = statement.order_by(key).limit(PAGE), None
    while page := connection.execute(ordered if after is None else ordered.where(key > after)).all():
        yield from page
        after = getattr(page[-1], key.name)


def index_of(connection: Connection, partition_id: int, position: int) -> int | None:
    """The index of an event; None while no round has taken it."""
    statement = (
        select(log_round)
        .where(log_round.c.partition_id == partition_id, log_round.c.first_position <= position)
        .order_by(log_round.c.first_position.desc())
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    if row is None or position >= row.first_position + row.count:
        return None
    return int(row.first_index + position - row.first_position)


def heads(connection: Connection, stream_ids: Collection[UUID]) -> Iterator[Row[Any]]:
    """The rows of these streams: partition, last version and last commitment. New ones are missing."""
    ids = list(stream_ids)
    for start in range(0, len(ids), PAGE):
        yield from _HEADS.rows(connection, ids[start : start + PAGE])


def commitments(connection: Connection, stream_ids: Collection[UUID]) -> dict[UUID, bytes]:
    """The last commitment of each of these streams; new ones are missing."""
    return {row.stream_id: row.commitment for row in heads(connection, stream_ids)}


def keep_commitments(connection: Connection, heads: dict[UUID, tuple[int, int, bytes]]) -> None:
    """Remember the last commitment of streams: partition, version and commitment by stream."""
    known = commitments(connection, heads)
    rows = [(stream_id, *head) for stream_id, head in heads.items() if stream_id not in known]
    bulk.insert(connection, log_head, rows)
    changed = [
        {"s": stream_id, "p": partition_id, "v": version, "c": commitment}
        for stream_id, (partition_id, version, commitment) in heads.items()
        if stream_id in known
    ]
    if changed:
        connection.execute(_RENEW, changed)


def add_checkpoint(connection: Connection, size: int, root: bytes, note: str, now: int) -> None:
    """Record that a checkpoint is signed, once for each size. The tree has to be locked.

    Raises IntegrityError where one of this size is signed already.
    """
    connection.execute(insert(log_checkpoint).values(size=size, root=root, note=note, signed_at=now))
    connection.execute(update(log_tree).values(published=size))


def signed_root(connection: Connection, size: int) -> bytes | None:
    """The root that was signed for a size; None where none was."""
    statement = select(log_checkpoint.c.root).where(log_checkpoint.c.size == size)
    return connection.execute(statement).scalar_one_or_none()


def checkpoints(connection: Connection) -> Iterator[Row[Any]]:
    """Every checkpoint that was signed, the smallest first: size, root, note."""
    return _paged(connection, select(log_checkpoint), log_checkpoint.c.size)


def signed_at(connection: Connection, index: int) -> int:
    """When the leaf at an index came under a checkpoint, in microseconds."""
    statement = select(log_checkpoint.c.signed_at).where(log_checkpoint.c.size > index)
    moment: int = connection.execute(statement.order_by(log_checkpoint.c.size).limit(1)).scalar_one()
    return moment


def latest_checkpoint(connection: Connection) -> str | None:
    """The note of the largest tree that was signed; None before the first."""
    statement = select(log_checkpoint.c.note).order_by(log_checkpoint.c.size.desc()).limit(1)
    return connection.execute(statement).scalar_one_or_none()


def _epoch(row: Any) -> Epoch:
    return Epoch(index=row.leaf_index, size=row.size, streams=row.streams, root=row.root)


def _stretch(row: Any) -> Stretch:
    return Stretch(
        partition_id=row.partition_id,
        first_position=row.first_position,
        first_index=row.first_index,
        count=row.count,
        round=row.round,
    )


_HEADS = bulk.Lookup(select(log_head), log_head.c.stream_id)
_RENEW = (
    update(log_head)
    .where(log_head.c.stream_id == bindparam("s"), log_head.c.partition_id == bindparam("p"))
    .values(version=bindparam("v"), commitment=bindparam("c"))
)
