"""What the head of a request says of it, and what is refused for it before anything else is read or asked."""

from __future__ import annotations

import re
from itertools import count
from secrets import token_hex
from typing import NamedTuple

from starlette.types import Scope

from creditbank.api import addresses, problems
from creditbank.api.addresses import Networks
from creditbank.domain.errors import BankError, Fault, Invalid, NotFound

KILOBYTE, MEGABYTE = 1024, 1024 * 1024
REQUEST_BYTES = 64 * KILOBYTE
BATCH_BYTES = 8 * MEGABYTE
RULEBOOK_BYTES = 4 * MEGABYTE
IMPORT_BYTES = 200 * MEGABYTE + REQUEST_BYTES
"""A file, and around it a form."""

HEAD_BYTES = 64 * KILOBYTE
"""Of the request line and all headers."""

MOST_HEADERS = 100

_PROCESS = token_hex(4).encode()
_numbers = count()
"""A request's own id is the process's and a number: random ones would ask the operating system each time."""

_SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


_ONLY_ONCE = {
    name.lower().encode(): name for name in ("Authorization", "Content-Type", "DPoP", "Host", "Idempotency-Key")
}


class Head(NamedTuple):
    """`is_secure` tells whether the client came over TLS; `refusal`, why the request goes no further."""

    request_id: bytes
    is_secure: bool
    refusal: BankError | None


def read(scope: Scope, proxies: Networks) -> Head:
    """Read the headers once. What listed proxies say of the client is believed."""
    request_id, is_secure, is_encoded = b"", scope["scheme"] == "https", False
    length, size, once, repeated = 0, len(scope["query_string"]), [], None
    for name, value in scope["headers"]:
        size += len(name) + len(value)
        if name == b"x-request-id" and _SANE_ID.fullmatch(value):
            request_id = value
        elif name == b"content-length" and value.isdigit():
            length = int(value[:20])
        elif name in _ONLY_ONCE:
            repeated = _ONLY_ONCE[name] if name in once else repeated
            once.append(name)
        elif name == b"content-encoding":
            is_encoded = is_encoded or value.strip().lower() not in (b"", b"identity")
        elif name == b"transfer-encoding":
            is_encoded = is_encoded or value.strip().lower() != b"chunked"
        elif name == b"x-forwarded-proto" and addresses.is_behind(scope, proxies):
            is_secure = value.partition(b",")[0].strip().lower() == b"https"
    refusal: BankError | None
    if length > limit_of(scope["path"]):
        refusal = problems.BodyTooLarge()
    elif len(scope["headers"]) > MOST_HEADERS or size > HEAD_BYTES:
        refusal = problems.HeaderTooLarge()
    elif repeated is not None:  # which one of them counts would be a guess
        fault = Fault(code="header_repeated", detail="May be sent only once.", parameter=repeated)
        refusal = Invalid(faults=[fault])
    elif is_encoded:
        refusal = problems.ContentEncoded()
    else:
        refusal = _fault_of_url(scope)
    return Head(request_id or b"%s%08x" % (_PROCESS, next(_numbers)), is_secure, refusal)


def limit_of(path: str) -> int:
    """The most bytes that a body sent to this path may have."""
    if path.endswith(":batch"):
        return BATCH_BYTES
    if path == "/v1/imports":
        return IMPORT_BYTES
    if path.startswith("/v1/rulebooks"):
        return RULEBOOK_BYTES
    return REQUEST_BYTES


def _fault_of_url(scope: Scope) -> BankError | None:
    """No text in the database holds NUL, and PostgreSQL cannot even compare with it."""
    if "\0" in scope["path"]:
        return NotFound()
    if b"%00" in scope["query_string"]:
        return Invalid(faults=[Fault(code="nul_character", detail="Must not contain the NUL character.")])
    return None
