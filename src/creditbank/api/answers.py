"""The shapes of answers, as the API description states them."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Field

from creditbank.api.problems import Problem
from creditbank.domain.values import CREDITS_PATTERN

Credits = Field(pattern=CREDITS_PATTERN, json_schema_extra={"format": "decimal"}, examples=["4"])
Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    items: list[Item]
    next_cursor: str | None


class Organisation(BaseModel):
    code: str = Field(examples=["BIM-EVAL"])
    name: str
    roles: list[str]
    uscc: str | None
    region: str | None
    aliases: list[str]
    assessor_kind: str | None


class Accreditation(BaseModel):
    accreditation_id: str
    organisation: str
    standard: str
    levels: list[str]
    valid_from: str
    valid_until: str | None
    withdrawn_from: str | None


class Withdrawal(Accreditation):
    affected: int = Field(description="Certificates that go on hold.")
    job_id: str


class Job(BaseModel):
    job_id: str
    kind: str
    state: Literal["running", "finished"]
    total: int
    done: int
    created_at: str


class Key(BaseModel):
    key_id: str
    organisation: str
    role: str
    expires_at: str | None
    key: str | None = Field(default=None, description="Shown in the first answer only.")


class Level(BaseModel):
    level: str
    rank: int
    credits: str = Credits


class Standard(BaseModel):
    code: str = Field(examples=["BIM"])
    title: str
    scheme: str
    kind: str
    aliases: list[str]
    levels: list[Level]
    fields: dict[str, Any]


class Course(BaseModel):
    code: str
    name: str
    credits: str = Credits
    type: str | None
    fields: dict[str, Any]


class Programme(BaseModel):
    institution: str
    code: str
    name: str
    credits: str = Credits
    fields: dict[str, Any]
    rulebook: str | None
    courses: list[Course]


class RulebookVersion(BaseModel):
    id: str
    version: int
    owner: str
    title: str | None
    effective_from: str
    sha256: str = Field(description="Hash of the rules, which recorded decisions name.")
    rules: dict[str, Any]


class Rulebook(BaseModel):
    id: str
    owner: str
    title: str | None
    versions: list[RulebookVersion]


class MaskedDocument(BaseModel):
    type: str
    number: str = Field(examples=["1101**********002X"])


class MaskedHolder(BaseModel):
    name: str = Field(examples=["王**"])
    document: MaskedDocument


class Account(BaseModel):
    account_id: str
    status: Literal["open", "suspended", "closed", "merged", "erased"]
    version: int
    opened_at: str
    merged_into: str | None = None


class AccountWithHolder(Account):
    holder: MaskedHolder | None


class Receipt(BaseModel):
    receipt_id: str
    account_id: str
    erased_at: str


class ErasedAccount(Account):
    receipt: Receipt


class AccountId(BaseModel):
    account_id: str


class LineResult(BaseModel):
    index: int
    status: int
    account_id: str | None = None
    certificate_id: str | None = None
    position: str | None = None
    problem: Problem | None = None


class BatchResult(BaseModel):
    results: list[LineResult]
    accepted: int
    refused: int


class Certificate(BaseModel):
    certificate_id: str
    account_id: str
    status: Literal["active", "held", "revoked", "expired"]
    credits: str = Credits
    issuer: str
    number: str
    standard: str
    level: str
    issued_on: str
    expires_on: str | None
    hours: int | str | None
    score: dict[str, str] | None
    evidence: list[dict[str, str]]
    site: str | None
    assessment_mode: str | None
    learner_group: str | None
    subsidised: bool | None
    external_id: str | None
    fields: dict[str, Any]
    revoked_from: str | None = None


class Dependant(BaseModel):
    kind: Literal["conversion", "exemption", "reservation"]
    conversion_id: str | None = None
    exemption_id: str | None = None
    reservation_id: str | None = None
    status: str


class ChangedCertificate(Certificate):
    dependants: list[Dependant]


class Verification(BaseModel):
    status: Literal["active", "held", "revoked", "expired", "unknown"]
    standard: str | None
    level: str | None
    issued_on: str | None
    holder_masked: str | None = Field(examples=["王**"])


class Grant(BaseModel):
    certificate_id: str
    certificate_ids: list[str] | None = None
    target: str | None
    credits: str = Credits
    consumed: str = Field(description="What it takes from the certificates' own credits.")
    clause: str = Field(examples=["/sources/0"])
    grade: str | None


class Refused(BaseModel):
    certificate_id: str
    certificate_ids: list[str] | None = None
    target: str | None
    reason: str = Field(examples=["CAP_PER_OUTCOME"])
    clause: str = Field(examples=["/caps/0"])
    limit: Any
    would_be: Any
    text: str | None = None


class Cap(BaseModel):
    id: str
    key: list[Any]
    limit: str
    before: str
    after: str


class Decision(BaseModel):
    granted: list[Grant]
    refused: list[Refused]
    caps: list[Cap]
    granted_total: str = Credits
    rulebook: str
    version: int


class Use(Decision):
    account_id: str
    status: Literal["active", "under_review", "reversed"]
    institution: str
    programme: str
    credits: str = Credits
    applied_on: str
    approvals: list[str] = Field(description="Roles that have approved it.")
    awaits: str | None = Field(description="The role whose approval comes next; null where it is final.")
    version_of_account: int | None = None


class Advice(Decision):
    """What would be decided. A proposal also says what to ask for, and whether it is proven best."""

    version_of_account: int
    proposed: list[dict[str, Any]] | None = None
    is_proven: bool | None = None


class MissingCredits(BaseModel):
    check: str
    have: float
    need: float


class AwardCheck(BaseModel):
    award: str
    awardable: bool
    missing: list[MissingCredits]
    smallest_set: list[str] | None = Field(description="Certificates that would close the gap; null if none was found.")
    is_proven: bool = Field(description="Whether all smaller sets were tried.")
    rulebook: str
    version: int


class Reservation(Decision):
    reservation_id: str
    account_id: str
    status: Literal["open", "confirmed", "released", "lapsed"]
    kind: Literal["conversion", "exemption"] = Field(description="What it becomes when it is confirmed.")
    expires_at: str
    institution: str
    programme: str
    credits: str = Credits
    applied_on: str
    approvals: list[str] = Field(description="Roles that have approved it.")
    awaits: str | None = Field(description="The role whose approval comes next; null where it is final.")
    version_of_account: int | None = None


class Exemption(Use):
    exemption_id: str


class Conversion(Use):
    conversion_id: str


class ProgrammeCredits(BaseModel):
    institution: str
    programme: str
    credits: str = Credits


class Balance(BaseModel):
    """earned - used - reserved - expired - held + shortfall = available, always."""

    account_id: str
    version: int
    earned: str = Credits
    used: str = Credits
    reserved: str = Credits
    available: str = Credits
    expired: str = Credits
    held: str = Credits
    certificates: int
    shortfall: str = Credits
    under_review: str = Credits
    converted: list[ProgrammeCredits]
    exempted: list[ProgrammeCredits]
    as_of: str | None
    known_at: str | None


class TranscriptEntry(BaseModel):
    kind: Literal["certificate", "conversion", "exemption"]
    status: str
    credits: str = Credits
    recorded_at: str
    certificate_id: str | None = None
    issuer: str | None = None
    number: str | None = None
    standard: str | None = None
    level: str | None = None
    issued_on: str | None = None
    expires_on: str | None = None
    conversion_id: str | None = None
    exemption_id: str | None = None
    institution: str | None = None
    programme: str | None = None
    granted: list[Grant] | None = None
    rulebook: str | None = None
    version: int | None = None


class Transcript(BaseModel):
    account_id: str
    version: int
    entries: list[TranscriptEntry]
    as_of: str | None
    known_at: str | None


class Event(BaseModel):
    """One event of an account's history."""

    position: str = Field(examples=["17:1042"])
    version: int
    type: str = Field(examples=["account-opened/1"])
    recorded_at: str
    actor: str
    causation: str
    data: dict[str, Any]


class Stream(BaseModel):
    kind: Literal["account", "organisation", "standard", "programme", "rulebook"]
    id: str


class FeedEvent(Event):
    cursor: str
    stream: Stream
