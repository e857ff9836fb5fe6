"""Answers about certificates."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from creditbank.api.answers.uses import Credits
from creditbank.api.problems import Problem


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


class CertificateContent(BaseModel):
    certificate_id: str
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


class Certificate(CertificateContent):
    account_id: str


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
    holder_changed: Literal[True] | None = Field(
        default=None, description="Present where it was recorded under another name of its holder."
    )
    former_holders_masked: list[str] | None = Field(
        default=None, description="The names since then that are no longer the holder's.", examples=[["李**"]]
    )
