"""Answers about accounts and their history."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from creditbank.api.answers.uses import Credits, Grant


class MaskedDocument(BaseModel):
    type: str
    number: str = Field(examples=["1101**********002X"])


class MaskedHolder(BaseModel):
    name: str = Field(examples=["王**"])
    document: MaskedDocument


class Account(BaseModel):
    account_id: str
    status: Literal["open", "suspended", "closed", "merged", "restricted", "erased"]
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


class ProgrammeCredits(BaseModel):
    institution: str
    programme: str
    credits: str = Credits


class Amounts(BaseModel):
    """earned - used - reserved - expired - held + shortfall = available, always."""

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


class Balance(Amounts):
    account_id: str
    version: int


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
    recorded_version: int = Field(description="Version of the account whose event records this.")
    proof: str | None = Field(
        default=None, description="With `proofs`: a .tlog-proof of that event, null while no checkpoint covers it."
    )


class Entries(BaseModel):
    """In the order of their record."""

    entries: list[TranscriptEntry]
    as_of: str | None
    known_at: str | None


class Transcript(Entries):
    account_id: str
    version: int


class Event(BaseModel):
    """One event of an account's history."""

    position: str = Field(examples=["17:1042"])
    version: int
    type: str = Field(examples=["account-opened/1"])
    recorded_at: str
    actor: str
    approved_by: str | None
    causation: str
    data: dict[str, Any]


class Stream(BaseModel):
    kind: Literal["account", "organisation", "standard", "programme", "rulebook", "approval"]
    id: str


class FeedEvent(Event):
    cursor: str
    stream: Stream
