"""The person behind an account: export of everything, correction, and restriction of use."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response
from pydantic_core import to_json

from creditbank.api import conditions
from creditbank.api.answers.accounts import Account
from creditbank.api.answers.exports import AccountExport
from creditbank.api.body import StrictRoute
from creditbank.api.dependencies import Writer, exporter_of, write_account
from creditbank.api.looks import Looker, look
from creditbank.api.requests.persons import CorrectionBody, ReasonBody
from creditbank.commands.accounts import ChangeRestriction
from creditbank.commands.corrections import CorrectHolder

router = APIRouter(prefix="/v1", tags=["Rights of the learner"], route_class=StrictRoute)


@router.get("/accounts/{account_id}/export", response_model=AccountExport, summary="Export an account")
def export_account(
    request: Request,
    account_id: UUID,
    looker: Annotated[Looker, look("accounts:export", "export")],
    if_none_match: Annotated[str | None, Header(description="Versions that the caller holds already.")] = None,
) -> Response:
    """Everything, in clear for the learner and the authority, masked for others; organisations get what is theirs."""
    principal = looker.principal
    masked = principal.reach == "masked"
    version, document = exporter_of(request).export(account_id, principal.viewer, masked=masked)
    looker.saw_from_thread(account_id)
    if conditions.is_unchanged(if_none_match, version):
        return conditions.not_modified(version)
    headers = {"ETag": conditions.entity_tag(version)}
    return Response(to_json(looker.shown(document)), media_type="application/json", headers=headers)


@router.post("/accounts/{account_id}/correction", response_model=Account, summary="Correct the holder")
async def correct_holder(
    account_id: UUID,
    body: CorrectionBody,
    writer: Annotated[Writer, write_account("accounts:correct")],
) -> Response:
    """What stood there before stays sealed: certificates that were recorded under it verify and say so. A document
    that has changed still finds the account, one that was wrong does not.
    """
    return await writer.settle(
        CorrectHolder(
            account_id=account_id,
            particulars=body.holder.particulars(),
            cause=body.cause,
            reason=body.reason,
            if_match=writer.if_match,
        )
    )


@router.post("/accounts/{account_id}/restriction", response_model=Account, summary="Restrict an account")
async def restrict_account(
    account_id: UUID, body: ReasonBody, writer: Annotated[Writer, write_account("accounts:restrict")]
) -> Response:
    """Its data are kept and not used: organisations and the public find nothing, nothing is awarded or decided."""
    return await writer.settle(
        ChangeRestriction(account_id=account_id, change="restriction", reason=body.reason, if_match=writer.if_match)
    )


@router.post("/accounts/{account_id}/restriction-lifting", response_model=Account, summary="Lift a restriction")
async def lift_restriction(
    account_id: UUID, body: ReasonBody, writer: Annotated[Writer, write_account("accounts:restrict")]
) -> Response:
    """The account is again what it was before: open, suspended or closed."""
    return await writer.settle(
        ChangeRestriction(
            account_id=account_id, change="restriction-lifting", reason=body.reason, if_match=writer.if_match
        )
    )
