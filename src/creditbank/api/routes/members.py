"""Members: which people may sign in, and for whom they act. The first one is made at the command line."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from creditbank.api.answers.catalogue import Page
from creditbank.api.answers.people import Member
from creditbank.api.body import StrictRoute
from creditbank.api.cursors import PageAsked
from creditbank.api.dependencies import Writer, authenticator_of, bank_of, permit, write
from creditbank.api.messages import FAULTS
from creditbank.api.principals import Principal
from creditbank.api.requests.members import MemberBody
from creditbank.commands import members
from creditbank.domain.errors import Fault, Invalid
from creditbank.domain.instants import microseconds_of

router = APIRouter(prefix="/v1/members", tags=["People"], route_class=StrictRoute)


@router.post("", status_code=201, response_model=Member, summary="Add a member")
async def add_member(body: MemberBody, writer: Annotated[Writer, write("members:manage")]) -> Response:
    """Whoever signs in as this subject acts in this role from then on."""
    issuer = body.issuer or writer.request.app.state.settings.oidc_issuer
    if issuer is None:
        raise Invalid(faults=[Fault(code="field_missing", detail=FAULTS["field_missing"].en, pointer="/issuer")])
    return await writer.settle(
        members.AddMember(
            issuer=issuer,
            subject=body.subject,
            role=body.role,
            organisation=body.organisation,
            created_by=writer.principal.actor,
            expires_at=None if body.expires_at is None else microseconds_of(body.expires_at),
        )
    )


@router.get("", response_model=Page[Member], summary="List members")
def list_members(
    request: Request, page: PageAsked, _: Annotated[Principal, permit("members:manage")]
) -> dict[str, Any]:
    """Removed ones included, the oldest first."""
    after = (page.after[0], page.after[1]) if page.after else (0, "")
    bank = bank_of(request)
    now, found = bank.clock(), members.listed(bank, after, page.limit + 1)
    shown, cursor = page.cut(found, lambda member: [member.created_at, member.member_id])
    return {"items": [members.document(member, now) for member in shown], "next_cursor": cursor}


@router.delete("/{member_id}", status_code=204, summary="Remove a member")
async def remove_member(member_id: str, writer: Annotated[Writer, write("members:manage")]) -> Response:
    """Its sessions end within two seconds, in every process. Events go on naming it."""
    answer = await writer.settle_without_key(members.RemoveMember(member_id=member_id))
    authenticator_of(writer.request).sessions.forget(member_id)
    return answer
