"""Lots: every certificate of every account, with the credits that the bank recognises and its state."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import (
    BigInteger,
    Column,
    CompoundSelect,
    Connection,
    Date,
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
    update,
)

from creditbank.domain.account import Account
from creditbank.domain.events import (
    AccountMerged,
    CertificateAmended,
    CertificateAwarded,
    CertificateHeld,
    CertificateHoldReleased,
    CertificateReceived,
    CertificateRevoked,
    Particulars,
)
from creditbank.domain.lot import Lot, amended, lot_of
from creditbank.ledger import bulk
from creditbank.ledger.log import Recorded
from creditbank.projections import claims
from creditbank.projections.tables import metadata

lot = Table(
    "lot",
    metadata,
    Column("account_id", Uuid, nullable=False),
    Column("certificate_id", Uuid, nullable=False),
    Column("accreditation_id", Uuid, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("credits", BigInteger, nullable=False),
    Column("issued_on", Date, nullable=False),
    Column("expires_on", Date, nullable=True),
    Column("revoked_from", Date, nullable=True),
    Column("partition_id", SmallInteger, nullable=False),
    Column("rank", SmallInteger, nullable=False),
    Column("standard_version", SmallInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("standard", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("scheme", Text, nullable=True),
    Column("particulars", LargeBinary, nullable=True),
    # By the version of the award, which no other event of the account has: eight bytes for the sixteen of an id.
    PrimaryKeyConstraint("account_id", "version", "partition_id"),
    Index("lot_accreditation", "accreditation_id", "issued_on"),
)

TABLES = (lot,)

_OF_ACCOUNTS = bulk.Lookup(select(lot).order_by(lot.c.version), lot.c.account_id)
_ISSUERS = bulk.Lookup(select(lot.c.certificate_id, lot.c.issuer), lot.c.account_id)

_PARTICULARS = TypeAdapter(Particulars)
_NONE = Particulars()

Id = UUID | bytes


def apply(connection: Connection, recorded: Sequence[Recorded]) -> None:
    """Bring the lots up to date with these events."""
    rows = []
    for item in recorded:
        match item.event:
            case CertificateAwarded():
                awarded = lot_of(item.event, item.version)
            case CertificateReceived():
                received = lot_of(item.event.awarded, item.version)
                awarded = replace(received, status=item.event.status, revoked_from=item.event.effective_from)
            case _:
                continue
        rows.append(_row(awarded, item.stream_id, item.partition_id, item.recorded_at))
    bulk.insert(connection, lot, rows)
    for item in recorded:
        match item.event:
            case CertificateAmended() | CertificateHeld() | CertificateHoldReleased() | CertificateRevoked():
                _amend(connection, item.stream_id, item.event)
            case AccountMerged():
                connection.execute(delete(lot).where(lot.c.account_id == item.stream_id))
            case _:
                pass


class Stem(NamedTuple):
    """What the row of an award says, without who got it, when, and where: in the order of the columns."""

    credits: int
    issued_on: date
    expires_on: date | None
    rank: int
    standard_version: int
    issuer: str
    number: str
    standard: str
    level: str
    kind: str
    scheme: str | None
    particulars: bytes | None


def stem_of(event: CertificateAwarded) -> Stem:
    """The row of an award, as far as it is known before it is placed."""
    return Stem(
        event.credits,
        event.issued_on,
        event.expires_on,
        event.rank,
        event.standard_version,
        event.issuer,
        event.number,
        event.standard,
        event.level,
        event.kind,
        event.scheme,
        None if event.particulars is None else _particulars(event.particulars),
    )


def planted(
    stem: tuple[Any, ...], ids: tuple[Id, Id, Id], partition_id: int, version: int, recorded_at: int
) -> tuple[Any, ...]:
    """The whole row of a stem; `ids` are those of account, certificate and accreditation."""
    return (*ids, version, recorded_at, *stem[:3], None, partition_id, *stem[3:5], "active", *stem[5:])


def enter(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows of new certificates."""
    bulk.insert(connection, lot, rows)


def _amend(
    connection: Connection,
    account_id: UUID,
    event: CertificateAmended | CertificateHeld | CertificateHoldReleased | CertificateRevoked,
) -> None:
    here = (lot.c.account_id == account_id) & (lot.c.certificate_id == event.certificate_id)
    after = amended(lot_from(connection.execute(select(lot).where(here)).one()), event)
    connection.execute(
        update(lot)
        .where(here)
        .values(
            accreditation_id=after.accreditation_id,
            credits=after.credits,
            issued_on=after.issued_on,
            expires_on=after.expires_on,
            revoked_from=after.revoked_from,
            rank=after.rank,
            status=after.status,
            level=after.level,
            particulars=_particulars(after.particulars),
        )
    )


def rows_of(account: Account, partition_id: int, times: Mapping[int, int]) -> list[tuple[Any, ...]]:
    """The rows of an account as it stands, by the order of record; `times` are those of its versions."""
    account_id = account.head.account_id
    return [_row(one, account_id, partition_id, times[one.version]) for one in account.lots.values()]


def _row(awarded: Lot, account_id: UUID, partition_id: int, recorded_at: int) -> tuple[Any, ...]:
    return (
        account_id,
        awarded.certificate_id,
        awarded.accreditation_id,
        awarded.version,
        recorded_at,
        awarded.credits,
        awarded.issued_on,
        awarded.expires_on,
        awarded.revoked_from,
        partition_id,
        awarded.rank,
        awarded.standard_version,
        awarded.status,
        awarded.issuer,
        awarded.number,
        awarded.standard,
        awarded.level,
        awarded.kind,
        awarded.scheme,
        _particulars(awarded.particulars),
    )


def _particulars(particulars: Particulars) -> bytes | None:
    return None if particulars == _NONE else _PARTICULARS.dump_json(particulars, exclude_defaults=True)


def lot_from(row: Row[Any]) -> Lot:
    """The lot that a stored row holds."""
    # Its values in one go: by their names they would take longer than all the rest.
    (_, certificate_id, accreditation_id, version, _, credits, issued_on, expires_on, revoked_from, *rest) = tuple(row)
    (_, rank, standard_version, status, issuer, number, standard, level, kind, scheme, particulars) = rest
    return Lot(
        certificate_id=certificate_id,
        issuer=issuer,
        number=number,
        standard=standard,
        standard_version=standard_version,
        level=level,
        rank=rank,
        kind=kind,
        scheme=scheme,
        credits=credits,
        issued_on=issued_on,
        expires_on=expires_on,
        accreditation_id=accreditation_id,
        particulars=_PARTICULARS.validate_json(particulars) if particulars else _NONE,
        version=version,
        status=status,
        revoked_from=revoked_from,
    )


def of_accounts(connection: Connection, account_ids: Collection[UUID]) -> dict[UUID, list[Row[Any]]]:
    """The rows of each account's certificates, in order of record."""
    found: dict[UUID, list[Row[Any]]] = {account_id: [] for account_id in account_ids}
    for row in _OF_ACCOUNTS.rows(connection, account_ids):
        found[row.account_id].append(row)
    return found


def unheld() -> CompoundSelect[UUID]:
    """The certificates that are claimed and that no account holds.

    As sets: looked for one by one there is no index for it. SQLite would do that always, PostgreSQL where it never
    counted its rows, which is before the first ANALYZE and after a crash.
    """
    return select(claims.certificate_claim.c.certificate_id).except_(select(lot.c.certificate_id))


def claimed_by_nobody(connection: Connection) -> tuple[UUID, UUID] | None:
    """A claimed certificate that no account holds, with the account that the claim names; None where there is none."""
    claim = claims.certificate_claim.c
    certificate_id = connection.execute(unheld().limit(1)).scalar_one_or_none()
    if certificate_id is None:
        return None
    owner = select(claim.account_id).where(claim.certificate_id == certificate_id)
    return certificate_id, connection.execute(owner).scalar_one()


def by_certificate(connection: Connection, account_id: UUID, certificate_id: UUID) -> Row[Any] | None:
    statement = select(lot).where(lot.c.account_id == account_id, lot.c.certificate_id == certificate_id)
    return connection.execute(statement).one_or_none()


def is_issued(connection: Connection, account_id: UUID, issuer: str) -> bool:
    """Whether an account holds a certificate of this issuer."""
    statement = select(lot.c.certificate_id).where(lot.c.account_id == account_id, lot.c.issuer == issuer).limit(1)
    return connection.execute(statement).first() is not None


def issuer_of(connection: Connection, account_id: UUID, certificate_id: UUID) -> str | None:
    """Who issued a certificate that an account holds."""
    found = by_certificate(connection, account_id, certificate_id)
    return None if found is None else str(found.issuer)


def issuers(connection: Connection, certificate_ids: Collection[UUID]) -> dict[UUID, str]:
    """Who issued each of these certificates."""
    wanted = set(certificate_ids)
    accounts = set(claims.holders(connection, wanted).values())
    rows = _ISSUERS.rows(connection, accounts)
    return {row.certificate_id: row.issuer for row in rows if row.certificate_id in wanted}


def awarded_under(accreditation_id: UUID, issued_from: date) -> Any:
    """The condition for active certificates of an accreditation that were issued on or after a day."""
    return (lot.c.accreditation_id == accreditation_id) & (lot.c.issued_on >= issued_from) & (lot.c.status == "active")


def count_awarded_under(connection: Connection, accreditation_id: UUID, issued_from: date) -> int:
    statement = select(func.count()).select_from(lot).where(awarded_under(accreditation_id, issued_from))
    return connection.execute(statement).scalar_one()


def accounts_awarded_under(
    connection: Connection, accreditation_id: UUID, issued_from: date, limit: int
) -> Iterator[tuple[UUID, UUID]]:
    """Account and certificate of the next certificates that a withdrawal puts on hold."""
    statement = (
        select(lot.c.account_id, lot.c.certificate_id)
        .where(awarded_under(accreditation_id, issued_from))
        .order_by(lot.c.account_id, lot.c.certificate_id)
        .limit(limit)
    )
    for row in connection.execute(statement):
        yield row.account_id, row.certificate_id
