"""Looks: what a route that shows personal data asks for, so that it is on record before it is answered.

A learner's look at the own account is nobody else's business and leaves no record; neither does one that finds nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes
from uuid import UUID

from fastapi import Depends, Request
from starlette.types import Scope

from creditbank.api.access import Operation
from creditbank.api.dependencies import Permit
from creditbank.api.messages import FAULTS
from creditbank.api.principals import Principal
from creditbank.commands import documents
from creditbank.commands.accesses import AccessBook
from creditbank.commands.shares import Opened
from creditbank.domain.errors import Fault, Invalid
from creditbank.ledger.accesses import Access, Look

PURPOSE = "Creditbank-Purpose"
ON_BEHALF_OF = "Creditbank-On-Behalf-Of"
LONGEST: Mapping[str, int] = {PURPOSE: 200, ON_BEHALF_OF: 100}

DESCRIPTIONS: Mapping[str, str] = {
    PURPOSE: "What for: shown to the learner. UTF-8, as it is or percent-encoded; not for personal data.",
    ON_BEHALF_OF: "For whom in the organisation, as the number of a desk or case: shown to the learner.",
}

USUAL: Mapping[Operation, str] = {
    "accesses:read": "review-of-accesses",
    "accounts:export": "export",
    "accounts:history": "review-of-history",
    "accounts:open": "identification",
    "accounts:read": "account-service",
    "certificates:award": "posting-of-certificates",
    "certificates:read": "check-of-certificates",
    "consents:read": "check-of-consent",
    "conversions:decide": "recognition-of-credits",
    "eligibility:ask": "recognition-of-credits",
    "exemptions:decide": "recognition-of-credits",
    "requests:read": "answering-requests",
    "reservations:decide": "recognition-of-credits",
    "shares:read": "review-of-shares",
    "uses:read": "check-of-uses",
}
"""What a look is for where nobody says so. That of an auditor is always an audit."""

_NAMES = {name.lower().encode(): name for name in (PURPOSE, ON_BEHALF_OF)}
_PERSONAL_NUMBER = re.compile(r"[0-9]{15}")
"""So many digits in a row are a person's number, not a purpose."""


class Looker(NamedTuple):
    """Who looks, and the book where each look is put on record before the answer goes out."""

    principal: Principal
    book: AccessBook
    look: Look | None

    async def saw(self, *account_ids: UUID) -> None:
        """Answer only after this. Raises Unavailable where it cannot be put on record."""
        if new := self._new(account_ids):
            await self.book.record(new)

    def saw_from_thread(self, *account_ids: UUID) -> None:
        """The same for routes that have a thread of their own."""
        if new := self._new(account_ids):
            self.book.record_from_thread(new)

    def _new(self, account_ids: Sequence[UUID]) -> list[Access]:
        look, stands = self.look, self.book.stands
        return [] if look is None else [Access(one, look) for one in account_ids if not stands(look, one)]

    def shown(self, document: Any) -> Any:
        """A document as this one may see it."""
        return documents.masked(document) if self.principal.reach == "masked" else document


@dataclass(frozen=True, slots=True)
class Looking(Permit):
    """Lets in whom the matrix lets look, with what they say they look for."""

    fields: str

    async def ask(self, request: Request) -> Looker:
        principal = await self.principal(request)
        return looker_of(request, principal, self.operation, self.fields)


def look(operation: Operation, *fields: str) -> Any:
    """The dependency of a route that shows these kinds of personal data: a `Looker`."""
    assert operation in USUAL, f"nobody has said what {operation} is usually for"
    return Depends(Looking(operation, " ".join(fields)).ask)


def looker_of(request: Request, principal: Principal, operation: Operation, fields: str) -> Looker:
    """Raises Invalid for what a purpose cannot be."""
    stated, book = said(request.scope), request.app.state.accesses
    if principal.role == "learner":
        return Looker(principal, book, None)
    usual = "audit" if principal.role == "auditor" else USUAL[operation]
    one = Look(
        credential=principal.person or principal.credential,  # sessions come and go, people stay
        role=principal.role,
        organisation=principal.organisation,
        operation=operation,
        fields=fields,
        purpose=stated.get(PURPOSE, usual),
        on_behalf_of=stated.get(ON_BEHALF_OF),
    )
    return Looker(principal, book, one)


def record_opened_share(book: AccessBook, opened: Opened) -> None:
    """Put on record the look of somebody of whom the bank knows only the share whose secret they have."""
    one = Look(
        credential=str(opened.share_id),
        role="share",
        organisation=None,
        operation="shares:open",
        fields=opened.what,
        purpose="share",
    )
    if not book.stands(one, opened.account_id):
        book.record_from_thread([Access(opened.account_id, one)])


def said(scope: Scope) -> dict[str, str]:
    """What a request says of its purpose, by header. Raises Invalid."""
    found: dict[str, str] = {}
    for header, value in scope["headers"]:
        if header in _NAMES:
            name = _NAMES[header]
            if name in found:
                raise _invalid(name, "header_repeated")
            found[name] = _text(name, value)
    return found


def _text(name: str, value: bytes) -> str:
    """The text that a header says, in one form and without signs that nobody sees."""
    try:
        text = unicodedata.normalize("NFC", unquote_to_bytes(value).decode()).strip()
    except UnicodeDecodeError:
        raise _invalid(name, "header_malformed") from None
    if not text:
        raise _invalid(name, "too_short")
    if len(text) > LONGEST[name]:
        raise _invalid(name, "too_long")
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for sign in text):
        raise _invalid(name, "header_malformed")
    if _PERSONAL_NUMBER.search(text):
        raise _invalid(name, "personal_number")
    return text


def _invalid(name: str, code: str) -> Invalid:
    return Invalid(faults=[Fault(code=code, detail=FAULTS[code].en, parameter=name)])
