"""Acts that a bank may want two persons for: each with everything that it was asked with, so that it can be done later.

They stand in the log for ever, like events: a field is only ever added, with a default. `act` is what a stored act
is told by, and has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Discriminator

ActName = Literal["erasure", "merge", "accreditation-withdrawal", "revocation-in-use", "rulebook-publication"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Destroy the key of an account's person."""

    act: Literal["erasure"]
    account_id: UUID
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging:
    """Continue the account `merged` on `account_id`."""

    act: Literal["merge"]
    account_id: UUID
    merged: UUID
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccreditationWithdrawal:
    act: Literal["accreditation-withdrawal"]
    organisation: str
    accreditation_id: UUID
    effective_from: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Revoke a certificate; of `issuer` alone where it is named, and from the day of the act where no day is."""

    act: Literal["revocation-in-use"]
    certificate_id: UUID
    issuer: str | None
    reason: str
    effective_from: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RulebookPublication:
    """Publish the next version of a rulebook, whose rules and cases have been checked."""

    act: Literal["rulebook-publication"]
    rulebook: str
    owner: str
    title: str | None
    rules: dict[str, Any]
    cases: tuple[dict[str, Any], ...]
    effective_from: date | None


Act = Annotated[
    Erasure | Merging | AccreditationWithdrawal | Revocation | RulebookPublication,
    Discriminator("act"),
]
