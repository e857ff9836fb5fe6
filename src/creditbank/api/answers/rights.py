"""Answers about what a learner allows and asks for: consents, shares and requests."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from creditbank.api.answers.accounts import Amounts, Entries
from creditbank.api.answers.certificates import CertificateContent


class Consent(BaseModel):
    consent_id: str
    account_id: str
    institution: str
    status: Literal["active", "withdrawn", "expired"]
    purpose: str | None = Field(description="The learner's own words, for those who may read them.")
    until: str = Field(examples=["2027-08-31"])
    given_at: str


class Share(BaseModel):
    share_id: str
    account_id: str
    what: Literal["balance", "transcript", "certificates"]
    certificates: list[str] = Field(description="Which certificates are shown; all where none is named.")
    holder_name: Literal["masked", "clear"]
    status: Literal["active", "revoked", "expired"]
    purpose: str | None = Field(description="The learner's own words, for those who may read them.")
    granted_at: str
    expires_at: str


class GrantedShare(Share):
    secret: str | None = Field(default=None, description="Shown in the first answer only.", examples=["cs_…"])


class Shared(BaseModel):
    """What a secret shows today: one of the three, without what names the account."""

    what: Literal["balance", "transcript", "certificates"]
    purpose: str | None
    expires_at: str
    holder: str = Field(description="The holder's name, masked unless the learner chose otherwise.", examples=["王**"])
    balance: Amounts | None = None
    transcript: Entries | None = None
    certificates: list[CertificateContent] | None = None


class LearnerRequest(BaseModel):
    request_id: str
    account_id: str
    kind: Literal["closure", "erasure", "correction", "restriction"]
    status: Literal["open", "done", "declined"]
    text: str | None = Field(description="The learner's own words, for those who may read them.")
    made_at: str
    reason: str | None = Field(description="What the authority says to it.")
