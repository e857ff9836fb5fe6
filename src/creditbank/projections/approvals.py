"""Approvals: what waits for a second person, for whose eyes, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Row,
    SmallInteger,
    Table,
    Text,
    Uuid,
    delete,
    select,
    text,
    update,
)

from creditbank.domain.acts import Act
from creditbank.domain.approvals import Approval, Signatory
from creditbank.domain.events import ApprovalGiven, ApprovalRefused, ApprovalRequested
from creditbank.ledger import bulk
from creditbank.ledger.log import Recorded
from creditbank.projections.tables import metadata

approval = Table(
    "approval",
    metadata,
    Column("approval_id", Uuid, nullable=False),
    Column("requested_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("decided_at", BigInteger, nullable=True),
    Column("partition_id", SmallInteger, nullable=False),
    Column("settled", Text, nullable=True),
    Column("role", Text, nullable=False),
    Column("organisation", Text, nullable=True),
    Column("requested_by", Text, nullable=False),
    Column("credential", Text, nullable=False),
    Column("person", Text, nullable=True),
    Column("if_match", Text, nullable=True),
    Column("decided_by", Text, nullable=True),
    Column("reason", Text, nullable=True),
    Column("asked", LargeBinary, nullable=False),
    PrimaryKeyConstraint("approval_id", "partition_id"),
    Index(
        "approval_waiting",
        "approval_id",
        postgresql_where=text("settled IS NULL"),
        sqlite_where=text("settled IS NULL"),
    ),
)

TABLES = (approval,)

_ACT: TypeAdapter[Act] = TypeAdapter(Act)
_BY_ID = bulk.Lookup(select(approval), approval.c.approval_id)


def apply(connection: Connection, recorded: Sequence[Recorded]) -> None:
    """Bring the approvals up to date with these events."""
    for item in recorded:
        match item.event:
            case ApprovalRequested():
                bulk.insert(connection, approval, [_row(item, item.event)])
            case ApprovalGiven():
                _settle(connection, item, "approved", None)
            case ApprovalRefused():
                _settle(connection, item, "refused", item.event.reason)
            case _:
                pass


def renew(connection: Connection, approval_id: UUID, history: Sequence[Recorded]) -> None:
    """Make an approval anew from its history."""
    connection.execute(delete(approval).where(approval.c.approval_id == approval_id))
    apply(connection, history)


def _row(item: Recorded, event: ApprovalRequested) -> tuple[Any, ...]:
    return (
        item.stream_id,
        item.recorded_at,
        event.expires_at,
        None,
        item.partition_id,
        None,
        event.role,
        event.organisation,
        item.actor,
        event.credential,
        event.person,
        event.if_match,
        None,
        None,
        _ACT.dump_json(event.asked),
    )


def _settle(connection: Connection, item: Recorded, settled: str, reason: str | None) -> None:
    here = (approval.c.approval_id == item.stream_id) & (approval.c.partition_id == item.partition_id)
    values = {"settled": settled, "decided_at": item.recorded_at, "decided_by": item.actor, "reason": reason}
    connection.execute(update(approval).where(here).values(values))


def by_ids(connection: Connection, approval_ids: Collection[UUID]) -> dict[UUID, Approval]:
    """The approvals that there are of these."""
    return {row.approval_id: _approval(row) for row in _BY_ID.rows(connection, approval_ids)}


def waiting(
    connection: Connection, party: tuple[str, str | None] | None, now: int, after: UUID | None, limit: int
) -> list[Approval]:
    """The next approvals behind an id that wait for a party's second person, or for anybody's; the oldest first."""
    statement = (
        select(approval)
        .where(approval.c.settled.is_(None), approval.c.expires_at > now)
        .order_by(approval.c.approval_id)
        .limit(limit)
    )
    if party is not None:
        role, organisation = party
        statement = statement.where(approval.c.role == role, approval.c.organisation.is_not_distinct_from(organisation))
    if after is not None:
        statement = statement.where(approval.c.approval_id > after)
    return [_approval(row) for row in connection.execute(statement)]


def _approval(row: Row[Any]) -> Approval:
    by = Signatory(
        role=row.role,
        organisation=row.organisation,
        actor=row.requested_by,
        credential=row.credential,
        person=row.person,
    )
    return Approval(
        approval_id=row.approval_id,
        act=_ACT.validate_json(row.asked),
        by=by,
        if_match=row.if_match,
        requested_at=row.requested_at,
        expires_at=row.expires_at,
        settled=row.settled,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        reason=row.reason,
    )
