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

from creditbank.domain.acts import Act

UseKind = Literal["conversion", "exemption"]
"""What an institution makes of certificates."""
RetainedKind = Literal["certificate", "exemption", "conversion"]
"""What an organisation may be bound to keep for years."""
HolderField = Literal["name", "document", "birth_date"]
RequestKind = Literal["closure", "erasure", "correction", "restriction"]
"""What a learner may ask the authority for."""
ShareKind = Literal["balance", "transcript", "certificates"]
"""What a learner may show to others."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRuleSet:
    """Records of this kind are kept for so many years, under `basis`: until then nobody behind them is erased."""

    organisation: str
    kind: RetainedKind
    years: int
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationSuspended:
    """Whatever asks in its name is refused, until it is reinstated. What it did stands."""

    organisation: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationReinstated:
    organisation: str
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
    consent: Literal["required"] | None = None


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
    """`guardian_consent`: whoever opened it said that a guardian agrees, which a child under 14 needs."""

    opened_by: str
    guardian_consent: bool = False


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
class AccountRestricted:
    """Data are kept, their use stops: nothing is awarded, used, shared, verified or shown to organisations."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictionLifted:
    """The account is again what it was before the restriction: `status`."""

    reason: str
    status: Literal["open", "suspended", "closed"] = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderCorrected:
    """Which of the holder's particulars are others from now on. Former and new values stand in the vault.

    `error`: they were never true. `change`: they were true until now, as with a new name or a new passport.
    """

    fields: tuple[HolderField, ...]
    cause: Literal["error", "change"]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DealingOpened:
    """An institution may read this account and decide on it until `until`; null is without end."""

    institution: str
    basis: Literal["lookup", "consent"]
    until: date | None = None


# What a learner allows and asks for. Words of their own stand in the vault. Instants are in microseconds since
# 1970 UTC; `merged_from` names the account that it came from in a merge, whose instants it keeps.


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven:
    """An institution may deal with this account until `until`, that day included."""

    consent_id: UUID
    institution: str
    until: date
    given_at: int
    merged_from: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWithdrawn:
    """Nothing new rests on it from now on; uses that were made under it stay."""

    consent_id: UUID
    institution: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareGranted:
    """Whoever has the secret may see this until `expires_at`. `certificates` narrows it to these; empty is all."""

    share_id: UUID
    what: ShareKind
    granted_at: int
    expires_at: int
    certificates: tuple[UUID, ...] = ()
    shows_name: bool = False
    merged_from: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRevoked:
    share_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestMade:
    """The learner asks the authority for something."""

    request_id: UUID
    kind: RequestKind
    made_at: int
    merged_from: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSettled:
    request_id: UUID
    outcome: Literal["done", "declined"]
    reason: str


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
    """Set aside, not revoked. `accreditation_id` names a withdrawal as the cause; `by_authority` is by its hand."""

    certificate_id: UUID
    reason: str
    accreditation_id: UUID | None = None
    by_authority: bool = False


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


# Approvals: acts that wait for a second person. `role` and `organisation` are those of the one who asked;
# the organisation is null for the authority, which is the bank itself.


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequested:
    """Judged fit to be done, and not done. `credential` and `person` are of the one who asked for it.

    `if_match` are the versions of the account that it was asked on. It waits until `expires_at`, in microseconds
    since 1970 UTC.
    """

    asked: Act
    role: str
    credential: str
    expires_at: int
    organisation: str | None = None
    person: str | None = None
    if_match: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalGiven:
    """By the actor of this event; the act was done in the same append, and names both."""

    role: str
    organisation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRefused:
    """By another person, or withdrawn by the one who had asked: the actor tells."""

    role: str
    reason: str
    organisation: str | None = None


OrganisationEvent = (
    OrganisationRegistered
    | OrganisationSuspended
    | OrganisationReinstated
    | AccreditationGranted
    | AccreditationWithdrawn
    | RetentionRuleSet
)
ReferenceEvent = OrganisationEvent | StandardPublished | ProgrammePublished | RulebookVersionPublished
UseEvent = CreditsConverted | CoursesExempted | ReservationMade
"""The events that make a use."""
RightsEvent = ConsentGiven | ConsentWithdrawn | ShareGranted | ShareRevoked | RequestMade | RequestSettled
"""The events about what a learner allows and asks for."""
AccountEvent = (
    AccountOpened
    | AccountSuspended
    | AccountReinstated
    | AccountClosed
    | AccountMerged
    | AccountReceived
    | AccountErased
    | AccountRestricted
    | RestrictionLifted
    | HolderCorrected
    | DealingOpened
    | RightsEvent
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
ApprovalEvent = ApprovalRequested | ApprovalGiven | ApprovalRefused
Event = ReferenceEvent | AccountEvent | ApprovalEvent
