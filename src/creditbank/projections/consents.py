"""Consents that were not taken back: which institutions a learner lets deal with the account, and until when."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    Connection,
    Date,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    bindparam,
    delete,
    select,
)

from creditbank.domain.account import Account
from creditbank.domain.events import AccountErased, AccountMerged, ConsentGiven, ConsentWithdrawn
from creditbank.ledger import bulk
from creditbank.ledger.log import Recorded
from creditbank.projections.tables import metadata

consent = Table(
    "consent",
    metadata,
    Column("account_id", Uuid, nullable=False),
    Column("consent_id", Uuid, nullable=False),
    Column("until", Date, nullable=False),
    Column("partition_id", SmallInteger, nullable=False),
    Column("institution", Text, nullable=False),
    PrimaryKeyConstraint("account_id", "consent_id", "partition_id"),
)

TABLES = (consent,)

_OF_ACCOUNTS = bulk.Lookup(select(consent), consent.c.account_id)
_STANDING = bulk.Lookup(
    select(consent.c.account_id).where(
        consent.c.institution == bindparam("institution"), consent.c.until >= bindparam("day", type_=Date)
    ),
    consent.c.account_id,
)


def apply(connection: Connection, recorded: Sequence[Recorded]) -> None:
    """Bring the consents up to date with these events, in their order."""
    for item in recorded:
        match item.event:
            case ConsentGiven(consent_id=consent_id, institution=institution, until=until):
                row = (item.stream_id, consent_id, until, item.partition_id, institution)
                bulk.insert(connection, consent, [row])
            case ConsentWithdrawn(consent_id=consent_id):
                mine = (consent.c.account_id == item.stream_id) & (consent.c.consent_id == consent_id)
                connection.execute(delete(consent).where(mine))
            case AccountErased() | AccountMerged():
                connection.execute(delete(consent).where(consent.c.account_id == item.stream_id))
            case _:
                pass


def rows_of(account: Account, partition_id: int) -> list[tuple[Any, ...]]:
    """The rows of an account as it stands."""
    account_id, given = account.head.account_id, account.rights.consents
    return [
        (account_id, consent_id, one.until, partition_id, one.institution)
        for consent_id, one in given.items()
        if not one.withdrawn
    ]


def consenting(connection: Connection, account_ids: Collection[UUID], institution: str, day: date) -> set[UUID]:
    """Those of these accounts that an institution may deal with on a day because their learners agreed."""
    return {row.account_id for row in _STANDING.rows(connection, account_ids, institution=institution, day=day)}


def of_accounts(connection: Connection, account_ids: Collection[UUID]) -> dict[UUID, dict[UUID, tuple[str, date]]]:
    """Institution and last day of every consent of each account that was not taken back, expired ones included."""
    found: dict[UUID, dict[UUID, tuple[str, date]]] = {account_id: {} for account_id in account_ids}
    for row in _OF_ACCOUNTS.rows(connection, account_ids):
        found[row.account_id][row.consent_id] = (row.institution, row.until)
    return found
