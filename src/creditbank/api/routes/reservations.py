"""Reservations: hold credits while an application runs, then confirm or release them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from creditbank.api.answers.uses import Conversion, Exemption, Reservation
from creditbank.api.body import StrictRoute
from creditbank.api.dependencies import Writer, write_account
from creditbank.api.looks import Looker, look
from creditbank.api.requests.uses import ReleaseBody, ReservationBody
from creditbank.api.routes.uses import read_use, settled, wanted
from creditbank.commands import uses
from creditbank.domain import errors
from creditbank.domain.errors import Fault
from creditbank.domain.events import UseKind
from creditbank.domain.instants import microseconds_of

router = APIRouter(prefix="/v1", tags=["Reservations"], route_class=StrictRoute)


@router.post("/reservations", status_code=201, response_model=Reservation, summary="Reserve credits")
async def reserve(
    body: ReservationBody,
    writer: Annotated[Writer, write_account("reservations:decide")],
    looker: Annotated[Looker, look("reservations:decide", "eligibility")],
) -> Response:
    """Holds what the rulebook grants until a moment at most 30 days ahead; a rival is told when it lapses."""
    return await settled(wanted(_kind(body), body, writer, microseconds_of(body.expires_at)), writer, looker)


def _kind(body: ReservationBody) -> UseKind:
    targeted = [request.target is not None for request in body.requests]
    if all(targeted):
        return "exemption"
    if not any(targeted):
        return "conversion"
    detail = "Either all requests name a course, for an exemption, or none does, for a conversion."
    pointer = f"/requests/{targeted.index(not targeted[0])}/target"
    raise errors.Invalid(faults=[Fault(code="mixed_targets", pointer=pointer, detail=detail)])


@router.get(
    "/reservations/{reservation_id}",
    response_model=Reservation,
    response_model_exclude_unset=True,
    summary="Read a reservation",
)
def read_reservation(
    request: Request, reservation_id: UUID, looker: Annotated[Looker, look("uses:read", "reservation")]
) -> dict[str, Any]:
    """With the decision that it rests on."""
    return read_use(request, reservation_id, "reservation", looker)


@router.post(
    "/reservations/{reservation_id}/confirmation",
    status_code=201,
    response_model=Exemption | Conversion,
    summary="Confirm a reservation",
)
async def confirm_reservation(
    reservation_id: UUID, writer: Annotated[Writer, write_account("reservations:decide")]
) -> Response:
    """Turns it into the exemption or conversion that it was decided as. Has no body."""
    return await writer.settle(uses.confirmation(reservation_id, writer.principal.own_code, writer.if_match))


@router.post("/reservations/{reservation_id}/release", response_model=Reservation, summary="Release a reservation")
async def release_reservation(
    reservation_id: UUID,
    writer: Annotated[Writer, write_account("reservations:decide")],
    body: ReleaseBody | None = None,
) -> Response:
    """The credits are free again. A reason may be given, and the body left out."""
    reason = (body or ReleaseBody()).reason
    return await writer.settle(uses.release(reservation_id, writer.principal.own_code, reason, writer.if_match))
