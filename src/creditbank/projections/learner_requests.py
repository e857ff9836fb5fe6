"""What learners have asked the authority for, over all accounts, in the order in which they asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    PrimaryKeyConstraint,
    Row,
    SmallInteger,
    Table,
    Text,
    Uuid,
    delete,
    select,
    update,
)

from creditbank.domain.account import Account
from creditbank.domain.events import AccountMerged, RequestMade, RequestSettled
from creditbank.domain.rights import LearnerRequest
from creditbank.ledger import bulk
from creditbank.ledger.log import Recorded
from creditbank.projections.tables import metadata

learner_request = Table(
    "learner_request",
    metadata,
    Column("account_id", Uuid, nullable=False),
    Column("request_id", Uuid, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("partition_id", SmallInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=True),
    PrimaryKeyConstraint("account_id", "request_id", "partition_id"),
    Index("learner_request_id", "request_id"),
)

TABLES = (learner_request,)

_ACCOUNTS = bulk.Lookup(select(learner_request.c.account_id), learner_request.c.request_id)
_OF_ACCOUNTS = bulk.Lookup(select(learner_request), learner_request.c.account_id)


def apply(connection: Connection, recorded: Sequence[Recorded]) -> None:
    """Bring the requests up to date with these events, in their order."""
    for item in recorded:
        match item.event:
            case RequestMade() as made:
                row = (item.stream_id, made.request_id, made.made_at, item.partition_id, made.kind, "open", None)
                bulk.insert(connection, learner_request, [row])
            case RequestSettled(request_id=request_id, outcome=outcome, reason=reason):
                mine = _of(item.stream_id) & (learner_request.c.request_id == request_id)
                connection.execute(update(learner_request).where(mine).values(status=outcome, reason=reason))
            case AccountMerged():
                connection.execute(delete(learner_request).where(_of(item.stream_id)))
            case _:
                pass


def rows_of(account: Account, partition_id: int) -> list[tuple[Any, ...]]:
    """The rows of an account as it stands."""
    account_id = account.head.account_id
    return [
        (account_id, one.request_id, one.made_at, partition_id, one.kind, one.status, one.reason)
        for one in account.rights.requests.values()
    ]


def _of(account_id: UUID) -> ColumnElement[bool]:
    return learner_request.c.account_id == account_id


def request_from(row: Row[Any]) -> LearnerRequest:
    """The request that a stored row holds."""
    return LearnerRequest(
        request_id=row.request_id, kind=row.kind, made_at=row.made_at, status=row.status, reason=row.reason
    )


def of_accounts(connection: Connection, account_ids: Collection[UUID]) -> dict[UUID, dict[UUID, LearnerRequest]]:
    """Every request of each account."""
    found: dict[UUID, dict[UUID, LearnerRequest]] = {account_id: {} for account_id in account_ids}
    for row in _OF_ACCOUNTS.rows(connection, account_ids):
        found[row.account_id][row.request_id] = request_from(row)
    return found


def accounts_of(connection: Connection, request_ids: Collection[UUID]) -> set[UUID]:
    """The accounts whose learners made these requests."""
    return {row.account_id for row in _ACCOUNTS.rows(connection, request_ids)}


def after(
    connection: Connection, last: UUID | None, limit: int, *, account_id: UUID | None, status: str | None
) -> Sequence[Row[Any]]:
    """The next requests behind one of them, in the order of their ids; of one account or status where it is named."""
    statement = select(learner_request).order_by(learner_request.c.request_id).limit(limit)
    if last is not None:
        statement = statement.where(learner_request.c.request_id > last)
    if account_id is not None:
        statement = statement.where(learner_request.c.account_id == account_id)
    if status is not None:
        statement = statement.where(learner_request.c.status == status)
    return connection.execute(statement).all()
