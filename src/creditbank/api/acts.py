"""Settles acts that may need two persons: at once, or as something that waits, as the bank is set up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from pydantic_core import from_json

from creditbank.api.access import Operation
from creditbank.api.answers.approvals import PendingApproval
from creditbank.api.dependencies import Writer, respond
from creditbank.api.principals import Principal
from creditbank.commands import acts
from creditbank.commands.approvals import Propose
from creditbank.commands.desk import Settled
from creditbank.domain.acts import Act, ActName
from creditbank.domain.approvals import Signatory

OPERATIONS: Mapping[ActName, Operation] = {
    "erasure": "accounts:erase",
    "merge": "accounts:merge",
    "accreditation-withdrawal": "accreditations:withdraw",
    "revocation-in-use": "certificates:revoke",
    "rulebook-publication": "rulebooks:publish",
}
"""What both persons must be allowed to do."""

WAITS: dict[int | str, dict[str, Any]] = {
    202: {"model": PendingApproval, "description": "The bank wants two persons for this: it waits for the second one."}
}
"""How a route says that it may have to wait for a second person."""

WAIT_SECONDS = 5.0
"""How long an answer waits for the job that it started; the job goes on by itself."""


def signatory_of(principal: Principal) -> Signatory:
    return Signatory(
        role=principal.role,
        organisation=principal.organisation,
        actor=principal.actor,
        credential=principal.credential,
        person=principal.person,
    )


async def settle(writer: Writer, act: Act) -> Response:
    """Do an act, or let it wait for a second person where the bank wants two for it."""
    command = acts.command_of(act, writer.if_match)
    if act.act not in writer.request.app.state.two_persons:
        return await finish(writer.request, await writer.ask(command))
    proposal = Propose(act=act, command=command, by=signatory_of(writer.principal), if_match=writer.expected)
    return await finish(writer.request, await writer.ask(proposal))


async def finish(request: Request, settled: Settled) -> Response:
    """The answer to an act, after what it starts: a job of its own, which is awaited for a moment."""
    body = from_json(settled.body)
    if "job_id" in body:
        running = request.app.state.jobs.start(UUID(body["job_id"]))
        await asyncio.wait([asyncio.wrap_future(running)], timeout=WAIT_SECONDS)
    answer = respond(settled)
    if settled.status == 202:
        answer.headers["Location"] = f"/v1/approvals/{body['approval_id']}"
    return answer
