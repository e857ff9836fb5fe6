"""Every answer that is an error, as one problem document (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from creditbank.api import messages
from creditbank.api.faults import MOST_FAULTS, faults_of, short_pointer
from creditbank.api.messages import Language
from creditbank.api.methods import allowed_methods
from creditbank.domain import errors
from creditbank.domain.errors import BankError, Fault
from creditbank.vault.durable import is_disk_full
from creditbank.vault.publickeys import ALGORITHMS

MEDIA_TYPE = "application/problem+json"
CHALLENGE = f'Bearer, DPoP algs="{" ".join(ALGORITHMS)}"'
"""What is asked of those who are not authenticated, the same whatever was wrong (RFC 9449, 7.1)."""

Renderer = Callable[[Mapping[str, Any], Language, Mapping[str, str]], Response]
RENDERER = "creditbank.renderer"
"""Key in the scope: what makes an answer of a problem and its headers where a document is not what was asked for."""

_logger = logging.getLogger("creditbank.api")


class MethodNotAllowed(BankError):
    code = "method_not_allowed"


class BodyTooLarge(BankError):
    code = "body_too_large"


class UnsupportedMediaType(BankError):
    code = "unsupported_media_type"


class ContentEncoded(UnsupportedMediaType):
    """The body is compressed. Nothing is ever decompressed: a few kilobytes could become gigabytes."""

    code = "content_encoded"


class RequestTimeout(BankError):
    """The request did not arrive in time."""

    code = "request_timeout"


class RequestUnreadable(errors.Malformed):
    """The bytes are no HTTP request."""

    code = "malformed_request"


class HeaderTooLarge(BankError):
    code = "header_too_large"


class InternalError(BankError):
    """The bank is at fault. Nothing about the cause is told."""

    code = "internal_error"


STATUS: Mapping[type[BankError], int] = {
    errors.Malformed: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    MethodNotAllowed: 405,
    RequestTimeout: 408,
    errors.Conflict: 409,
    errors.PreconditionFailed: 412,
    BodyTooLarge: 413,
    UnsupportedMediaType: 415,
    errors.Refused: 422,
    errors.NotAttempted: 424,
    errors.RateLimited: 429,
    HeaderTooLarge: 431,
    InternalError: 500,
    errors.Unavailable: 503,
}
"""The only place where a category of refusal becomes a status."""

_OF_STATUS: Mapping[int, type[BankError]] = {
    400: errors.Malformed,
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    405: MethodNotAllowed,
    413: BodyTooLarge,
    415: UnsupportedMediaType,
    503: errors.Unavailable,
}
"""What the framework means by the statuses that it raises itself."""


class ProblemError(BaseModel):
    """One field at fault."""

    pointer: str | None = Field(default=None, description="JSON pointer into the body.", examples=["/holder/name"])
    parameter: str | None = Field(default=None, description="Name of a path, query or header parameter.")
    code: str = Field(examples=["field_missing"])
    detail: str = Field(examples=["Is missing."])


class Problem(BaseModel):
    """A problem document (RFC 9457). `code` is stable and English; `title` and `detail` follow Accept-Language."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["/problems/validation_failed"])
    title: str = Field(examples=["Validation failed"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["Some fields are at fault; errors lists each of them."])
    instance: str = Field(examples=["/v1/certificates"])
    code: str = Field(examples=["validation_failed"])
    request_id: str = Field(examples=["0b1f6c0e8d3c4a53"])
    errors: list[ProblemError] | None = None


def status_of(error: BankError) -> int:
    """The HTTP status of a refusal: that of its nearest category."""
    return next(STATUS[category] for category in type(error).__mro__ if category in STATUS)


def problem_body(error: BankError, request_id: str, instance: str, language: Language = "en") -> dict[str, Any]:
    """The document as a dict, for an answer or for one line of a batch."""
    title, detail = messages.sentences(error.code, error.facts, language)
    body = dict(error.members) | {
        "type": f"/problems/{error.code}",
        "title": title,
        "status": status_of(error),
        "detail": detail,
        "instance": instance,
        "code": error.code,
        "request_id": request_id,
    }
    if error.faults:
        body["errors"] = [_fault_body(fault, language) for fault in error.faults[:MOST_FAULTS]]
    return body


def response_to(scope: Scope, error: BankError, headers: Mapping[str, str] | None = None) -> Response:
    """The whole answer to a request that ends in this error."""
    language = language_of(scope)
    body = problem_body(error, request_id_of(scope), instance_of(scope), language)
    named = _headers_of(error) | {"Content-Language": language, "Vary": "Accept-Language"} | dict(headers or {})
    render: Renderer | None = scope.get(RENDERER)
    if render is not None:
        return render(body, language, named)
    return Response(to_json(body), status_code=body["status"], media_type=MEDIA_TYPE, headers=named)


def request_id_of(scope: Scope) -> str:
    """The id that the observing middleware gave the request."""
    return str(scope.get("state", {}).get("request_id", ""))


def instance_of(scope: Scope) -> str:
    """The path of the request, percent-encoded; never the query string."""
    return quote(scope["path"], safe="/:@!$&'()*+,;=~", errors="replace")


def language_of(scope: Scope) -> Language:
    """The language in which the caller wants to read."""
    for name, value in scope["headers"]:
        if name == b"accept-language":
            return messages.preferred(value.decode("latin-1"))
    return "en"


def install(app: FastAPI) -> None:
    """Make every error of the application a problem document, except those that nobody expected."""
    app.add_exception_handler(BankError, _refusal)
    app.add_exception_handler(HTTPException, _framework_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(ClientDisconnect, _gone)
    for failure in (OperationalError, InterfaceError, PoolTimeout):
        app.add_exception_handler(failure, _database_failure)
    app.add_exception_handler(OSError, _disk_failure)


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, BankError)
    return response_to(request.scope, error)


async def _framework_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        methods = ", ".join(allowed_methods(request.scope))
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": methods})
        return response_to(request.scope, MethodNotAllowed(), {"Allow": methods})
    if error.status_code < 400:
        return Response(status_code=error.status_code, headers=error.headers)
    kind = _OF_STATUS.get(error.status_code, errors.Refused if error.status_code < 500 else InternalError)
    return response_to(request.scope, kind(), error.headers)


async def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    details = error.errors()
    if any(detail["type"] == "json_invalid" for detail in details):
        return response_to(request.scope, errors.Malformed())
    if isinstance(error.body, bytes):  # the framework left the body unread, for it was not sent as JSON
        return response_to(request.scope, UnsupportedMediaType())
    return response_to(request.scope, errors.Invalid(faults=faults_of(details, error.body)))


async def _disk_failure(request: Request, error: Exception) -> Response:
    if not is_disk_full(error):
        raise error  # nobody expected it
    return response_to(request.scope, errors.Unavailable())


async def _gone(request: Request, _error: Exception) -> Response:
    return response_to(request.scope, errors.Malformed())


async def _database_failure(request: Request, error: Exception) -> Response:
    cause = getattr(error, "orig", None) or error
    _logger.warning("database unavailable: %s, request %s", type(cause).__name__, request_id_of(request.scope))
    return response_to(request.scope, errors.Unavailable())


def _fault_body(fault: Fault, language: Language) -> dict[str, str]:
    places = {"pointer": short_pointer(fault.pointer), "parameter": fault.parameter}
    place = {name: value for name, value in places.items() if value is not None}
    return place | {"code": fault.code, "detail": messages.fault_sentence(fault.code, fault.detail, language)}


def _headers_of(error: BankError) -> dict[str, str]:
    match error:
        case errors.Unauthenticated():
            return {"WWW-Authenticate": CHALLENGE}
        case errors.RateLimited() | errors.Unavailable():
            return {"Retry-After": str(error.retry_after)}
        case ContentEncoded():
            return {"Accept-Encoding": "identity"}
        case _:
            return {}
