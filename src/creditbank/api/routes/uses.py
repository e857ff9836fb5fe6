"""Exemptions and conversions: decide and record, reverse, review, read."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response

from creditbank.api import messages, problems
from creditbank.api.answers.uses import Conversion, Exemption
from creditbank.api.body import StrictRoute
from creditbank.api.dependencies import Writer, reader_of, write_account
from creditbank.api.looks import Looker, look
from creditbank.api.requests.persons import ReasonBody
from creditbank.api.requests.uses import ApprovalBody, ReviewBody, UseBody
from creditbank.commands import uses
from creditbank.domain import errors
from creditbank.domain.errors import Fault
from creditbank.domain.events import UseKind
from creditbank.domain.rules.explain import Language, explain

router = APIRouter(prefix="/v1", tags=["Exemptions and conversions"], route_class=StrictRoute)


@router.post("/exemptions", status_code=201, response_model=Exemption, summary="Exempt from courses")
async def exempt(
    body: UseBody,
    writer: Annotated[Writer, write_account("exemptions:decide")],
    looker: Annotated[Looker, look("exemptions:decide", "eligibility")],
) -> Response:
    """Each request names a certificate and the course that it is to replace. Recorded when one is granted."""
    return await _record("exemption", body, writer, looker)


@router.post("/conversions", status_code=201, response_model=Conversion, summary="Convert credits")
async def convert(
    body: UseBody,
    writer: Annotated[Writer, write_account("conversions:decide")],
    looker: Annotated[Looker, look("conversions:decide", "eligibility")],
) -> Response:
    """Credits without a target course, counted into a programme. Recorded when one request is granted."""
    return await _record("conversion", body, writer, looker)


async def _record(kind: UseKind, body: UseBody, writer: Writer, looker: Looker) -> Response:
    _check_targets(kind, body)
    return await settled(wanted(kind, body, writer), writer, looker)


async def settled(command: uses.Use, writer: Writer, looker: Looker) -> Response:
    """Settle it. What is granted stands in the history; a refusal tells of the account too, and stands nowhere else."""
    try:
        return await writer.settle(command)
    except (errors.NotEligible, errors.OutcomeReserved):
        await looker.saw(command.account_id)
        raise


def wanted(kind: UseKind, body: UseBody, writer: Writer, expires_at: int | None = None) -> uses.Use:
    """The command that a body asks for; a reservation where it names an end, in microseconds."""
    return uses.Use(
        kind=kind,
        account_id=body.account_id,
        institution=writer.principal.own_code,
        programme=body.programme.pair,
        applied_on=body.applied_on,
        wishes=[request.wish() for request in body.requests],
        mode=body.mode,
        explain=explainer(problems.language_of(writer.request.scope)),
        expires_at=expires_at,
        if_match=writer.if_match,
    )


def explainer(language: messages.Language) -> uses.Explain:
    """How refusals are told to one who reads this language."""
    told: Language = "en" if language == "en" else "zh"
    return lambda refusal: explain(refusal, told)


def _check_targets(kind: UseKind, body: UseBody) -> None:
    faults = []
    for number, request in enumerate(body.requests):
        if kind == "exemption" and request.target is None:
            detail = "An exemption names the course that is replaced."
            faults.append(Fault(code="field_missing", pointer=f"/requests/{number}/target", detail=detail))
        if kind == "conversion" and request.target is not None:
            detail = "A conversion is without a target course."
            faults.append(Fault(code="field_unknown", pointer=f"/requests/{number}/target", detail=detail))
    if faults:
        raise errors.Invalid(faults=faults)


@router.get(
    "/exemptions/{exemption_id}",
    response_model=Exemption,
    response_model_exclude_unset=True,
    summary="Read an exemption",
)
def read_exemption(
    request: Request, exemption_id: UUID, looker: Annotated[Looker, look("uses:read", "exemption")]
) -> dict[str, Any]:
    """With the decision that it rests on."""
    return read_use(request, exemption_id, "exemption", looker)


@router.get(
    "/conversions/{conversion_id}",
    response_model=Conversion,
    response_model_exclude_unset=True,
    summary="Read a conversion",
)
def read_conversion(
    request: Request, conversion_id: UUID, looker: Annotated[Looker, look("uses:read", "conversion")]
) -> dict[str, Any]:
    """With the decision that it rests on."""
    return read_use(request, conversion_id, "conversion", looker)


def read_use(request: Request, use_id: UUID, kind: str, looker: Looker) -> dict[str, Any]:
    """A conversion, exemption or reservation, as the one who looks may see it."""
    document = reader_of(request).use(use_id, kind, looker.principal.viewer)
    looker.saw_from_thread(UUID(document["account_id"]))
    shown: dict[str, Any] = looker.shown(document)
    return shown


@router.post("/exemptions/{exemption_id}/reversal", response_model=Exemption, summary="Reverse an exemption")
async def reverse_exemption(
    exemption_id: UUID,
    body: ReasonBody,
    writer: Annotated[Writer, write_account("exemptions:decide")],
) -> Response:
    """What it took from the certificates is available again."""
    return await _reverse("exemption", exemption_id, body, writer)


@router.post("/conversions/{conversion_id}/reversal", response_model=Conversion, summary="Reverse a conversion")
async def reverse_conversion(
    conversion_id: UUID,
    body: ReasonBody,
    writer: Annotated[Writer, write_account("conversions:decide")],
) -> Response:
    """What it took from the certificates is available again."""
    return await _reverse("conversion", conversion_id, body, writer)


async def _reverse(
    kind: Literal["exemption", "conversion"], use_id: UUID, body: ReasonBody, writer: Writer
) -> Response:
    return await writer.settle(uses.reversal(kind, use_id, writer.principal.own_code, body.reason, writer.if_match))


@router.post("/exemptions/{exemption_id}/review", response_model=Exemption, summary="Answer a review")
async def review_exemption(
    exemption_id: UUID,
    body: ReviewBody,
    writer: Annotated[Writer, write_account("exemptions:decide")],
) -> Response:
    """The institution says whether an exemption stands whose certificate was revoked or amended."""
    return await writer.settle(
        uses.review(exemption_id, writer.principal.own_code, body.outcome, body.reason, writer.if_match)
    )


@router.post("/exemptions/{exemption_id}/approval", response_model=Exemption, summary="Approve an exemption")
async def approve_exemption(
    exemption_id: UUID, body: ApprovalBody, writer: Annotated[Writer, write_account("exemptions:decide")]
) -> Response:
    """By the next of the roles that the rulebook's workflow names. It is final when nobody is awaited any more."""
    return await _approve("exemption", exemption_id, body, writer)


@router.post("/conversions/{conversion_id}/approval", response_model=Conversion, summary="Approve a conversion")
async def approve_conversion(
    conversion_id: UUID, body: ApprovalBody, writer: Annotated[Writer, write_account("conversions:decide")]
) -> Response:
    """By the next of the roles that the rulebook's workflow names. It is final when nobody is awaited any more."""
    return await _approve("conversion", conversion_id, body, writer)


async def _approve(kind: UseKind, use_id: UUID, body: ApprovalBody, writer: Writer) -> Response:
    return await writer.settle(uses.approval(kind, use_id, writer.principal.own_code, body.role, writer.if_match))
