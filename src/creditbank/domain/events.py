"""The vocabulary: everything that can happen in a credit bank, as plain facts.

Each event has a name of our own with a version, never a Python path, and lives for ever: a field is only
ever added, with a default; another meaning is another name. Credits are ten-thousandths. No personal data:
a person is the account id, and the name and document number stand in the vault.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal
from uuid import UUID

UseKind = Literal["conversion", "exemption"]
"""What an institution makes of certificates."""
Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of a standard: its word, its rank within the standard, and the credits the bank recognises."""

    level: str
    rank: int
    credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A course of a programme, which a certificate may replace."""

    code: str
    name: str
    credits: int
    type: str | None = None
    fields: dict[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A result as the issuer states it, with the scale that it is on. Both are kept as text."""

    value: str
    scale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A document behind a certificate, named by its hash."""

    sha256: str
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Particulars:
    """What an award may say beyond the required fields."""

    hours: int | str | None = None
    score: Score | None = None
    evidence: tuple[Evidence, ...] = ()
    site: str | None = None
    assessment_mode: str | None = None
    learner_group: str | None = None
    subsidised: bool | None = None
    external_id: str | None = None
    fields: dict[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One grant of a decision: what was given (`credits`) and what it takes from each certificate (`consumed`)."""

    certificate_ids: tuple[UUID, ...]
    target: str | None
    credits: int
    consumed: dict[UUID, int]
    clause: str
    grade: str | None = None
    purpose: str | None = None
    bucket: str | None = None
    needs_approval: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalStep:
    """A role that has to approve before a grant is final, in so many days where a number is given."""

    role: str
    within_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a recorded decision rested on: enough for anyone to evaluate it again."""

    rulebook: str
    rulebook_version: int
    rules_sha256: str
    applied_on: date
    situation: dict[str, Any]
    refused: tuple[dict[str, Any], ...] = ()
    caps: tuple[dict[str, Any], ...] = ()
    workflow: tuple[ApprovalStep, ...] = ()


# Organisations


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationRegistered:
    code: str
    name: str
    roles: tuple[str, ...]
    uscc: str | None = None
    region: str | None = None
    aliases: tuple[str, ...] = ()
    assessor_kind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccreditationGranted:
    organisation: str
    accreditation_id: UUID
    standard: str
    levels: tuple[str, ...]
    valid_from: date
    valid_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccreditationWithdrawn:
    """Certificates issued on or after `effective_from` go on hold; earlier ones stay."""

    organisation: str
    accreditation_id: UUID
    effective_from: date
    reason: str


# Catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardPublished:
    code: str
    title: str
    scheme: str
    levels: tuple[Level, ...]
    kind: str = "x-cert"
    aliases: tuple[str, ...] = ()
    fields: dict[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammePublished:
    institution: str
    code: str
    name: str
    credits: int
    courses: tuple[Course, ...]
    rulebook: str | None = None
    fields: dict[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RulebookVersionPublished:
    """A version of a rulebook. It decides from `effective_from` on, until a later one does."""

    rulebook: str
    owner: str
    number: int
    effective_from: date
    rules: dict[str, Any]
    rules_sha256: str
    title: str | None = None
    cases: tuple[dict[str, Any], ...] = ()


# Accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOpened:
    opened_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSuspended:
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReinstated:
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountClosed:
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMerged:
    """On the account that ends: its certificates and uses continue on `survivor`."""

    survivor: UUID
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReceived:
    """On the account that survives a merge: the other one is the same person's, and continues here."""

    merged_from: UUID
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountErased:
    """The person's key was destroyed. Numbers and history stay, the person cannot be told any more."""

    reason: str
    receipt: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class DealingOpened:
    """An institution may read this account and decide on it until `until`; null is without end."""

    institution: str
    basis: Literal["lookup", "consent"]
    until: date | None = None


# Certificates


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateAwarded:
    certificate_id: UUID
    issuer: str
    number: str
    standard: str
    standard_version: int
    level: str
    rank: int
    credits: int
    issued_on: date
    accreditation_id: UUID
    expires_on: date | None = None
    kind: str = "x-cert"
    scheme: str | None = None
    particulars: Particulars | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateAmended:
    """The certificate as it stands after the amendment; what it was before stands in the history."""

    certificate_id: UUID
    reason: str
    level: str
    rank: int
    credits: int
    issued_on: date
    accreditation_id: UUID
    expires_on: date | None = None
    particulars: Particulars | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateHeld:
    """Set aside, not revoked. `accreditation_id` names a withdrawal as the cause."""

    certificate_id: UUID
    reason: str
    accreditation_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateHoldReleased:
    certificate_id: UUID
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRevoked:
    certificate_id: UUID
    reason: str
    effective_from: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateReceived:
    """A certificate that came with a merged account, with the state that it had there."""

    merged_from: UUID
    awarded: CertificateAwarded
    status: Literal["active", "held", "revoked"] = "active"
    effective_from: date | None = None


# Uses


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditsConverted:
    """Credits given without a target course: counted into a programme as free credit."""

    conversion_id: UUID
    institution: str
    programme: str
    grants: tuple[Grant, ...]
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class CoursesExempted:
    exemption_id: UUID
    institution: str
    programme: str
    grants: tuple[Grant, ...]
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class UseApproved:
    """One of the roles that the rulebook asks for has approved a conversion or exemption."""

    kind: UseKind
    use_id: UUID
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationMade:
    """Credits held for an application until `expires_at`, in microseconds since 1970 UTC; then they are free again."""

    reservation_id: UUID
    kind: UseKind
    institution: str
    programme: str
    grants: tuple[Grant, ...]
    decision: Decision
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationConfirmed:
    """The application came through; the use itself is the next event of the account."""

    reservation_id: UUID
    use_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationReleased:
    """`certificate_id` names the certificate whose revocation or amendment caused it, if one did."""

    reservation_id: UUID
    reason: str
    certificate_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationLapsed:
    """Its time was over. Once this is recorded, no clock can open it again."""

    reservation_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UseReceived:
    """A conversion, exemption or reservation that came with a merged account, with the state that it had there."""

    merged_from: UUID
    use: CreditsConverted | CoursesExempted | ReservationMade
    status: Literal["active", "under_review", "reversed", "open", "confirmed", "released", "lapsed"] = "active"
    approvals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionReversed:
    """`certificate_id` names the certificate whose revocation or amendment caused it, if one did."""

    conversion_id: UUID
    reason: str
    certificate_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExemptionReversed:
    exemption_id: UUID
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExemptionReviewOpened:
    """The institution owns the exemption: it is asked, never overruled."""

    exemption_id: UUID
    certificate_id: UUID
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExemptionReviewed:
    exemption_id: UUID
    outcome: Literal["upheld", "withdrawn"]
    reason: str


OrganisationEvent = OrganisationRegistered | AccreditationGranted | AccreditationWithdrawn
ReferenceEvent = OrganisationEvent | StandardPublished | ProgrammePublished | RulebookVersionPublished
UseEvent = CreditsConverted | CoursesExempted | ReservationMade
"""The events that make a use."""
AccountEvent = (
    AccountOpened
    | AccountSuspended
    | AccountReinstated
    | AccountClosed
    | AccountMerged
    | AccountReceived
    | AccountErased
    | DealingOpened
    | CertificateAwarded
    | CertificateAmended
    | CertificateHeld
    | CertificateHoldReleased
    | CertificateRevoked
    | CertificateReceived
    | CreditsConverted
    | CoursesExempted
    | UseReceived
    | ConversionReversed
    | ExemptionReversed
    | ExemptionReviewOpened
    | ExemptionReviewed
    | UseApproved
    | ReservationMade
    | ReservationConfirmed
    | ReservationReleased
    | ReservationLapsed
)
Event = ReferenceEvent | AccountEvent
