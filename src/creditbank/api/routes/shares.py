"""Shares: a learner shows something of the account to whoever has a secret, and anybody opens it with the secret."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from creditbank.api.answers.catalogue import Page
from creditbank.api.answers.rights import GrantedShare, Share, Shared
from creditbank.api.body import StrictRoute
from creditbank.api.cursors import PageAsked
from creditbank.api.dependencies import Writer, bank_of, rights_of, write_own_account
from creditbank.api.looks import Looker, look, record_opened_share
from creditbank.api.rates import limit_verification
from creditbank.api.requests.rights import SecretBody, ShareBody
from creditbank.commands import shares
from creditbank.domain.instants import microseconds_of

router = APIRouter(prefix="/v1", tags=["Rights of the learner"], route_class=StrictRoute)


@router.post("/accounts/{account_id}/shares", status_code=201, response_model=GrantedShare, summary="Grant a share")
async def grant_share(
    account_id: UUID, body: ShareBody, writer: Annotated[Writer, write_own_account("shares:grant")]
) -> Response:
    """The secret stands in the first answer only: a repetition of the request gets it no more."""
    return await writer.settle(
        shares.GrantShare(
            account_id=account_id,
            what=body.what,
            certificates=body.certificates or (),
            purpose=body.purpose,
            shows_name=body.holder_name == "clear",
            expires_at=microseconds_of(body.expires_at),
            if_match=writer.if_match,
        )
    )


@router.post("/accounts/{account_id}/shares/{share_id}/revocation", response_model=Share, summary="Revoke a share")
async def revoke_share(
    account_id: UUID, share_id: UUID, writer: Annotated[Writer, write_own_account("shares:grant")]
) -> Response:
    """Its secret opens nothing any more."""
    return await writer.settle(shares.RevokeShare(account_id=account_id, share_id=share_id, if_match=writer.if_match))


@router.get("/accounts/{account_id}/shares", response_model=Page[Share], summary="List shares")
def list_shares(
    request: Request, account_id: UUID, page: PageAsked, looker: Annotated[Looker, look("shares:read", "shares")]
) -> dict[str, Any]:
    """Those that are over too, in the order in which they were granted, without their secrets."""
    principal = looker.principal
    found = rights_of(request).shares(account_id, principal.viewer, masked=principal.reach == "masked")
    looker.saw_from_thread(account_id)
    return page.of(found, lambda one: one["share_id"])


@router.post(
    "/shared",
    response_model=Shared,
    response_model_exclude_unset=True,
    dependencies=[Depends(limit_verification)],
    summary="Open a share",
)
def open_share(request: Request, body: SecretBody) -> dict[str, Any]:
    """What it shows today. One that is unknown, revoked or over is not found, all alike. The learner is told of it;
    the secret travels in the body, so that it stands in no log.
    """
    opened = shares.opened(bank_of(request), body.secret)
    record_opened_share(request.app.state.accesses, opened)
    return opened.document
