"""Certificates: post one or many, correct, hold, revoke, and read them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic_core import from_json

from creditbank.api import acts, lists
from creditbank.api.answers.certificates import BatchResult, Certificate, ChangedCertificate
from creditbank.api.body import StrictRoute
from creditbank.api.dependencies import Writer, reader_of, write
from creditbank.api.looks import Looker, look
from creditbank.api.requests.certificates import AmendmentBody, BatchBody, CertificateBody, RevocationBody
from creditbank.api.requests.persons import ReasonBody
from creditbank.commands import certificates, parts
from creditbank.commands.awards import AwardBatch, AwardCertificate
from creditbank.domain import errors
from creditbank.domain.acts import Revocation
from creditbank.domain.identifiers import normalise_certificate_number
from creditbank.domain.values import certificate_id as id_of

router = APIRouter(prefix="/v1", tags=["Certificates"], route_class=StrictRoute)


@router.post("/certificates", status_code=201, response_model=Certificate, summary="Post an earned certificate")
async def award_certificate(body: CertificateBody, writer: Annotated[Writer, write("certificates:award")]) -> Response:
    """The issuer posts it for a person or an account. A person without an account gets one."""
    if body.issuer != writer.principal.own_code:
        raise errors.Forbidden()
    return await writer.settle(AwardCertificate(line=body.line()))


@router.post("/certificates:batch", status_code=207, response_model=BatchResult, summary="Post many certificates")
async def award_certificates(
    request: Request,
    body: BatchBody,
    writer: Annotated[Writer, write("certificates:award")],
    looker: Annotated[Looker, look("certificates:award", "account_id")],
) -> Response:
    """Up to 5,000 lines, each with its verdict in their order. A dry run needs no key and writes nothing."""
    issuer, count = writer.principal.own_code, len(body.items)
    whole = AwardBatch(lines=(), mode=body.mode, dry_run=body.dry_run, render=writer.render)
    if not body.dry_run and body.mode == "partial" and count > parts.FEW:
        return await writer.settle_in_parts(whole, count, lists.Listed(request, body.items, issuer, whole))
    command = replace(whole, lines=await run_in_threadpool(lists.lines_of, body.items, issuer))
    if not body.dry_run:
        return await writer.settle(command, is_bulk=count > parts.FEW)
    answer = await writer.look_up(command, count)
    await looker.saw(*await run_in_threadpool(_known, request, bytes(answer.body)))
    return answer


def _known(request: Request, body: bytes) -> set[UUID]:
    """The accounts in the answer to a dry run that there are: it names new ones for persons whom nobody knows."""
    named = {UUID(line["account_id"]) for line in from_json(body)["results"] if "account_id" in line}
    return reader_of(request).existing(named)


@router.get("/certificates", response_model=Certificate, summary="Find a certificate by its number")
def find_certificate(
    request: Request,
    issuer: Annotated[str, Query(max_length=64)],
    number: Annotated[str, Query(max_length=100)],
    looker: Annotated[Looker, look("certificates:read", "certificate")],
) -> dict[str, Any]:
    """For the issuer's own certificates, and for those in accounts that the caller sees."""
    return _read(request, id_of(issuer, normalise_certificate_number(number)), looker)


@router.get("/certificates/{certificate_id}", response_model=Certificate, summary="Read a certificate")
def read_certificate(
    request: Request, certificate_id: UUID, looker: Annotated[Looker, look("certificates:read", "certificate")]
) -> dict[str, Any]:
    """As it stands today."""
    return _read(request, certificate_id, looker)


def _read(request: Request, certificate_id: UUID, looker: Looker) -> dict[str, Any]:
    document = reader_of(request).certificate(certificate_id, looker.principal.viewer)
    looker.saw_from_thread(UUID(document["account_id"]))
    shown: dict[str, Any] = looker.shown(document)
    return shown


@router.post(
    "/certificates/{certificate_id}/amendment",
    response_model=ChangedCertificate,
    summary="Amend a certificate",
)
async def amend_certificate(
    certificate_id: UUID, body: AmendmentBody, writer: Annotated[Writer, write("certificates:amend")]
) -> Response:
    """Corrects level, dates, score, hours, evidence or fields; never issuer, number or person."""
    return await writer.settle(
        certificates.amend(certificate_id, writer.principal.own_code, body.changes.changes(), body.reason)
    )


@router.post(
    "/certificates/{certificate_id}/revocation",
    response_model=ChangedCertificate,
    responses=acts.WAITS,
    summary="Revoke a certificate",
)
async def revoke_certificate(
    certificate_id: UUID, body: RevocationBody, writer: Annotated[Writer, write("certificates:revoke")]
) -> Response:
    """Reverses the conversions that rest on it and puts exemptions under review; the answer lists both."""
    act = Revocation(
        act="revocation-in-use",
        certificate_id=certificate_id,
        issuer=writer.principal.as_issuer,
        reason=body.reason,
        effective_from=body.effective_from,
    )
    return await acts.settle(writer, act)


@router.post(
    "/certificates/{certificate_id}/hold",
    response_model=ChangedCertificate,
    summary="Put a certificate on hold",
)
async def hold_certificate(
    certificate_id: UUID, body: ReasonBody, writer: Annotated[Writer, write("certificates:hold")]
) -> Response:
    """Set aside, not revoked: its credits are not available until the hold is released."""
    return await writer.settle(certificates.hold(certificate_id, writer.principal.as_issuer, body.reason))


@router.post(
    "/certificates/{certificate_id}/hold-release",
    response_model=ChangedCertificate,
    summary="Release a hold",
)
async def release_certificate(
    certificate_id: UUID, body: ReasonBody, writer: Annotated[Writer, write("certificates:hold")]
) -> Response:
    """The certificate is active again."""
    return await writer.settle(certificates.release(certificate_id, writer.principal.as_issuer, body.reason))
