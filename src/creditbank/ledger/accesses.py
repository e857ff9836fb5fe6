"""Who looked: a second log, of every read of personal data. Appended in numbered order and never changed.

It says who looked at which account, and what for, and never what was seen.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row, select, tuple_

from creditbank.domain.values import partition_of
from creditbank.ledger import bulk
from creditbank.ledger.numbering import Numbering
from creditbank.ledger.tables import access_partition, access_record

WHOLE_BANK = UUID(int=0)
"""Stands for the account where a reader follows the feed, which is of all accounts at once."""

NUMBERS = Numbering(access_partition, access_record, access_record.c.accessed_at)

Place = tuple[int, int, int]
"""Where an access stands among those of several accounts: its time, its partition, its position there."""


class Look(NamedTuple):
    """Who looks, at what, and what for: all but the account and the time. A tuple, since each request compares it.

    `credential` is the public id of what let it in. `fields` names the kinds of data, separated by spaces.
    """

    credential: str
    role: str
    organisation: str | None
    operation: str
    fields: str
    purpose: str
    on_behalf_of: str | None = None


class Access(NamedTuple):
    """A look at one account."""

    account_id: UUID
    look: Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Accessed:
    """An access on record. `accessed_at` is in microseconds since 1970 UTC and never falls in a partition."""

    partition_id: int
    position: int
    accessed_at: int
    access: Access

    @property
    def place(self) -> Place:
        return self.accessed_at, self.partition_id, self.position


def append(connection: Connection, accesses: Sequence[Access], now: int) -> None:
    """Append in one go, inside the caller's transaction. `now` is in microseconds."""
    partitions = [partition_of(access.account_id) for access in accesses]
    places = NUMBERS.places(connection, partitions, now)
    rows = [
        (
            partition,
            place.position,
            access.account_id,
            place.recorded_at,
            access.look.credential,
            access.look.role,
            access.look.organisation,
            access.look.operation,
            access.look.fields,
            access.look.purpose,
            access.look.on_behalf_of,
        )
        for access, partition, place in zip(accesses, partitions, places, strict=True)
    ]
    bulk.insert(connection, access_record, rows)


def of_accounts(
    connection: Connection, account_ids: Collection[UUID], before: Place | None, limit: int | None
) -> list[Accessed]:
    """The latest accesses to these accounts, or all of them, the newest first, before a place in that order."""
    order = (access_record.c.accessed_at, access_record.c.partition_id, access_record.c.position)
    statement = select(access_record).where(access_record.c.account_id.in_(account_ids))
    if before is not None:
        statement = statement.where(tuple_(*order) < before)
    rows = connection.execute(statement.order_by(*(column.desc() for column in order)).limit(limit))
    return [_accessed(row) for row in rows]


def _accessed(row: Row[Any]) -> Accessed:
    look = Look(
        credential=row.credential,
        role=row.role,
        organisation=row.organisation,
        operation=row.operation,
        fields=row.fields,
        purpose=row.purpose,
        on_behalf_of=row.on_behalf_of,
    )
    return Accessed(
        partition_id=row.partition_id,
        position=row.position,
        accessed_at=row.accessed_at,
        access=Access(row.account_id, look),
    )
