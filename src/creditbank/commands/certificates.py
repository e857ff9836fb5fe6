"""Amend, hold, release and revoke certificates that are in an account."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from creditbank.commands import documents
from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs
from creditbank.domain import certificates, errors
from creditbank.domain.account import Account
from creditbank.domain.events import AccountEvent, ConversionReversed, ExemptionReviewOpened, ReservationReleased
from creditbank.projections import lots

Decide = Callable[[Account, Draft], list[AccountEvent]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCertificate:
    """Decide about one certificate, wherever it is held. With `issuer`, only its own ones are visible.

    The answer is the certificate as it then stands, with the conversions and exemptions that were touched.
    """

    certificate_id: UUID
    issuer: str | None
    decide: Decide

    def needs(self) -> Needs:
        return Needs(certificates=[self.certificate_id])

    def run(self, draft: Draft) -> Answer:
        account_id = self._seen_in(draft)
        account = draft.account(account_id)
        lot = account.lots.get(self.certificate_id)
        if lot is None or self.issuer not in (None, lot.issuer):
            raise errors.NotFound()
        if self.issuer is not None and account.head.status == "restricted":
            raise errors.NotFound()
        events = self.decide(account, draft)
        draft.append(account_id, *events)
        lot = draft.account(account_id).lots[self.certificate_id]
        body = documents.certificate(lot, account_id, draft.unit.today)
        return Answer(status=200, body={**body, "dependants": _dependants(events)})

    def _seen_in(self, draft: Draft) -> UUID:
        """The account that holds it. Raises NotFound after the same work whether nobody does or a foreign one."""
        holder = draft.holder(self.certificate_id)
        account_id = holder or self.certificate_id
        draft.head(account_id)
        stored = lots.issuer_of(draft.unit.connection, account_id, self.certificate_id)
        # What was awarded in this very group is not stored yet, and judged by the account itself.
        if holder is None or (stored is not None and self.issuer not in (None, stored)):
            raise errors.NotFound()
        return holder


def amend(certificate_id: UUID, issuer: str | None, changes: Mapping[str, Any], reason: str) -> ChangeCertificate:
    """Correct level, dates or particulars."""

    def decide(account: Account, draft: Draft) -> list[AccountEvent]:
        return certificates.amend(account, certificate_id, changes, reason, draft.catalogue, draft.unit.today)

    return ChangeCertificate(certificate_id=certificate_id, issuer=issuer, decide=decide)


def revoke(certificate_id: UUID, issuer: str | None, reason: str, effective_from: date | None) -> ChangeCertificate:
    """Revoke, from today on where no day is named."""

    def decide(account: Account, draft: Draft) -> list[AccountEvent]:
        today = draft.unit.today
        return certificates.revoke(account, certificate_id, reason, effective_from or today, today)

    return ChangeCertificate(certificate_id=certificate_id, issuer=issuer, decide=decide)


def hold(certificate_id: UUID, issuer: str | None, reason: str) -> ChangeCertificate:
    return ChangeCertificate(
        certificate_id=certificate_id,
        issuer=issuer,
        decide=lambda account, _: certificates.hold(account, certificate_id, reason, by_issuer=issuer is not None),
    )


def release(certificate_id: UUID, issuer: str | None, reason: str) -> ChangeCertificate:
    return ChangeCertificate(
        certificate_id=certificate_id,
        issuer=issuer,
        decide=lambda account, _: certificates.release(account, certificate_id, reason, by_issuer=issuer is not None),
    )


def _dependants(events: Sequence[AccountEvent]) -> list[dict[str, str]]:
    dependants: list[dict[str, str]] = []
    for event in events:
        match event:
            case ConversionReversed():
                conversion = {"kind": "conversion", "conversion_id": str(event.conversion_id)}
                dependants.append({**conversion, "status": "reversed"})
            case ExemptionReviewOpened():
                exemption = {"kind": "exemption", "exemption_id": str(event.exemption_id)}
                dependants.append({**exemption, "status": "under_review"})
            case ReservationReleased():
                reservation = {"kind": "reservation", "reservation_id": str(event.reservation_id)}
                dependants.append({**reservation, "status": "released"})
            case _:
                pass
    return dependants
