"""Consents: a learner lets an institution deal with the account until a day, and takes it back."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from creditbank.api.answers.catalogue import Page
from creditbank.api.answers.rights import Consent
from creditbank.api.body import StrictRoute
from creditbank.api.cursors import PageAsked
from creditbank.api.dependencies import Writer, rights_of, write_own_account
from creditbank.api.looks import Looker, look
from creditbank.api.requests.rights import ConsentBody
from creditbank.commands.consents import GiveConsent, WithdrawConsent

router = APIRouter(prefix="/v1", tags=["Rights of the learner"], route_class=StrictRoute)


@router.post("/accounts/{account_id}/consents", status_code=201, response_model=Consent, summary="Give a consent")
async def give_consent(
    account_id: UUID, body: ConsentBody, writer: Annotated[Writer, write_own_account("consents:give")]
) -> Response:
    """The institution may deal with the account until that day. The purpose is shown in the first answer only."""
    return await writer.settle(
        GiveConsent(
            account_id=account_id,
            institution=body.institution,
            purpose=body.purpose,
            until=body.until,
            if_match=writer.if_match,
        )
    )


@router.post(
    "/accounts/{account_id}/consents/{consent_id}/withdrawal", response_model=Consent, summary="Withdraw a consent"
)
async def withdraw_consent(
    account_id: UUID, consent_id: UUID, writer: Annotated[Writer, write_own_account("consents:give")]
) -> Response:
    """At once the institution can do and read nothing more that rests on it; uses that were made stay."""
    return await writer.settle(WithdrawConsent(account_id=account_id, consent_id=consent_id, if_match=writer.if_match))


@router.get("/accounts/{account_id}/consents", response_model=Page[Consent], summary="List consents")
def list_consents(
    request: Request, account_id: UUID, page: PageAsked, looker: Annotated[Looker, look("consents:read", "consents")]
) -> dict[str, Any]:
    """Those that are over too, in the order in which they were given. An institution sees its own."""
    principal = looker.principal
    found = rights_of(request).consents(account_id, principal.viewer, masked=principal.reach == "masked")
    looker.saw_from_thread(account_id)
    return page.of(found, lambda one: one["consent_id"])
