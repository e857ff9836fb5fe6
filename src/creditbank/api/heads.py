"""What the head of a request says of it, and what is refused for it before anything else is read or asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
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

_PLAIN = {b"content-encoding": (b"", b"identity"), b"transfer-encoding": (b"chunked",)}
"""What these say of a body that is sent as it is."""

_READ = {*_ONLY_ONCE, *_PLAIN, b"content-length", b"x-forwarded-proto", b"x-request-id"}


class Head(NamedTuple):
    """`is_secure` tells whether the client came over TLS; `refusal`, why the request goes no further."""

    request_id: bytes
    is_secure: bool
    refusal: BankError | None


def read(scope: Scope, proxies: Networks) -> Head:
    """Read the headers once. What listed proxies say of the client is believed."""
    said: dict[bytes, bytes] = {}
    size, repeated = len(scope["query_string"]), None
    for name, value in scope["headers"]:
        size += len(name) + len(value)
        if name in _READ:
            repeated = _ONLY_ONCE.get(name, repeated) if name in said else repeated
            said[name] = value
    is_secure = scope["scheme"] == "https"
    if b"x-forwarded-proto" in said and addresses.is_behind(scope, proxies):
        is_secure = said[b"x-forwarded-proto"].partition(b",")[0].strip().lower() == b"https"
    request_id = said.get(b"x-request-id", b"")
    if not _SANE_ID.fullmatch(request_id):
        request_id = b"%s%08x" % (_PROCESS, next(_numbers))
    return Head(request_id, is_secure, _refusal(scope, said, size, repeated))


def _refusal(scope: Scope, said: Mapping[bytes, bytes], size: int, repeated: str | None) -> BankError | None:
    if _length(said) > limit_of(scope["path"]):
        return problems.BodyTooLarge()
    if len(scope["headers"]) > MOST_HEADERS or size > HEAD_BYTES:
        return problems.HeaderTooLarge()
    if repeated is not None:  # which one of them counts would be a guess
        return Invalid(faults=[Fault(code="header_repeated", detail="May be sent only once.", parameter=repeated)])
    if any(name in said and said[name].strip().lower() not in plain for name, plain in _PLAIN.items()):
        return problems.ContentEncoded()
    return _fault_of_url(scope)


def _length(said: Mapping[bytes, bytes]) -> int:
    length = said.get(b"content-length", b"")
    return int(length[:20]) if length.isdigit() else 0


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
