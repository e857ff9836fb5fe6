"""Organisations, their accreditations and keys, and the jobs that a withdrawal starts."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from creditbank.api import acts
from creditbank.api.answers.catalogue import (
    Accreditation,
    Job,
    Key,
    KeyListed,
    Organisation,
    Page,
    RetentionRule,
    Withdrawal,
)
from creditbank.api.body import StrictRoute
from creditbank.api.cursors import PageAsked
from creditbank.api.dependencies import Writer, bank_of, permit, write
from creditbank.api.principals import Principal
from creditbank.api.requests.catalogue import (
    AccreditationBody,
    KeyBody,
    OrganisationBody,
    RetentionBody,
    WithdrawalBody,
)
from creditbank.api.requests.persons import ReasonBody
from creditbank.commands import catalogue, documents, jobs, keys
from creditbank.commands.catalogue import Change
from creditbank.commands.keys import IssueKey, RevokeKey
from creditbank.domain import organisations
from creditbank.domain.acts import AccreditationWithdrawal
from creditbank.domain.events import RetentionRuleSet
from creditbank.domain.instants import microseconds_of
from creditbank.domain.organisations import organisation

router = APIRouter(prefix="/v1", tags=["Organisations"], route_class=StrictRoute)

Code = Annotated[str, Path(max_length=64, examples=["BIM-EVAL"])]


@router.post(
    "/organisations",
    status_code=201,
    response_model=Organisation,
    summary="Register an organisation",
    responses={200: {"model": Organisation, "description": "It stands already, with the same content."}},
)
async def register_organisation(
    body: OrganisationBody, writer: Annotated[Writer, write("catalogue:write")]
) -> Response:
    """A training organisation, a university, an auditor, or an authority."""
    return await writer.settle(catalogue.register(body.event()))


@router.get("/organisations", response_model=Page[Organisation], summary="List organisations")
def list_organisations(
    request: Request, page: PageAsked, _: Annotated[Principal, permit("catalogue:read")]
) -> dict[str, Any]:
    """In the order of their codes."""
    after = page.after[0] if page.after else ""
    known = bank_of(request).catalogue().organisations
    codes, cursor = page.cut(sorted(code for code in known if code > after), lambda code: [code])
    return {"items": [documents.organisation(known[code]) for code in codes], "next_cursor": cursor}


@router.get("/organisations/{code}", response_model=Organisation, summary="Read an organisation")
def read_organisation(
    request: Request, code: Code, _: Annotated[Principal, permit("catalogue:read")]
) -> dict[str, Any]:
    """Its name, roles and aliases."""
    return documents.organisation(organisation(bank_of(request).catalogue(), code))


@router.post("/organisations/{code}/suspension", response_model=Organisation, summary="Suspend an organisation")
async def suspend_organisation(
    code: Code, body: ReasonBody, writer: Annotated[Writer, write("organisations:suspend")]
) -> Response:
    """Its keys, clients and tokens are refused within two seconds, in every process. What it did stands."""
    return await _change(code, body, writer, organisations.suspend)


@router.post("/organisations/{code}/reinstatement", response_model=Organisation, summary="Reinstate an organisation")
async def reinstate_organisation(
    code: Code, body: ReasonBody, writer: Annotated[Writer, write("organisations:suspend")]
) -> Response:
    """What it had before works again, unless it was revoked or has expired in the meantime."""
    return await _change(code, body, writer, organisations.reinstate)


async def _change(code: str, body: ReasonBody, writer: Writer, decide: Change) -> Response:
    command = catalogue.ChangeOrganisation(organisation=code, decide=decide, reason=body.reason)
    answer = await writer.settle(command)
    writer.request.app.state.authenticator.forget_organisation(code)
    return answer


@router.post(
    "/organisations/{code}/accreditations",
    status_code=201,
    response_model=Accreditation,
    summary="Accredit an issuer",
)
async def accredit(
    code: Code, body: AccreditationBody, writer: Annotated[Writer, write("catalogue:write")]
) -> Response:
    """For levels of a standard, and for certificates issued within the term, both ends included."""
    return await writer.settle(
        catalogue.Accredit(
            organisation=code,
            standard=body.standard,
            levels=tuple(dict.fromkeys(body.levels)),
            valid_from=body.valid_from,
            valid_until=body.valid_until,
        )
    )


@router.get(
    "/organisations/{code}/accreditations",
    response_model=Page[Accreditation],
    summary="List accreditations",
)
def list_accreditations(
    request: Request, code: Code, page: PageAsked, _: Annotated[Principal, permit("catalogue:read")]
) -> dict[str, Any]:
    """Withdrawn ones included, in the order in which they were granted."""
    after = page.after[0] if page.after else ""
    granted = organisation(bank_of(request).catalogue(), code).accreditations
    ids, cursor = page.cut(sorted(str(one) for one in granted if str(one) > after), lambda one: [one])
    return {"items": [documents.accreditation(granted[UUID(one)]) for one in ids], "next_cursor": cursor}


@router.post(
    "/organisations/{code}/accreditations/{accreditation_id}/withdrawal",
    response_model=Withdrawal,
    responses=acts.WAITS,
    summary="Withdraw an accreditation",
)
async def withdraw_accreditation(
    code: Code,
    accreditation_id: UUID,
    body: WithdrawalBody,
    writer: Annotated[Writer, write("accreditations:withdraw")],
) -> Response:
    """Certificates issued on or after the day go on hold, chunk by chunk; `GET /v1/jobs/{job_id}` tells how far."""
    act = AccreditationWithdrawal(
        act="accreditation-withdrawal",
        organisation=code,
        accreditation_id=accreditation_id,
        effective_from=body.effective_from,
        reason=body.reason,
    )
    return await acts.settle(writer, act)


@router.post(
    "/organisations/{code}/retention",
    status_code=201,
    response_model=RetentionRule,
    summary="Set how long records are kept",
    responses={200: {"model": RetentionRule, "description": "It stands already, the same."}},
)
async def set_retention(code: Code, body: RetentionBody, writer: Annotated[Writer, write("retention:set")]) -> Response:
    """Years from the day of issue of a certificate, from the day of record of a conversion or exemption. Until the
    last of them is over, nobody behind these records is erased. A later rule for the same kind replaces it.
    """
    rule = RetentionRuleSet(organisation=code, kind=body.kind, years=body.years, basis=body.basis)
    return await writer.settle(catalogue.set_retention(rule))


@router.get(
    "/organisations/{code}/retention", response_model=Page[RetentionRule], summary="List how long records are kept"
)
def list_retention(request: Request, code: Code, _: Annotated[Principal, permit("catalogue:read")]) -> dict[str, Any]:
    """One rule for each kind that has one."""
    rules = organisation(bank_of(request).catalogue(), code).retention
    return {"items": [documents.retention_rule(rule) for _, rule in sorted(rules.items())], "next_cursor": None}


@router.get("/jobs/{job_id}", response_model=Job, summary="Progress of a job")
def read_job(request: Request, job_id: UUID, _: Annotated[Principal, permit("catalogue:write")]) -> dict[str, Any]:
    """How much was to be done, and how much is."""
    return jobs.found(bank_of(request), job_id)


@router.post("/organisations/{code}/keys", status_code=201, response_model=Key, summary="Issue an API key")
async def issue_key(code: Code, body: KeyBody, writer: Annotated[Writer, write("keys:manage")]) -> Response:
    """The key is shown in this answer only; a repetition of the request gets it no more."""
    expires_at = microseconds_of(body.expires_at) if body.expires_at else None
    return await writer.settle(
        IssueKey(
            organisation=code,
            role=body.role,
            created_by=writer.principal.actor,
            expires_at=expires_at,
            scopes=tuple(body.scopes) if body.scopes else None,
        )
    )


@router.get("/organisations/{code}/keys", response_model=Page[KeyListed], summary="List API keys")
def list_keys(
    request: Request, code: Code, page: PageAsked, _: Annotated[Principal, permit("keys:manage")]
) -> dict[str, Any]:
    """Revoked and expired ones included, the oldest first; never the keys themselves."""
    bank = bank_of(request)
    organisation(bank.catalogue(), code)
    after = (page.after[0], page.after[1]) if page.after else (0, "")
    found = keys.listed(bank, code, after, page.limit + 1)
    shown, cursor = page.cut(found, lambda key: [key.created_at, key.key_id])
    return {"items": [keys.document(key, bank.clock()) for key in shown], "next_cursor": cursor}


@router.delete("/keys/{key_id}", status_code=204, summary="Revoke an API key")
async def revoke_key(key_id: str, writer: Annotated[Writer, write("keys:manage")]) -> Response:
    """Works at once in this process, and within two seconds in every other one."""
    answer = await writer.settle_without_key(RevokeKey(key_id=key_id))
    writer.request.app.state.authenticator.keys.forget(key_id)
    return answer
