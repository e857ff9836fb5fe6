"""Conversions, exemptions and reservations of an account: what stands of each, and how each event changes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, assert_never
from uuid import UUID

from creditbank.domain.events import (
    ConversionReversed,
    CoursesExempted,
    CreditsConverted,
    Decision,
    ExemptionReversed,
    ExemptionReviewed,
    ExemptionReviewOpened,
    Grant,
    ReservationConfirmed,
    ReservationLapsed,
    ReservationMade,
    ReservationReleased,
    UseApproved,
    UseEvent,
    UseKind,
    UseReceived,
)

UseChange = (
    ConversionReversed
    | ExemptionReversed
    | ExemptionReviewOpened
    | ExemptionReviewed
    | ReservationConfirmed
    | ReservationReleased
    | ReservationLapsed
)
"""The events that change a standing use."""

UseStatus = Literal["active", "under_review", "reversed", "open", "confirmed", "released", "lapsed"]
"""Conversions and exemptions are active, under review or reversed; reservations have the other four."""

ENTITLING: frozenset[UseStatus] = frozenset({"active", "under_review", "open"})
"""While a use of its own is in one of these, an institution may deal with the account."""

LATE_APPROVAL = "approver"
"""Who approves a grant that came outside its window, where the rulebook names no roles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What an institution made of certificates, or reserved for it, under which decision.

    `expires_at` is set for a reservation, in microseconds; `kind` then is what it becomes when it is confirmed.
    """

    use_id: UUID
    kind: UseKind
    institution: str
    programme: str
    grants: tuple[Grant, ...]
    decision: Decision
    version: int
    status: UseStatus = "active"
    expires_at: int | None = None
    approvals: tuple[str, ...] = ()
    """The roles that have approved it, in order."""

    @property
    def awaits(self) -> str | None:
        """The role whose approval comes next; None where the use is final."""
        roles = [step.role for step in self.decision.workflow]
        if not roles and any(grant.needs_approval for grant in self.grants):
            roles = [LATE_APPROVAL]
        return roles[len(self.approvals)] if len(self.approvals) < len(roles) else None

    @property
    def credits(self) -> int:
        return sum(grant.credits for grant in self.grants)

    @property
    def is_reservation(self) -> bool:
        return self.expires_at is not None

    @property
    def stands(self) -> bool:
        """Whether it is a conversion or exemption that was not taken back."""
        return self.status in ("active", "under_review")

    def holds(self, now: int) -> bool:
        """Whether it is a reservation that keeps credits at this moment, in microseconds."""
        return self.status == "open" and self.expires_at is not None and now < self.expires_at

    def takes_from(self, certificate_id: UUID) -> int:
        """How much it takes of a certificate's own credits while it stands or is open."""
        return sum(grant.consumed.get(certificate_id, 0) for grant in self.grants)

    def rests_on(self, certificate_id: UUID) -> bool:
        return any(certificate_id in grant.certificate_ids for grant in self.grants)


def use_of(event: UseEvent, version: int) -> Use:
    """The use that a recorded decision makes, recorded at `version` of its account."""
    match event:
        case CreditsConverted():
            use_id: UUID = event.conversion_id
            kind: UseKind = "conversion"
        case CoursesExempted():
            use_id, kind = event.exemption_id, "exemption"
        case ReservationMade():
            use_id, kind = event.reservation_id, event.kind
        case _:
            assert_never(event)
    return Use(
        use_id=use_id,
        kind=kind,
        institution=event.institution,
        programme=event.programme,
        grants=event.grants,
        decision=event.decision,
        version=version,
        status="open" if isinstance(event, ReservationMade) else "active",
        expires_at=event.expires_at if isinstance(event, ReservationMade) else None,
    )


def changed_use(event: UseChange) -> tuple[UUID, UseStatus]:
    """Which use a later event is about, and the status that it gives it."""
    match event:
        case ConversionReversed():
            return event.conversion_id, "reversed"
        case ExemptionReversed():
            return event.exemption_id, "reversed"
        case ExemptionReviewOpened():
            return event.exemption_id, "under_review"
        case ExemptionReviewed():
            return event.exemption_id, "active" if event.outcome == "upheld" else "reversed"
        case ReservationConfirmed():
            return event.reservation_id, "confirmed"
        case ReservationReleased():
            return event.reservation_id, "released"
        case ReservationLapsed():
            return event.reservation_id, "lapsed"
        case _:
            assert_never(event)


def evolve_uses(
    uses: Mapping[UUID, Use], event: UseEvent | UseReceived | UseApproved | UseChange, version: int
) -> dict[UUID, Use]:
    """The uses after `event`, which is that version of their account."""
    match event:
        case UseApproved():
            use = uses[event.use_id]
            use = replace(use, approvals=(*use.approvals, event.role))
        case CreditsConverted() | CoursesExempted() | ReservationMade():
            use = use_of(event, version)
        case UseReceived():
            received = use_of(event.use, version)
            use = replace(received, status=event.status, approvals=event.approvals)
        case _:
            use_id, status = changed_use(event)
            use = replace(uses[use_id], status=status)
    return {**uses, use.use_id: use}
