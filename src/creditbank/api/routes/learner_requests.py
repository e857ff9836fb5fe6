"""What learners ask the authority for, and what it answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from creditbank.api.answers.catalogue import Page
from creditbank.api.answers.rights import LearnerRequest
from creditbank.api.body import StrictRoute
from creditbank.api.cursors import PageAsked
from creditbank.api.dependencies import Writer, bank_of, rights_of, write_account, write_own_account
from creditbank.api.looks import Looker, look
from creditbank.api.requests.rights import RequestBody, SettlementBody
from creditbank.commands import learner_requests

router = APIRouter(prefix="/v1", tags=["Rights of the learner"], route_class=StrictRoute)


@router.post(
    "/accounts/{account_id}/requests", status_code=201, response_model=LearnerRequest, summary="Ask the authority"
)
async def make_request(
    account_id: UUID, body: RequestBody, writer: Annotated[Writer, write_own_account("requests:make")]
) -> Response:
    """To close, erase, correct or restrict the account. The text is kept sealed, and shown in this answer once."""
    return await writer.settle(
        learner_requests.MakeRequest(account_id=account_id, kind=body.kind, text=body.text, if_match=writer.if_match)
    )


@router.get("/accounts/{account_id}/requests", response_model=Page[LearnerRequest], summary="List own requests")
def list_requests_of_account(
    request: Request, account_id: UUID, page: PageAsked, looker: Annotated[Looker, look("requests:read", "requests")]
) -> dict[str, Any]:
    """In the order in which they were made, with what became of them."""
    principal = looker.principal
    found = rights_of(request).requests(account_id, principal.viewer, masked=principal.reach == "masked")
    looker.saw_from_thread(account_id)
    return page.of(found, lambda one: one["request_id"])


@router.get("/requests", response_model=Page[LearnerRequest], summary="List requests of all learners")
def list_requests(
    request: Request,
    page: PageAsked,
    looker: Annotated[Looker, look("requests:read", "requests")],
    status: Annotated[Literal["open", "done", "declined"] | None, Query(description="Only these.")] = None,
) -> dict[str, Any]:
    """The oldest first. A learner sees the own ones."""
    principal = looker.principal
    found = learner_requests.listed(
        bank_of(request),
        account_id=principal.account_id,
        after=UUID(page.after[0]) if page.after else None,
        status=status,
        limit=page.limit + 1,
        masked=principal.reach == "masked",
    )
    items, cursor = page.cut(found, lambda one: [one["request_id"]])
    looker.saw_from_thread(*{UUID(one["account_id"]) for one in items})
    return {"items": items, "next_cursor": cursor}


@router.post("/requests/{request_id}/settlement", response_model=LearnerRequest, summary="Settle a request")
async def settle_request(
    request_id: UUID, body: SettlementBody, writer: Annotated[Writer, write_account("requests:settle")]
) -> Response:
    """Done or declined, once. What was asked for is done by its own command."""
    return await writer.settle(
        learner_requests.SettleRequest(
            request_id=request_id, outcome=body.outcome, reason=body.reason, if_match=writer.if_match
        )
    )
