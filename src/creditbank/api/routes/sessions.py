"""Sessions: who asks, since when and until when, and how to end what was left open elsewhere."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from creditbank.api.answers.catalogue import Page
from creditbank.api.answers.people import SessionListed, WhoAmI
from creditbank.api.body import StrictRoute
from creditbank.api.cursors import PageAsked
from creditbank.api.dependencies import Writer, authenticator_of, bank_of, permit, write
from creditbank.api.principals import Principal
from creditbank.commands import sessions
from creditbank.commands.sessions import Owner
from creditbank.domain.errors import Forbidden

router = APIRouter(prefix="/v1", tags=["People"], route_class=StrictRoute)

_OF_SESSIONS = ("signed_in_at", "authenticated_at", "expires_at")


@router.get("/session", response_model=WhoAmI, summary="Who am I")
def who_am_i(request: Request, principal: Annotated[Principal, permit("sessions:manage")]) -> dict[str, Any]:
    """For whatever credentials: the role, in whose name, and with a session until when."""
    account_id = principal.account_id
    session = None if principal.person is None else sessions.found(bank_of(request), principal.credential)
    told = {} if session is None else sessions.document(session)
    return {
        "role": principal.role,
        "organisation": principal.organisation,
        "account_id": None if account_id is None else str(account_id),
        "credential": principal.credential,
        "person": principal.person,
        **{name: told.get(name) for name in _OF_SESSIONS},
    }


@router.get("/sessions", response_model=Page[SessionListed], summary="List sessions")
def list_sessions(
    request: Request,
    page: PageAsked,
    principal: Annotated[Principal, permit("sessions:manage")],
    member: Annotated[str | None, Query(description="Of this member instead: for the authority.")] = None,
) -> dict[str, Any]:
    """The own ones that are not over, the oldest first."""
    if member is not None and principal.reach != "everything":
        raise Forbidden
    owner = _owner(principal) if member is None else Owner(member_id=member)
    items = sessions.listed(bank_of(request), owner)
    current = principal.credential
    return page.of(
        [{**item, "is_current": item["session_id"] == current} for item in items], lambda item: str(item["session_id"])
    )


@router.delete("/sessions/{session_id}", status_code=204, summary="End a session")
async def end_session(session_id: str, writer: Annotated[Writer, write("sessions:manage")]) -> Response:
    """An own one, or for the authority anybody's. It stops working within two seconds, in every process."""
    owner = None if writer.principal.reach == "everything" else _owner(writer.principal)
    answer = await writer.settle_without_key(sessions.EndSession(session_id=session_id, owner=owner))
    authenticator_of(writer.request).sessions.forget(session_id)
    return answer


def _owner(principal: Principal) -> Owner:
    if principal.account_id is not None:
        return Owner(account_ids=principal.former_accounts | {principal.account_id})
    return Owner(member_id=principal.person)
