"""Certificates in an account: what stands of each, and how each event changes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, assert_never
from uuid import UUID

from creditbank.domain.events import (
    CertificateAmended,
    CertificateAwarded,
    CertificateHeld,
    CertificateHoldReleased,
    CertificateReceived,
    CertificateRevoked,
    Particulars,
)

LotChange = CertificateAmended | CertificateHeld | CertificateHoldReleased | CertificateRevoked
"""The events that change a certificate that is there."""
LotEvent = CertificateAwarded | CertificateReceived | LotChange

LotStatus = Literal["active", "held", "revoked"]
_NO_PARTICULARS = Particulars()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """A certificate in an account with the credits that the bank recognises for it.

    Expiry is not a status: it follows from `expires_on` and the day of the question.
    """

    certificate_id: UUID
    issuer: str
    number: str
    standard: str
    standard_version: int
    level: str
    rank: int
    kind: str
    scheme: str | None
    credits: int
    issued_on: date
    expires_on: date | None
    accreditation_id: UUID
    particulars: Particulars
    version: int
    status: LotStatus = "active"
    revoked_from: date | None = None
    withdrawn: bool = False
    """Held because the accreditation behind it was withdrawn: not the issuer's to lift."""
    imposed: bool = False
    """Held by the authority's own hand: not the issuer's to lift either."""


def lot_of(event: CertificateAwarded, version: int) -> Lot:
    """The lot that an award makes, awarded at `version` of its account."""
    return Lot(
        certificate_id=event.certificate_id,
        issuer=event.issuer,
        number=event.number,
        standard=event.standard,
        standard_version=event.standard_version,
        level=event.level,
        rank=event.rank,
        kind=event.kind,
        scheme=event.scheme,
        credits=event.credits,
        issued_on=event.issued_on,
        expires_on=event.expires_on,
        accreditation_id=event.accreditation_id,
        particulars=event.particulars or _NO_PARTICULARS,
        version=version,
    )


def evolve_lots(lots: Mapping[UUID, Lot], event: LotEvent, version: int) -> dict[UUID, Lot]:
    """The certificates after `event`, which is that version of their account."""
    match event:
        case CertificateAwarded():
            lot = lot_of(event, version)
        case CertificateReceived():
            arrived = lot_of(event.awarded, version)
            lot = replace(arrived, status=event.status, revoked_from=event.effective_from)
        case _:
            lot = amended(lots[event.certificate_id], event)
    return {**lots, lot.certificate_id: lot}


def amended(lot: Lot, event: LotChange) -> Lot:
    """The lot after a later event about its certificate."""
    match event:
        case CertificateAmended():
            return replace(
                lot,
                level=event.level,
                rank=event.rank,
                credits=event.credits,
                issued_on=event.issued_on,
                expires_on=event.expires_on,
                accreditation_id=event.accreditation_id,
                particulars=event.particulars or _NO_PARTICULARS,
            )
        case CertificateHeld():
            withdrawn = event.accreditation_id is not None
            return replace(lot, status="held", withdrawn=withdrawn, imposed=event.by_authority)
        case CertificateHoldReleased():
            return replace(lot, status="active", withdrawn=False, imposed=False)
        case CertificateRevoked():
            return replace(lot, status="revoked", revoked_from=event.effective_from)
        case _:
            assert_never(event)
