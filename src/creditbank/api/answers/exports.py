"""The export of an account, version 1. `docs/account-export.md` tells it in words."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from creditbank.api.answers.accesses import AccessRecord
from creditbank.api.answers.accounts import Balance, Event, Transcript
from creditbank.api.answers.certificates import Certificate
from creditbank.api.answers.rights import Consent, LearnerRequest, Share
from creditbank.api.answers.uses import Conversion, Exemption, Reservation


class ExportedAccount(BaseModel):
    account_id: str
    status: Literal["open", "suspended", "closed", "merged", "restricted", "erased"] | None = None
    version: int | None = None
    opened_at: str | None = None
    merged_into: str | None = None
    merged_from: list[str] | None = Field(
        default=None, description="Accounts of the same person that continue in this one."
    )


class ExportedDocument(BaseModel):
    type: str
    number: str


class ExportedHolder(BaseModel):
    name: str
    document: ExportedDocument
    birth_date: str | None


class FormerHolder(ExportedHolder):
    replaced_at: str
    cause: Literal["error", "change", "merge"]


class AccountExport(BaseModel):
    """Everything that the bank has about an account. What is not there is not for the one who asks."""

    format: Literal["creditbank-account-export/1"]
    exported_at: str
    masked: bool = Field(description="Whether personal data are masked and the learner's own words left out.")
    account: ExportedAccount
    holder: ExportedHolder | None = Field(default=None, description="Null where the person was erased.")
    former_holders: list[FormerHolder] | None = None
    events: list[Event] = Field(description="Oldest first; the rest follows from them, but for the personal data.")
    certificates: list[Certificate]
    uses: list[Exemption | Conversion | Reservation] | None = None
    balance: Balance | None = None
    transcript: Transcript | None = None
    consents: list[Consent] | None = None
    shares: list[Share] | None = None
    requests: list[LearnerRequest] | None = None
    accesses: list[AccessRecord] | None = Field(default=None, description="Who looked, the newest first.")


def schema() -> dict[str, Any]:
    """The JSON Schema of the document, as it is shipped."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:creditbank:account-export:1",
        **AccountExport.model_json_schema(),
    }
