"""Requests for tokens (RFC 6749): their form, and how the client says who it is. Errors have a format of their own."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, unquote_plus

from creditbank.api.tokens.assertions import ASSERTION_TYPE

MEDIA_TYPE = "application/x-www-form-urlencoded"
MOST_FIELDS = 20

Fault = Literal[
    "invalid_request",
    "invalid_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
    "invalid_dpop_proof",
]
"""RFC 6749, 5.2; RFC 8707, 2; RFC 9449, 5."""


class TokenRefused(Exception):
    """No token is given. `description` is for developers and never says what was wrong with credentials."""

    def __init__(self, fault: Fault, description: str) -> None:
        super().__init__(fault)
        self.fault: Fault = fault
        self.description = description


@dataclass(frozen=True, slots=True)
class BySecret:
    """The client sends its secret, in the Authorization header or in the form."""

    client_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class ByAssertion:
    """The client sends a token that it signed, and may name itself beside it."""

    client_id: str | None
    assertion: str


def form_of(media_type: str | None, body: bytes) -> dict[str, str]:
    """The fields that have a value. Raises TokenRefused where one is repeated, or where it is no form."""
    if (media_type or "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise TokenRefused("invalid_request", f"Send the parameters as {MEDIA_TYPE}.")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise TokenRefused("invalid_request", "The form cannot be read.") from None
    if len({name for name, _ in pairs}) != len(pairs):
        raise TokenRefused("invalid_request", "A parameter is repeated.")
    return {name: value for name, value in pairs if value}


def credentials_of(authorization: str | None, form: dict[str, str]) -> BySecret | ByAssertion:
    """How the client authenticates. Raises TokenRefused unless it does so in exactly one way."""
    found: list[BySecret | ByAssertion] = []
    client_id = form.get("client_id")
    if authorization is not None:
        found.append(_basic(authorization, client_id))
    if "client_secret" in form:
        found.append(BySecret(client_id or "", form["client_secret"]))
    if "client_assertion" in form or "client_assertion_type" in form:
        if form.get("client_assertion_type") != ASSERTION_TYPE or "client_assertion" not in form:
            raise TokenRefused("invalid_request", f"client_assertion goes with client_assertion_type={ASSERTION_TYPE}.")
        found.append(ByAssertion(client_id, form["client_assertion"]))
    if len(found) > 1:
        raise TokenRefused("invalid_request", "Authenticate the client in one way only.")
    if not found:
        raise TokenRefused("invalid_client", "Authenticate the client.")
    return found[0]


def _basic(authorization: str, client_id: str | None) -> BySecret:
    """RFC 6749, 2.3.1: both parts are form-encoded before they are joined."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        named, colon, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (NotBase64, ValueError):
        colon = ""
    if scheme.lower() != "basic" or not colon or client_id not in (None, unquote_plus(named)):
        raise TokenRefused("invalid_client", "Authenticate the client.")
    return BySecret(unquote_plus(named), unquote_plus(secret))
