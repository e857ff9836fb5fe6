"""Gapless numbers per partition. Each is taken under its partition's counter, which stays locked until the commit.

So the order of the numbers is the order of the commits, and neither a hole nor a missing end can come about
by anything but a change from outside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Column, Connection, Table, func, select

from creditbank.ledger import bulk


class Slot(NamedTuple):
    """A position reserved in a partition (the first of several), and the ledger time that goes with it."""

    position: int
    recorded_at: int


@dataclass(frozen=True, slots=True)
class Extent:
    """How many rows stand in a partition, and at which positions the first and the last."""

    count: int = 0
    first: int | None = None
    last: int | None = None


class Numbering:
    """The numbers of one table's rows. `counters` holds a row per partition: head and time of the last one.

    `made_at` is the column of the numbered rows that holds this time.
    """

    def __init__(self, counters: Table, numbered: Table, made_at: Column[int]) -> None:
        self._head = select(counters.c.partition_id, counters.c.head)
        self._counters = select(counters.c.partition_id, counters.c.recorded_at)
        self._locked = bulk.Lookup(
            select(counters).order_by(counters.c.partition_id).with_for_update(), counters.c.partition_id
        )
        self._bump = bulk.Update(counters, [counters.c.partition_id], [counters.c.head, counters.c.recorded_at])
        position = numbered.c.position
        columns = (func.count(), func.min(position), func.max(position))
        self._extents = select(numbered.c.partition_id, *columns).group_by(numbered.c.partition_id)
        self._latest = select(numbered.c.partition_id, func.max(made_at)).group_by(numbered.c.partition_id)
        last = select(func.max(position)).where(numbered.c.partition_id == counters.c.partition_id).scalar_subquery()
        self._unmet = select(counters.c.partition_id).where(counters.c.head != func.coalesce(last, 0))

    def places(self, connection: Connection, partitions: Sequence[int], now: int) -> list[Slot]:
        """Where each of several rows goes, given their partitions. The locks on the counters hold to the end."""
        slots = self._reserve(connection, Counter(partitions), now)
        following = {partition: slot.position for partition, slot in slots.items()}
        found = []
        for partition in partitions:
            position = following[partition]
            following[partition] = position + 1
            found.append(Slot(position, slots[partition].recorded_at))
        return found

    def _reserve(self, connection: Connection, wanted: Counter[int], now: int) -> dict[int, Slot]:
        if not wanted:
            return {}
        rows = self._locked.rows(connection, wanted)
        slots = {row.partition_id: Slot(row.head + 1, max(row.recorded_at, now)) for row in rows}
        moved = [
            (row.partition_id, row.head + wanted[row.partition_id], slots[row.partition_id].recorded_at) for row in rows
        ]
        self._bump.apply(connection, moved)
        return slots

    def heads(self, connection: Connection) -> dict[int, int]:
        """The last position of every partition that has any row."""
        return {row.partition_id: row.head for row in connection.execute(self._head) if row.head}

    def moments(self, connection: Connection) -> dict[int, tuple[int, int]]:
        """For each counter its time, and the time of the last row that it numbered; both are 0 before the first."""
        latest: dict[int, int] = dict(iter(connection.execute(self._latest)))
        rows = connection.execute(self._counters)
        return {row.partition_id: (row.recorded_at, latest.get(row.partition_id, 0)) for row in rows}

    def extents(self, connection: Connection) -> dict[int, Extent]:
        """What stands in each partition, counted row by row; partitions without any row are missing."""
        rows = connection.execute(self._extents)
        return {partition_id: Extent(*extent) for partition_id, *extent in rows}

    def without_end(self, connection: Connection) -> list[int]:
        """The partitions whose last row is not the one that the counter names. Cheap, however many rows there are."""
        return sorted(connection.execute(self._unmet).scalars())
