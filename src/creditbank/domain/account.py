"""A personal learning account: its state, and how each event changes it.

`evolve` never raises and never judges: whatever was once recorded can be replayed for ever, however the
rules have changed since. What may happen next is decided elsewhere (`certificates`, `uses`, `accounts`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal, assert_never
from uuid import UUID

from creditbank.domain.events import (
    AccountClosed,
    AccountErased,
    AccountEvent,
    AccountMerged,
    AccountOpened,
    AccountReceived,
    AccountReinstated,
    AccountSuspended,
    CertificateAmended,
    CertificateAwarded,
    CertificateHeld,
    CertificateHoldReleased,
    CertificateReceived,
    CertificateRevoked,
    ConversionReversed,
    CoursesExempted,
    CreditsConverted,
    DealingOpened,
    Decision,
    Event,
    ExemptionReversed,
    ExemptionReviewed,
    ExemptionReviewOpened,
    Grant,
    Particulars,
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

AccountStatus = Literal["open", "suspended", "closed", "merged", "erased"]
LotStatus = Literal["active", "held", "revoked"]
UseStatus = Literal["active", "under_review", "reversed", "open", "confirmed", "released", "lapsed"]
"""Conversions and exemptions are active, under review or reversed; reservations have the other four."""

ENTITLING: frozenset[UseStatus] = frozenset({"active", "under_review", "open"})
"""While a use of its own is in one of these, an institution may deal with the account."""

LATE_APPROVAL = "approver"
"""Who approves a grant that came outside its window, where the rulebook names no roles."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealing:
    """Why an institution may see this account, and until when, that day included; None is without end."""

    institution: str
    until: date | None

    def stands_on(self, day: date) -> bool:
        return self.until is None or day <= self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands on the cover of an account: enough to decide an award."""

    account_id: UUID
    status: AccountStatus = "open"
    version: int = 0
    merged_into: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account with everything in it, at `head.version`. Version 0 is an account that was never opened."""

    head: Head
    lots: dict[UUID, Lot] = field(default_factory=dict)
    uses: dict[UUID, Use] = field(default_factory=dict)
    dealings: dict[str, Dealing] = field(default_factory=dict)
    absorbed: tuple[UUID, ...] = ()
    """Accounts of the same person that were merged into this one."""


def empty(account_id: UUID) -> Account:
    return Account(head=Head(account_id=account_id))


def account_events(events: Iterable[Event]) -> list[AccountEvent]:
    """Those that happened to an account, as all in the stream of one are."""
    return [event for event in events if isinstance(event, AccountEvent)]


def replay(account: Account, events: Iterable[AccountEvent]) -> Account:
    for event in events:
        account = evolve(account, event)
    return account


def status_after(event: AccountEvent) -> AccountStatus | None:
    """The status that an event gives an account; None where it leaves the status alone."""
    match event:
        case AccountOpened() | AccountReinstated():
            return "open"
        case AccountSuspended():
            return "suspended"
        case AccountClosed():
            return "closed"
        case AccountErased():
            return "erased"
        case AccountMerged():
            return "merged"
        case _:
            return None


def evolve_head(head: Head, event: AccountEvent) -> Head:
    """The cover after `event`. An event that leaves the status alone still counts as a version."""
    return replace(
        head,
        version=head.version + 1,
        status=status_after(event) or head.status,
        merged_into=event.survivor if isinstance(event, AccountMerged) else head.merged_into,
    )


def evolve(account: Account, event: AccountEvent) -> Account:
    """The account after `event`."""
    account = replace(account, head=evolve_head(account.head, event))
    match event:
        case (
            CertificateAwarded()
            | CertificateAmended()
            | CertificateHeld()
            | CertificateHoldReleased()
            | CertificateRevoked()
            | CertificateReceived()
        ):
            return _evolve_lots(account, event)
        case (
            CreditsConverted()
            | CoursesExempted()
            | UseReceived()
            | ConversionReversed()
            | ExemptionReversed()
            | ExemptionReviewOpened()
            | ExemptionReviewed()
            | UseApproved()
            | ReservationMade()
            | ReservationConfirmed()
            | ReservationReleased()
            | ReservationLapsed()
        ):
            return _evolve_uses(account, event)
        case DealingOpened():
            dealing = Dealing(institution=event.institution, until=event.until)
            return replace(account, dealings={**account.dealings, event.institution: dealing})
        case AccountMerged():
            # Everything in it continues on the survivor, so that no credit is counted twice.
            return replace(account, lots={}, uses={})
        case AccountOpened():
            dealing = Dealing(institution=event.opened_by, until=None)
            return replace(account, dealings={**account.dealings, event.opened_by: dealing})
        case AccountReceived():
            return replace(account, absorbed=(*account.absorbed, event.merged_from))
        case AccountSuspended() | AccountReinstated() | AccountClosed() | AccountErased():
            return account
        case _:
            assert_never(event)


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
        particulars=event.particulars or Particulars(),
        version=version,
    )


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


def _evolve_lots(
    account: Account,
    event: CertificateAwarded
    | CertificateAmended
    | CertificateHeld
    | CertificateHoldReleased
    | CertificateRevoked
    | CertificateReceived,
) -> Account:
    match event:
        case CertificateAwarded():
            lot = lot_of(event, account.head.version)
        case CertificateReceived():
            lot = replace(
                lot_of(event.awarded, account.head.version),
                status=event.status,
                revoked_from=event.effective_from,
            )
        case _:
            lot = amended(account.lots[event.certificate_id], event)
    return replace(account, lots={**account.lots, lot.certificate_id: lot})


def amended(
    lot: Lot, event: CertificateAmended | CertificateHeld | CertificateHoldReleased | CertificateRevoked
) -> Lot:
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
                particulars=event.particulars or Particulars(),
            )
        case CertificateHeld():
            return replace(lot, status="held", withdrawn=event.accreditation_id is not None)
        case CertificateHoldReleased():
            return replace(lot, status="active", withdrawn=False)
        case CertificateRevoked():
            return replace(lot, status="revoked", revoked_from=event.effective_from)
        case _:
            assert_never(event)


def _evolve_uses(account: Account, event: UseEvent | UseReceived | UseApproved | UseChange) -> Account:
    match event:
        case UseApproved():
            use = account.uses[event.use_id]
            use = replace(use, approvals=(*use.approvals, event.role))
        case CreditsConverted() | CoursesExempted() | ReservationMade():
            use = use_of(event, account.head.version)
        case UseReceived():
            received = use_of(event.use, account.head.version)
            use = replace(received, status=event.status, approvals=event.approvals)
        case _:
            use_id, status = changed_use(event)
            use = replace(account.uses[use_id], status=status)
    return replace(account, uses={**account.uses, use.use_id: use})
