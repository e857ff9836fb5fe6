"""Answers about organisations, standards, programmes and rulebooks."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Field

from creditbank.api.answers.uses import Credits

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
    status: Literal["active", "suspended"]


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
    state: Literal["running", "waiting", "finished", "cancelled", "refused"]
    total: int
    done: int
    created_at: str


class KeyListed(BaseModel):
    key_id: str
    organisation: str
    role: str
    scopes: list[str] | None = Field(description="Null where the key may do all that its role may.")
    status: Literal["valid", "expired", "revoked"]
    created_at: str
    created_by: str
    expires_at: str | None
    last_used_at: str | None = Field(description="To about a minute.")
    revoked_at: str | None


class Key(BaseModel):
    key_id: str
    organisation: str
    role: str
    scopes: list[str] | None
    expires_at: str | None
    key: str | None = Field(default=None, description="Shown in the first answer only.")


class RetentionRule(BaseModel):
    organisation: str
    kind: Literal["certificate", "exemption", "conversion"]
    years: int
    basis: str


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
    consent: Literal["required"] | None
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
