"""Answers about eligibility, exemptions, conversions and reservations."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from creditbank.domain.values import CREDITS_PATTERN

Credits = Field(pattern=CREDITS_PATTERN, json_schema_extra={"format": "decimal"}, examples=["4"])


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
