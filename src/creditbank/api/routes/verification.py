"""Public verification: what anybody may know of a certificate number, without credentials."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from creditbank.api.answers.certificates import Verification
from creditbank.api.dependencies import reader_of
from creditbank.api.rates import limit_verification
from creditbank.domain.identifiers import normalise_certificate_number
from creditbank.domain.values import certificate_id

router = APIRouter(prefix="/v1", tags=["Verification"], dependencies=[Depends(limit_verification)])


@router.get(
    "/verify/{issuer}/{number}",
    response_model=Verification,
    response_model_exclude_unset=True,
    summary="Verify a certificate",
)
def verify_certificate(request: Request, issuer: str, number: str) -> dict[str, Any]:
    """An unknown number and one that cannot be read look alike. What was recorded under a former name says so."""
    return _verify(request, issuer, number)


@router.get(
    "/verify",
    response_model=Verification,
    response_model_exclude_unset=True,
    summary="Verify a certificate whose number has slashes",
)
def verify_certificate_by_query(
    request: Request, issuer: Annotated[str, Query()], number: Annotated[str, Query()]
) -> dict[str, Any]:
    """The same answer, for numbers that do not fit into a path."""
    return _verify(request, issuer, number)


def _verify(request: Request, issuer: str, number: str) -> dict[str, Any]:
    return reader_of(request).verify(certificate_id(issuer, normalise_certificate_number(number)))
