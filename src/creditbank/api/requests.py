"""The bodies of requests, and how they become what commands take."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from creditbank.api.body import Body
from creditbank.api.fields import CivilDate, Code, CreditsText, Instant, Reason, Text, Uuid
from creditbank.commands.awards import AwardLine
from creditbank.domain import errors, identifiers
from creditbank.domain.certificates import Award
from creditbank.domain.events import (
    Course,
    Evidence,
    Level,
    OrganisationRegistered,
    Particulars,
    ProgrammePublished,
    Scalar,
    Score,
    StandardPublished,
)
from creditbank.domain.situations import Wish
from creditbank.domain.values import certificate_id
from creditbank.vault.persons import Holder, Person, Vault

FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
Fields = Annotated[dict[FieldName, Scalar], Field(max_length=64)]
"""Open fields that rulebooks may read: names of their own, scalar values."""

DocumentType = Literal["CN-RIC", "CN-HKM", "CN-TW", "CN-FPR", "PASSPORT", "LOCAL"]


class Document(Body):
    """An identity document: its type and its number, which is normalised and checked."""

    type: DocumentType
    number: Annotated[str, StringConstraints(min_length=1, max_length=64)]

    def normalised(self) -> str:
        """Raises IdentityNumberInvalid."""
        try:
            return identifiers.normalise(self.type, self.number)
        except identifiers.InvalidIdentifier as error:
            raise errors.IdentityNumberInvalid(facts={"type": self.type}) from error

    def unnamed_person(self) -> Person:
        """The person behind the document, for a look-up. Raises IdentityNumberInvalid."""
        return Person(name="", document_type=self.type, number=self.normalised())


class HolderBody(Body):
    """A person: name as issued and identity document."""

    name: Text
    document: Document
    birth_date: CivilDate | None = None

    def person(self) -> Person:
        return Person(
            name=self.name,
            document_type=self.document.type,
            number=self.document.normalised(),
            birth_date=self.birth_date,
        )


class AccountHolder(Body):
    """A holder named by the account."""

    account_id: Uuid


class OpenAccountBody(Body):
    holder: HolderBody


class LookUpBody(Body):
    document: Document


class AccountsBatchBody(Body):
    items: Annotated[list[Any], Field(min_length=1, max_length=5000)]
    dry_run: bool = False


class ReasonBody(Body):
    reason: Reason


class ReleaseBody(Body):
    """Why a reservation is given up, where one says so."""

    reason: Reason = "released by the institution"


class MergeBody(Body):
    merged: Uuid
    reason: Reason


class ScoreBody(Body):
    value: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    scale: Annotated[str, StringConstraints(min_length=1, max_length=64)]


class EvidenceBody(Body):
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    media_type: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.+-]+/[a-z0-9.+-]+$", max_length=100)]


Hours = (
    Annotated[int, Field(ge=0, le=100_000)] | Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}(\.[0-9]{1,4})?$")]
)


class ParticularsBody(Body):
    """What may be said about a certificate beyond the required fields."""

    hours: Hours | None = None
    score: ScoreBody | None = None
    evidence: Annotated[list[EvidenceBody], Field(max_length=20)] = []
    fields: Fields = {}

    def domain_values(self) -> dict[str, Any]:
        """The stated values, as the domain has them."""
        stated = {name: getattr(self, name) for name in self.model_fields_set & {"hours", "fields"}}
        if "score" in self.model_fields_set:
            stated["score"] = self.score and Score(value=self.score.value, scale=self.score.scale)
        if "evidence" in self.model_fields_set:
            stated["evidence"] = tuple(Evidence(sha256=one.sha256, media_type=one.media_type) for one in self.evidence)
        return stated


class CertificateBody(ParticularsBody):
    """A certificate as its issuer posts it."""

    issuer: Code
    number: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1F\x7F-\x9F]*$")]
    standard: Code
    level: Text
    issued_on: CivilDate
    expires_on: CivilDate | None = None
    holder: HolderBody | AccountHolder
    site: Text | None = None
    assessment_mode: Literal["on_site", "online"] | None = None
    learner_group: Literal["student", "graduate", "rural", "unemployed", "veteran", "employee", "other"] | None = None
    subsidised: bool | None = None
    external_id: Text | None = None

    @field_validator("holder", mode="before")
    @classmethod
    def _one_kind_of_holder(cls, value: Any) -> Any:
        # Chosen by what is there, so that faults speak of the kind that was meant.
        if isinstance(value, dict):
            return (AccountHolder if "account_id" in value else HolderBody).model_validate(value)
        return value

    @model_validator(mode="after")
    def _in_order(self) -> CertificateBody:
        if self.expires_on is not None and self.expires_on < self.issued_on:
            raise PydanticCustomError("dates_reversed", "A certificate cannot expire before it is issued.")
        return self

    def line(self, vault: Vault) -> AwardLine:
        """What the command takes. Raises IdentityNumberInvalid."""
        holder: Holder | UUID
        if isinstance(self.holder, AccountHolder):
            holder = self.holder.account_id
        else:
            holder = vault.holder(self.holder.person())
        number = identifiers.normalise_certificate_number(self.number)
        if not number:
            fault = errors.Fault(code="too_short", pointer="/number", detail="Holds no visible sign.")
            raise errors.Invalid(faults=[fault])
        award = Award(
            certificate_id=certificate_id(self.issuer, number),
            issuer=self.issuer,
            number=self.number.strip(),
            standard=self.standard,
            level=self.level,
            issued_on=self.issued_on,
            expires_on=self.expires_on,
            particulars=self._particulars(),
        )
        return AwardLine(award=award, holder=holder)

    def _particulars(self) -> Particulars | None:
        names = {"site", "assessment_mode", "learner_group", "subsidised", "external_id"}
        stated = self.domain_values() | {name: getattr(self, name) for name in self.model_fields_set & names}
        return Particulars(**stated) if stated else None


class BatchBody(Body):
    """Up to 5,000 certificates; each line is judged by itself."""

    items: Annotated[list[Any], Field(min_length=1, max_length=5000)]
    mode: Literal["partial", "atomic"] = "partial"
    dry_run: bool = False


class ChangesBody(ParticularsBody):
    """What an amendment may change: never issuer, number or person."""

    level: Text | None = None
    issued_on: CivilDate | None = None
    expires_on: CivilDate | None = None

    @model_validator(mode="after")
    def _something(self) -> ChangesBody:
        if not self.model_fields_set:
            raise PydanticCustomError("nothing_to_change", "Names nothing to change.")
        for name in ("level", "issued_on"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise PydanticCustomError("wrong_type", "Level and day of issue cannot be taken away.")
        return self

    def changes(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in self.model_fields_set & {"level", "issued_on", "expires_on"}}
        return plain | self.domain_values()


class AmendmentBody(Body):
    changes: ChangesBody
    reason: Reason


class RevocationBody(Body):
    reason: Reason
    effective_from: CivilDate | None = None


class OrganisationBody(Body):
    code: Code
    name: Text
    roles: Annotated[list[Literal["issuer", "institution", "authority", "auditor"]], Field(min_length=1, max_length=4)]
    uscc: str | None = None
    region: Code | None = None
    aliases: Annotated[list[Text], Field(max_length=50)] = []
    assessor_kind: Literal["S", "Y"] | None = None

    @field_validator("uscc")
    @classmethod
    def _checked(cls, value: str | None) -> str | None:
        if value is not None and not identifiers.uscc_is_valid(value):
            raise PydanticCustomError("uscc_invalid", "Is not a unified social credit code (GB 32100).")
        return value

    def event(self) -> OrganisationRegistered:
        return OrganisationRegistered(
            code=self.code,
            name=self.name,
            roles=tuple(sorted(set(self.roles))),
            uscc=self.uscc,
            region=self.region,
            aliases=tuple(self.aliases),
            assessor_kind=self.assessor_kind,
        )


class AccreditationBody(Body):
    standard: Code
    levels: Annotated[list[Text], Field(min_length=1, max_length=50)]
    valid_from: CivilDate
    valid_until: CivilDate | None = None

    @model_validator(mode="after")
    def _in_order(self) -> AccreditationBody:
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise PydanticCustomError("dates_reversed", "The term ends before it begins.")
        return self


class WithdrawalBody(Body):
    effective_from: CivilDate
    reason: Reason


class KeyBody(Body):
    role: Literal["authority", "issuer", "institution", "auditor"]
    expires_at: Instant | None = None


class LevelBody(Body):
    level: Text
    rank: Annotated[int, Field(ge=0, le=1000)]
    credits: CreditsText


class StandardBody(Body):
    code: Code
    title: Text
    scheme: Text
    kind: Code = "x-cert"
    aliases: Annotated[list[Text], Field(max_length=50)] = []
    levels: Annotated[list[LevelBody], Field(min_length=1, max_length=50)]
    fields: Fields = {}

    @field_validator("levels")
    @classmethod
    def _distinct(cls, levels: list[LevelBody]) -> list[LevelBody]:
        _require_distinct([level.level for level in levels])
        return levels

    def event(self) -> StandardPublished:
        return StandardPublished(
            code=self.code,
            title=self.title,
            scheme=self.scheme,
            kind=self.kind,
            aliases=tuple(self.aliases),
            levels=tuple(Level(level=one.level, rank=one.rank, credits=one.credits) for one in self.levels),
            fields=self.fields,
        )


class CourseBody(Body):
    code: Code
    name: Text
    credits: CreditsText
    type: Text | None = None
    fields: Fields = {}


class ProgrammeBody(Body):
    institution: Code
    code: Code
    name: Text
    credits: CreditsText
    fields: Fields = {}
    rulebook: Code | None = None
    courses: Annotated[list[CourseBody], Field(max_length=2000)] = []

    @field_validator("courses")
    @classmethod
    def _distinct(cls, courses: list[CourseBody]) -> list[CourseBody]:
        _require_distinct([course.code for course in courses])
        return courses

    def event(self) -> ProgrammePublished:
        return ProgrammePublished(
            institution=self.institution,
            code=self.code,
            name=self.name,
            credits=self.credits,
            rulebook=self.rulebook,
            fields=self.fields,
            courses=tuple(
                Course(code=one.code, name=one.name, credits=one.credits, type=one.type, fields=one.fields)
                for one in self.courses
            ),
        )


def _require_distinct(codes: list[str]) -> None:
    if len(set(codes)) < len(codes):
        raise PydanticCustomError("not_distinct", "Two of them have the same code.")


class RulebookVersionBody(Body):
    rules: dict[str, Any]
    effective_from: CivilDate | None = None
    title: Text | None = None
    cases: Annotated[list[dict[str, Any]], Field(max_length=1000)] = []


class ProgrammeName(Body):
    institution: Code
    code: Code

    @property
    def pair(self) -> tuple[str, str]:
        return self.institution, self.code


class WishBody(Body):
    """One wish. Further scalar fields are the request's own, for rulebooks that read `r.*`."""

    model_config = {"extra": "allow", "strict": True, "hide_input_in_errors": True, "allow_inf_nan": False}
    __pydantic_extra__: dict[FieldName, Scalar]

    certificate_id: Uuid | None = None
    certificate_ids: Annotated[list[Uuid], Field(min_length=1, max_length=50)] | None = None
    target: Code | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> WishBody:
        if (self.certificate_id is None) is (self.certificate_ids is None):
            raise PydanticCustomError("field_missing", "Names either certificate_id or certificate_ids.")
        return self

    def wish(self) -> Wish:
        ids = self.certificate_ids or ([self.certificate_id] if self.certificate_id else [])
        return Wish(
            certificate_ids=tuple(dict.fromkeys(ids)),
            target=self.target,
            fields=self.__pydantic_extra__,
        )


class UseBody(Body):
    """What an institution asks for, for one account and programme."""

    account_id: Uuid
    programme: ProgrammeName
    applied_on: CivilDate | None = None
    requests: Annotated[list[WishBody], Field(min_length=1, max_length=200)]
    mode: Literal["partial", "atomic"] = "partial"


class ReservationBody(UseBody):
    """As an exemption or conversion, held until a moment at most 30 days ahead."""

    expires_at: Instant


class EligibilityBody(Body):
    """As an exemption. Without `requests` the bank proposes the best set."""

    account_id: Uuid
    programme: ProgrammeName
    applied_on: CivilDate | None = None
    requests: Annotated[list[WishBody], Field(min_length=1, max_length=200)] | None = None
    as_of: CivilDate | None = None
    known_at: Instant | None = None


class AwardCheckBody(Body):
    account_id: Uuid
    programme: ProgrammeName
    award: Text
    applied_on: CivilDate | None = None


class EvaluationBody(Body):
    """A rulebook's rules and a situation: see the rulebook format."""

    rules: dict[str, Any]
    op: Literal["convert", "award", "credit_points"]
    given: dict[str, Any]


class ApprovalBody(Body):
    role: Text


class ReviewBody(Body):
    outcome: Literal["upheld", "withdrawn"]
    reason: Reason
