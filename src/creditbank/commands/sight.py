"""Who looks, and which events they see: an issuer those of its certificates, an institution those of its dealings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from creditbank.commands.bank import Bank
from creditbank.domain import events
from creditbank.domain.events import Event
from creditbank.domain.use import UseChange, changed_use, use_of
from creditbank.ledger import feed
from creditbank.ledger.feed import Cursor, Step
from creditbank.ledger.log import Recorded
from creditbank.projections import accounts, lots, usages


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks: an issuer, an institution, the learner of an account, or one who sees all. Others see nothing.

    `former_accounts` are those that were merged into the learner's account.
    """

    issuer: str | None = None
    institution: str | None = None
    account_id: UUID | None = None
    former_accounts: frozenset[UUID] = frozenset()
    sees_all: bool = False

    def is_holder_of(self, account_id: UUID) -> bool:
        return account_id == self.account_id or account_id in self.former_accounts


def feed_page(
    bank: Bank, viewer: Viewer, cursor: Cursor, types: Collection[str], limit: int
) -> tuple[list[Step], Cursor]:
    """What the viewer sees of the next events behind a cursor, and the cursor to go on from: of a page that holds
    nothing for this viewer, the cursor alone.
    """
    with bank.engine.connect() as connection, connection.begin():
        steps, reached = feed.read(connection, cursor, limit, types)
        is_seen = seen(connection, viewer, [step.recorded for step in steps])
    return [step for step, shown in zip(steps, is_seen, strict=True) if shown], reached


def seen(connection: Connection, viewer: Viewer, recorded: Sequence[Recorded]) -> list[bool]:
    """For each event whether it is seen; by one query a kind for all of them.

    Organisations see nothing of an account while it is restricted.
    """
    if viewer.sees_all:
        return [True] * len(recorded)
    hidden: set[UUID] = set()
    if viewer.issuer is not None or viewer.institution is not None:
        hidden = accounts.restricted(connection, {item.stream_id for item in recorded})
    if viewer.issuer is not None:
        issuers = lots.issuers(connection, {one for item in recorded for one in _certificates(item.event)})
        return [item.stream_id not in hidden and _is_issued_by(viewer.issuer, item.event, issuers) for item in recorded]
    if viewer.institution is not None:
        owners = usages.institutions(connection, {one for item in recorded for one in _uses(item.event)})
        return [
            item.stream_id not in hidden and _is_dealing_of(viewer.institution, item.event, owners) for item in recorded
        ]
    return [viewer.is_holder_of(item.stream_id) for item in recorded]


def _is_issued_by(issuer: str, event: Event, issuers: dict[UUID, str]) -> bool:
    match event:
        case events.OrganisationRegistered():
            return event.code == issuer
        case (
            events.OrganisationSuspended()
            | events.OrganisationReinstated()
            | events.AccreditationGranted()
            | events.AccreditationWithdrawn()
            | events.RetentionRuleSet()
        ):
            return event.organisation == issuer
        case events.StandardPublished():
            return True
        case events.ApprovalRequested() | events.ApprovalGiven() | events.ApprovalRefused():
            return (event.role, event.organisation) == ("issuer", issuer)
        case _:
            return any(issuers.get(certificate_id) == issuer for certificate_id in _certificates(event))


def _is_dealing_of(institution: str, event: Event, owners: dict[UUID, str]) -> bool:
    match event:
        case events.OrganisationRegistered():
            return event.code == institution
        case events.OrganisationSuspended() | events.OrganisationReinstated() | events.RetentionRuleSet():
            return event.organisation == institution
        case events.StandardPublished():
            return True
        case events.ProgrammePublished() | events.DealingOpened() | events.ConsentGiven() | events.ConsentWithdrawn():
            return event.institution == institution
        case events.RulebookVersionPublished():
            return event.owner == institution
        case events.AccountOpened():
            return event.opened_by == institution
        case events.ApprovalRequested() | events.ApprovalGiven() | events.ApprovalRefused():
            return (event.role, event.organisation) == ("institution", institution)
        case _:
            return any(owners.get(use_id) == institution for use_id in _uses(event))


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
