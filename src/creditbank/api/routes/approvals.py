"""Approvals: acts that wait for a second person, who gives or refuses them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from creditbank.api import acts, conditions
from creditbank.api.acts import OPERATIONS, signatory_of
from creditbank.api.answers.accounts import Account, ErasedAccount
from creditbank.api.answers.approvals import Approval
from creditbank.api.answers.catalogue import Page, RulebookVersion, Withdrawal
from creditbank.api.answers.certificates import ChangedCertificate
from creditbank.api.body import StrictRoute
from creditbank.api.cursors import PageAsked
from creditbank.api.dependencies import Writer, bank_of, permit, write
from creditbank.api.principals import Principal
from creditbank.api.requests.persons import ReasonBody
from creditbank.commands import approvals
from creditbank.commands.approvals import Approve, Party, Refuse
from creditbank.domain.acts import Act

router = APIRouter(prefix="/v1", tags=["Approvals"], route_class=StrictRoute)


@router.get("/approvals", response_model=Page[Approval], summary="List what waits for a second person")
def list_approvals(
    request: Request, page: PageAsked, principal: Annotated[Principal, permit("approvals:read")]
) -> dict[str, Any]:
    """The oldest first: those of the caller's own organisation and role. An auditor sees all of them."""
    after = UUID(page.after[0]) if page.after else None
    waiting = approvals.waiting(bank_of(request), _party(principal), after, page.limit + 1)
    items, cursor = page.cut(waiting, lambda one: [one["approval_id"]])
    return {"items": items, "next_cursor": cursor}


@router.get("/approvals/{approval_id}", response_model=Approval, summary="Read an approval")
def read_approval(
    request: Request, approval_id: UUID, principal: Annotated[Principal, permit("approvals:read")]
) -> dict[str, Any]:
    """What was asked for, by whom, and what became of it."""
    return approvals.found(bank_of(request), approval_id, _party(principal))


def _party(principal: Principal) -> Party | None:
    return None if principal.reach == "everything" else signatory_of(principal).party


@router.post(
    "/approvals/{approval_id}",
    response_model=ErasedAccount | Account | Withdrawal | ChangedCertificate,
    responses={
        201: {"model": RulebookVersion, "description": "The version of the rulebook is published."},
        412: {"description": "The account has changed since the version in If-Match of the one who asked."},
    },
    summary="Approve an act as its second person",
)
async def approve(approval_id: UUID, writer: Annotated[Writer, write("approvals:decide")]) -> Response:
    """It is decided anew on what now stands, and answers what the act itself answers. Has no body.

    Another person of the same organisation and role, who may do the act himself: not the key that asked for it, nor
    one that this key made or was made by.
    """
    command = Approve(
        approval_id=approval_id,
        by=signatory_of(writer.principal),
        authorise=lambda act: _authorise(writer.principal, act),
        match=conditions.require_match,
    )
    return await acts.finish(writer.request, await writer.ask(command))


@router.post("/approvals/{approval_id}/refusal", response_model=Approval, summary="Refuse or withdraw an act")
async def refuse(approval_id: UUID, body: ReasonBody, writer: Annotated[Writer, write("approvals:decide")]) -> Response:
    """By whoever might approve it, or by the one who asked for it. Nothing of it is done."""
    command = Refuse(
        approval_id=approval_id,
        by=signatory_of(writer.principal),
        authorise=lambda act: _authorise(writer.principal, act),
        reason=body.reason,
    )
    return await writer.settle(command)


def _authorise(principal: Principal, act: Act) -> None:
    principal.allowed(OPERATIONS[act.act])
