"""Bodies about organisations, standards, programmes and rulebooks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from creditbank.api.access import Operation, scopes_of
from creditbank.api.body import Body
from creditbank.api.fields import CivilDate, Code, CreditsText, Instant, Reason, Text
from creditbank.api.messages import FAULTS
from creditbank.api.requests.certificates import Fields
from creditbank.domain import identifiers
from creditbank.domain.events import (
    Course,
    Level,
    OrganisationRegistered,
    ProgrammePublished,
    RetainedKind,
    StandardPublished,
)

Scopes = Annotated[list[Operation], Field(min_length=1, max_length=100)]
"""What a credential may do, where that is less than all that its role may do."""


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


def held_scopes(scopes: list[Operation] | None, info: ValidationInfo) -> list[Operation] | None:
    """The scopes of a body, whose field `role` says what there is to choose from."""
    if scopes is not None and "role" in info.data and not scopes_of(info.data["role"]).issuperset(scopes):
        raise PydanticCustomError("scope_not_held", FAULTS["scope_not_held"].en)
    return scopes


class RetentionBody(Body):
    """For how many years records of a kind are kept, and by which law or order."""

    kind: RetainedKind
    years: Annotated[int, Field(ge=1, le=200)]
    basis: Text


class KeyBody(Body):
    role: Literal["authority", "issuer", "institution", "auditor"]
    scopes: Scopes | None = None
    expires_at: Instant | None = None

    @field_validator("scopes")
    @classmethod
    def _held(cls, scopes: list[Operation] | None, info: ValidationInfo) -> list[Operation] | None:
        return held_scopes(scopes, info)


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
    consent: Literal["required"] | None = None
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
            consent=self.consent,
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
