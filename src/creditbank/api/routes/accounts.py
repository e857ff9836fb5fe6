"""Personal learning accounts: open, find, change, and answer about them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from pydantic_core import from_json

from creditbank.api import acts, conditions
from creditbank.api.answers.accounts import Account, AccountId, AccountWithHolder, Balance, ErasedAccount, Transcript
from creditbank.api.answers.certificates import BatchResult
from creditbank.api.body import StrictRoute
from creditbank.api.dependencies import (
    Writer,
    moment_of,
    reader_of,
    write,
    write_account,
)
from creditbank.api.faults import faults_of_line
from creditbank.api.fields import CivilDate, Instant
from creditbank.api.looks import Looker, look
from creditbank.api.requests.persons import AccountsBatchBody, LookUpBody, MergeBody, OpenAccountBody, ReasonBody
from creditbank.audit.proofs import Prover
from creditbank.commands import accounts, parts
from creditbank.commands.queries import Question
from creditbank.domain import errors
from creditbank.domain.acts import Erasure, Merging
from creditbank.domain.errors import BankError
from creditbank.domain.timeline import Moment
from creditbank.vault.persons import Holder

router = APIRouter(prefix="/v1", tags=["Accounts"], route_class=StrictRoute)

AsOf = Annotated[CivilDate | None, Query(description="What was in force on that day.")]
KnownAt = Annotated[Instant | None, Query(description="What the bank knew at that instant.")]
IfNoneMatch = Annotated[str | None, Header(description="Versions that the caller holds already.")]


@router.get("/accounts/{account_id}/balance", response_model=Balance, summary="Read a balance")
async def read_balance(
    request: Request,
    account_id: UUID,
    looker: Annotated[Looker, look("accounts:read", "balance")],
    if_none_match: IfNoneMatch = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """What was earned, what is used, what is available: today, on another day, or as the bank knew it then."""
    if as_of is not None or known_at is not None:
        return await run_in_threadpool(_balance_then, request, account_id, looker, moment_of(as_of, known_at))
    question = Question(account_id=account_id, viewer=looker.principal.viewer)
    answer = await request.app.state.balances.ask(question)
    await looker.saw(account_id)
    if conditions.is_unchanged(if_none_match, answer.version):
        return conditions.not_modified(answer.version)
    return Response(answer.body, media_type="application/json", headers={"ETag": conditions.entity_tag(answer.version)})


def _balance_then(request: Request, account_id: UUID, looker: Looker, moment: Moment) -> Response:
    document = reader_of(request).balance_then(account_id, looker.principal.viewer, moment)
    looker.saw_from_thread(account_id)
    return JSONResponse(document)


@router.post(
    "/accounts",
    status_code=201,
    response_model=Account,
    summary="Open an account",
    responses={200: {"model": Account, "description": "The person has an account already."}},
)
async def open_account(
    body: OpenAccountBody,
    writer: Annotated[Writer, write("accounts:open")],
    looker: Annotated[Looker, look("accounts:open", "account_id", "status")],
) -> Response:
    """One account per person, found by document type and normalised number."""
    command = accounts.OpenAccount(
        holder=body.holder.holder(),
        opened_by=writer.principal.scope,
        institution=writer.principal.as_institution,
    )
    answer = await writer.settle(command)
    if answer.status_code == 200:
        await looker.saw(UUID(from_json(bytes(answer.body))["account_id"]))
    return answer


@router.post("/accounts:batch", status_code=207, response_model=BatchResult, summary="Open many accounts")
async def open_accounts(
    body: AccountsBatchBody,
    writer: Annotated[Writer, write("accounts:open")],
    looker: Annotated[Looker, look("accounts:open", "account_id")],
) -> Response:
    """A verdict per line, in their order: 201 where it was opened, 200 where it was there."""
    holders = await run_in_threadpool(_holders, body.items)
    command = accounts.OpenAccounts(
        holders=holders,
        opened_by=writer.principal.scope,
        institution=writer.principal.as_institution,
        render=writer.render,
        dry_run=body.dry_run,
    )
    if body.dry_run:
        answer = await writer.look_up(command, len(holders))
    else:
        answer = await writer.settle_in_parts(command, len(holders), parts.Plain(command.part))
    found = [line["account_id"] for line in from_json(bytes(answer.body))["results"] if line["status"] == 200]
    await looker.saw(*map(UUID, found))
    return answer


def _holders(items: list[Any]) -> list[Holder | BankError]:
    return [_holder(item) for item in items]


def _holder(item: Any) -> Holder | BankError:
    try:
        return OpenAccountBody.model_validate(item).holder.holder()
    except ValidationError as error:
        return errors.Invalid(faults=faults_of_line(error, item))
    except BankError as refusal:
        return refusal


@router.post("/accounts/lookup", response_model=AccountId, summary="Find an account by document number")
async def look_up_account(
    body: LookUpBody,
    writer: Annotated[Writer, write("accounts:open")],
    looker: Annotated[Looker, look("accounts:open", "account_id")],
) -> Response:
    """From then on an institution may deal with the account for 180 days. May be repeated without a key."""
    document = body.document
    found = Holder(person=document.unnamed_person())
    answer = await writer.look_up(accounts.LookUp(holder=found, institution=writer.principal.as_institution), 1)
    await looker.saw(UUID(from_json(bytes(answer.body))["account_id"]))
    return answer


@router.get("/accounts/{account_id}", response_model=AccountWithHolder, summary="Read an account")
def read_account(
    request: Request,
    account_id: UUID,
    looker: Annotated[Looker, look("accounts:read", "status", "holder_masked")],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Status and version, with the holder masked."""
    answer = reader_of(request).account(account_id, looker.principal.viewer)
    looker.saw_from_thread(account_id)
    return _versioned(answer, if_none_match)


@router.get("/accounts/{account_id}/transcript", response_model=Transcript, summary="Read a transcript")
def read_transcript(
    request: Request,
    account_id: UUID,
    looker: Annotated[Looker, look("accounts:read", "transcript")],
    if_none_match: IfNoneMatch = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    proofs: Annotated[bool, Query(description="With the proof of each entry in the public log.")] = False,
) -> Response:
    """Certificates, conversions and exemptions in the order of their record."""
    moment = moment_of(as_of, known_at)
    version, document = reader_of(request).transcript(account_id, looker.principal.viewer, moment)
    looker.saw_from_thread(account_id)
    if proofs and looker.principal.reach == "masked":
        raise errors.Forbidden()  # a proof carries its record as it is, unmasked
    if proofs:  # without an ETag: they follow the checkpoint, not the account
        return JSONResponse(_proven(request, account_id, document))
    return _versioned((version, document), if_none_match) if moment.is_now else JSONResponse(document)


def _proven(request: Request, account_id: UUID, document: dict[str, Any]) -> dict[str, Any]:
    """The transcript with a proof for each entry that the published checkpoint covers."""
    prover: Prover = request.app.state.prover
    proofs = [str(proof) for proof in prover.stream(account_id)]
    for entry in document["entries"]:
        recorded = entry["recorded_version"]
        entry["proof"] = proofs[recorded - 1] if recorded <= len(proofs) else None
    return document


def _versioned(answer: tuple[int, dict[str, Any]], if_none_match: str | None) -> Response:
    version, document = answer
    if conditions.is_unchanged(if_none_match, version):
        return conditions.not_modified(version)
    return JSONResponse(document, headers={"ETag": conditions.entity_tag(version)})


def _change(change: accounts.Change, summary: str, told: str) -> None:
    """One route per change of status: they differ in the word only."""

    async def route(
        account_id: UUID,
        body: ReasonBody,
        writer: Annotated[Writer, write_account("accounts:suspend")],
    ) -> Response:
        return await writer.settle(
            accounts.ChangeStatus(account_id=account_id, change=change, reason=body.reason, if_match=writer.if_match)
        )

    router.add_api_route(
        f"/accounts/{{account_id}}/{change}",
        route,
        methods=["POST"],
        response_model=Account,
        summary=summary,
        description=told,
        name=f"{change}_of_account",
    )


_change("suspension", "Suspend an account", "Nothing is awarded to it or decided on it until it is reinstated.")
_change("reinstatement", "Reinstate an account", "Ends a suspension.")
_change("closure", "Close an account", "What is in it stays readable.")


@router.post("/accounts/{account_id}/merge", response_model=Account, responses=acts.WAITS, summary="Merge two accounts")
async def merge_accounts(
    account_id: UUID,
    body: MergeBody,
    writer: Annotated[Writer, write_account("accounts:merge")],
) -> Response:
    """Everything in the merged account continues here, counted once; its id answers with a pointer."""
    act = Merging(act="merge", account_id=account_id, merged=body.merged, reason=body.reason)
    return await acts.settle(writer, act)


@router.post(
    "/accounts/{account_id}/erasure", response_model=ErasedAccount, responses=acts.WAITS, summary="Erase a person"
)
async def erase_person(
    account_id: UUID,
    body: ReasonBody,
    writer: Annotated[Writer, write_account("accounts:erase")],
) -> Response:
    """Personal data become unreadable for ever; numbers, history and proofs stay valid."""
    return await acts.settle(writer, Erasure(act="erasure", account_id=account_id, reason=body.reason))
