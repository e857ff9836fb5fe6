"""A little history, appended as events only: what the bank answers is left to `creditbank rebuild`."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import Engine

from creditbank.domain.events import AccountOpened, CertificateAwarded, Event, OrganisationRegistered
from creditbank.domain.values import organisation_id
from creditbank.ledger import log
from creditbank.ledger.database import writing
from creditbank.ledger.log import Entry

ACCOUNT = UUID(int=1)
CERTIFICATE = UUID(int=2)
SECOND = 1_000_000
OPENED_AT = 1_767_225_600 * SECOND
"""2026-01-01, eight in the morning in Shanghai."""
AWARDED_AT = OPENED_AT + 24 * 3600 * SECOND


def append(engine: Engine, stream_id: UUID, version: int, event: Event, at: int) -> None:
    entry = Entry(stream_id=stream_id, version=version, event=event, actor="test", causation=UUID(int=9))
    with writing(engine) as connection:
        log.append(connection, [entry], at)


def register(engine: Engine, code: str, *roles: str) -> None:
    append(engine, organisation_id(code), 1, OrganisationRegistered(code=code, name=code, roles=roles), OPENED_AT)


def open_account(engine: Engine) -> None:
    append(engine, ACCOUNT, 1, AccountOpened(opened_by="HBVTC"), OPENED_AT)


def award(engine: Engine) -> None:
    """A certificate of 6 credits that ends with June."""
    awarded = CertificateAwarded(
        certificate_id=CERTIFICATE,
        issuer="BIM-EVAL",
        number="BIM1",
        standard="BIM",
        standard_version=1,
        level="中级",
        rank=2,
        credits=60_000,
        issued_on=date(2026, 1, 1),
        expires_on=date(2026, 6, 30),
        accreditation_id=UUID(int=3),
    )
    append(engine, ACCOUNT, 2, awarded, AWARDED_AT)
