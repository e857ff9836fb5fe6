"""Usages: every conversion, exemption and reservation of every account, with the decision that it rests on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
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
    func,
    select,
    text,
    update,
)

from creditbank.domain.account import Account
from creditbank.domain.events import (
    AccountMerged,
    CoursesExempted,
    CreditsConverted,
    Decision,
    Grant,
    ReservationMade,
    UseApproved,
    UseReceived,
)
from creditbank.domain.use import Use, UseChange, changed_use, use_of
from creditbank.ledger import bulk
from creditbank.ledger.log import Recorded
from creditbank.projections.tables import metadata

usage = Table(
    "usage",
    metadata,
    Column("account_id", Uuid, nullable=False),
    Column("use_id", Uuid, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("credits", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=True),
    Column("partition_id", SmallInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("institution", Text, nullable=False),
    Column("programme", Text, nullable=False),
    Column("grants", LargeBinary, nullable=False),
    Column("decision", LargeBinary, nullable=False),
    Column("approvals", LargeBinary, nullable=False),
    PrimaryKeyConstraint("account_id", "use_id", "partition_id"),
    Index("usage_use_id", "use_id"),
    Index("usage_open", "expires_at", postgresql_where=text("status = 'open'"), sqlite_where=text("status = 'open'")),
)

TABLES = (usage,)

_OF_ACCOUNTS = bulk.Lookup(select(usage).order_by(usage.c.version), usage.c.account_id)
_ACCOUNTS = bulk.Lookup(select(usage.c.account_id), usage.c.use_id)
_INSTITUTIONS = bulk.Lookup(select(usage.c.use_id, usage.c.institution), usage.c.use_id)

_PARTIES = bulk.Lookup(select(usage.c.account_id, usage.c.institution, usage.c.status), usage.c.account_id)

_GRANTS = TypeAdapter(tuple[Grant, ...])
_DECISION = TypeAdapter(Decision)
_APPROVALS = TypeAdapter(tuple[str, ...])


def apply(connection: Connection, recorded: Sequence[Recorded]) -> None:
    """Bring the usages up to date with these events, in their order."""
    for item in recorded:
        match item.event:
            case CreditsConverted() | CoursesExempted() | ReservationMade():
                _insert(connection, item, use_of(item.event, item.version))
            case UseReceived():
                received = use_of(item.event.use, item.version)
                _insert(connection, item, replace(received, status=item.event.status, approvals=item.event.approvals))
            case UseApproved():
                _approve(connection, item.stream_id, item.event)
            case AccountMerged():
                connection.execute(delete(usage).where(usage.c.account_id == item.stream_id))
            case _ if isinstance(item.event, UseChange):
                _set_status(connection, item.stream_id, *changed_use(item.event))
            case _:
                pass


def _insert(connection: Connection, item: Recorded, use: Use) -> None:
    bulk.insert(connection, usage, [_row(use, item.stream_id, item.partition_id, item.recorded_at)])


def rows_of(account: Account, partition_id: int, times: Mapping[int, int]) -> list[tuple[Any, ...]]:
    """The rows of an account as it stands, by the order of record; `times` are those of its versions."""
    account_id = account.head.account_id
    return [_row(one, account_id, partition_id, times[one.version]) for one in account.uses.values()]


def _row(use: Use, account_id: UUID, partition_id: int, recorded_at: int) -> tuple[Any, ...]:
    return (
        account_id,
        use.use_id,
        use.version,
        recorded_at,
        use.credits,
        use.expires_at,
        partition_id,
        use.kind,
        use.status,
        use.institution,
        use.programme,
        _GRANTS.dump_json(use.grants, exclude_defaults=True),
        _DECISION.dump_json(use.decision, exclude_defaults=True),
        _APPROVALS.dump_json(use.approvals),
    )


def _approve(connection: Connection, account_id: UUID, event: UseApproved) -> None:
    here = (usage.c.account_id == account_id) & (usage.c.use_id == event.use_id)
    approvals = _APPROVALS.validate_json(connection.execute(select(usage.c.approvals).where(here)).scalar_one())
    connection.execute(update(usage).where(here).values(approvals=_APPROVALS.dump_json((*approvals, event.role))))


def _set_status(connection: Connection, account_id: UUID, use_id: UUID, status: str) -> None:
    connection.execute(
        update(usage).where(usage.c.account_id == account_id, usage.c.use_id == use_id).values(status=status)
    )


def use_from(row: Row[Any]) -> Use:
    """The use that a stored row holds."""
    return Use(
        use_id=row.use_id,
        kind=row.kind,
        institution=row.institution,
        programme=row.programme,
        grants=_GRANTS.validate_json(row.grants),
        decision=_DECISION.validate_json(row.decision),
        version=row.version,
        status=row.status,
        expires_at=row.expires_at,
        approvals=_APPROVALS.validate_json(row.approvals),
    )


def kind_of(row: Row[Any]) -> str:
    """The word for a row: conversion, exemption or reservation."""
    return "reservation" if row.expires_at is not None else str(row.kind)


def parties(connection: Connection, account_ids: Collection[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Institution and status of the uses of each account, and nothing else of them."""
    found: dict[UUID, list[Row[Any]]] = {account_id: [] for account_id in account_ids}
    for row in _PARTIES.rows(connection, account_ids):
        found[row.account_id].append(row)
    return found


def of_accounts(connection: Connection, account_ids: Collection[UUID]) -> dict[UUID, list[Row[Any]]]:
    """The rows of each account's conversions and exemptions, in order of record."""
    found: dict[UUID, list[Row[Any]]] = {account_id: [] for account_id in account_ids}
    for row in _OF_ACCOUNTS.rows(connection, account_ids):
        found[row.account_id].append(row)
    return found


def count_accounts(connection: Connection) -> int:
    """How many accounts have a usage."""
    return connection.execute(select(func.count(usage.c.account_id.distinct()))).scalar_one()


def accounts_after(connection: Connection, last: UUID | None, limit: int) -> list[UUID]:
    """The next accounts that have a usage, in the order of their ids."""
    statement = select(usage.c.account_id).distinct().order_by(usage.c.account_id).limit(limit)
    if last is not None:
        statement = statement.where(usage.c.account_id > last)
    return list(connection.execute(statement).scalars())


def by_id(connection: Connection, use_id: UUID) -> Row[Any] | None:
    return connection.execute(select(usage).where(usage.c.use_id == use_id)).one_or_none()


def accounts_of(connection: Connection, use_ids: Collection[UUID]) -> set[UUID]:
    """The accounts that these uses are on."""
    return {row.account_id for row in _ACCOUNTS.rows(connection, use_ids)}


def institutions(connection: Connection, use_ids: Collection[UUID]) -> dict[UUID, str]:
    """Whose each of these conversions and exemptions is."""
    return {row.use_id: row.institution for row in _INSTITUTIONS.rows(connection, use_ids)}


def lapsed(connection: Connection, now: int, limit: int) -> list[tuple[UUID, UUID]]:
    """Account and id of reservations that are open although their time is over, the oldest first."""
    statement = (
        select(usage.c.account_id, usage.c.use_id)
        .where(usage.c.status == "open", usage.c.expires_at <= now)
        .order_by(usage.c.expires_at)
        .limit(limit)
    )
    return [(row.account_id, row.use_id) for row in connection.execute(statement)]
