"""Who may see which events: an issuer those of its certificates, an institution those of its dealings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from creditbank.domain import events
from creditbank.domain.account import UseChange, changed_use, use_of
from creditbank.domain.events import Event
from creditbank.ledger.log import Recorded
from creditbank.projections import lots, usages


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one may see. With nothing named, everything."""

    issuer: str | None = None
    institution: str | None = None
    account_id: UUID | None = None

    def of(self, connection: Connection, recorded: Sequence[Recorded]) -> list[bool]:
        """For each event whether it is seen; by one query a kind for the whole page."""
        if self.account_id is not None:
            return [item.stream_id == self.account_id for item in recorded]
        if self.issuer is not None:
            issuers = lots.issuers(connection, {one for item in recorded for one in _certificates(item.event)})
            return [self._issued(item.event, issuers) for item in recorded]
        if self.institution is not None:
            owners = usages.institutions(connection, {one for item in recorded for one in _uses(item.event)})
            return [self._dealt(item.event, owners) for item in recorded]
        return [True] * len(recorded)

    def _issued(self, event: Event, issuers: dict[UUID, str]) -> bool:
        if isinstance(event, events.OrganisationRegistered):
            return event.code == self.issuer
        if isinstance(event, events.AccreditationGranted | events.AccreditationWithdrawn):
            return event.organisation == self.issuer
        if isinstance(event, events.StandardPublished):
            return True
        return any(issuers.get(certificate_id) == self.issuer for certificate_id in _certificates(event))

    def _dealt(self, event: Event, owners: dict[UUID, str]) -> bool:
        match event:
            case events.OrganisationRegistered():
                return event.code == self.institution
            case events.StandardPublished():
                return True
            case events.ProgrammePublished() | events.DealingOpened():
                return event.institution == self.institution
            case events.RulebookVersionPublished():
                return event.owner == self.institution
            case events.AccountOpened():
                return event.opened_by == self.institution
            case _:
                return any(owners.get(use_id) == self.institution for use_id in _uses(event))


def _certificates(event: Event) -> tuple[UUID, ...]:
    match event:
        case (
            events.CertificateAwarded()
            | events.CertificateAmended()
            | events.CertificateHeld()
            | events.CertificateHoldReleased()
            | events.CertificateRevoked()
        ):
            return (event.certificate_id,)
        case events.CertificateReceived():
            return (event.awarded.certificate_id,)
        case _:
            return ()


def _uses(event: Event) -> tuple[UUID, ...]:
    match event:
        case events.CreditsConverted() | events.CoursesExempted() | events.ReservationMade():
            return (use_of(event, version=1).use_id,)
        case events.UseReceived():
            return _uses(event.use)
        case events.UseApproved():
            return (event.use_id,)
        case _ if isinstance(event, UseChange):
            return (changed_use(event)[0],)
        case _:
            return ()
