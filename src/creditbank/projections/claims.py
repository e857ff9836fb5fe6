"""Claims: which account holds a certificate number. The primary key makes it unique in the whole bank."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, PrimaryKeyConstraint, SmallInteger, Table, Uuid, func, select, update

from creditbank.domain.account import Account
from creditbank.domain.events import CertificateAwarded, CertificateReceived
from creditbank.domain.values import partition_of
from creditbank.ledger import bulk
from creditbank.ledger.log import Entry, Recorded
from creditbank.projections.tables import metadata

certificate_claim = Table(
    "certificate_claim",
    metadata,
    Column("certificate_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("partition_id", SmallInteger, nullable=False),
    PrimaryKeyConstraint("certificate_id", "partition_id"),
    comment="A certificate number is held once in the whole bank, also when it is revoked.",
)

TABLES = (certificate_claim,)

_HOLDERS = bulk.Lookup(select(certificate_claim), certificate_claim.c.certificate_id)


def apply(connection: Connection, recorded: Sequence[Entry | Recorded]) -> None:
    """Claim the numbers of new certificates. Raises IntegrityError where one is held already.

    Called before the counters are locked, so that a wait for a rival's claim holds up nobody else.
    """
    take(
        connection,
        [
            (item.event.certificate_id, item.stream_id, partition_of(item.event.certificate_id))
            for item in recorded
            if isinstance(item.event, CertificateAwarded)
        ],
    )
    for item in recorded:
        if isinstance(item.event, CertificateReceived):
            connection.execute(
                update(certificate_claim)
                .where(certificate_claim.c.certificate_id == item.event.awarded.certificate_id)
                .values(account_id=item.stream_id)
            )


def take(connection: Connection, rows: Iterable[tuple[UUID | bytes, UUID | bytes, int]]) -> None:
    """Claim numbers: certificate, account, partition of the certificate. Raises IntegrityError where one is held."""
    # In the order of the key, so that two batches that share numbers wait for each other and never deadlock.
    bulk.insert(connection, certificate_claim, sorted(rows))


def rows_of(account: Account) -> list[tuple[Any, ...]]:
    """The rows of the certificates that an account holds as it stands."""
    account_id = account.head.account_id
    return [(certificate_id, account_id, partition_of(certificate_id)) for certificate_id in account.lots]


def count(connection: Connection) -> int:
    """How many numbers are claimed."""
    return connection.execute(select(func.count()).select_from(certificate_claim)).scalar_one()


def holders(connection: Connection, certificate_ids: Collection[UUID] | Collection[bytes]) -> dict[UUID, UUID]:
    """The account that holds each certificate; those that nobody holds are missing."""
    return holders_later(connection, certificate_ids)()


def holders_later(
    connection: Connection, certificate_ids: Collection[UUID] | Collection[bytes]
) -> Callable[[], dict[UUID, UUID]]:
    """The same, asked together with others."""
    rows = _HOLDERS.later(connection, certificate_ids)
    return lambda: {row.certificate_id: row.account_id for row in rows()}


def places(connection: Connection, certificate_ids: Collection[UUID]) -> dict[UUID, tuple[UUID, int]]:
    """Account and partition of each claim, as they are stored."""
    return {
        row.certificate_id: (row.account_id, row.partition_id) for row in _HOLDERS.rows(connection, certificate_ids)
    }
