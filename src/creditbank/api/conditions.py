"""The headers that make a request conditional: Idempotency-Key, If-Match and If-None-Match."""

from __future__ import annotations

import re

from fastapi import Response

from creditbank.domain.errors import Fault, IdempotencyKeyMissing, Malformed, PreconditionFailed

_KEY = re.compile(r'"([\x21\x23-\x7E]{1,255})"|([\x21\x23-\x7E]{1,255})', re.ASCII)
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7E\x80-\xFF]*"')


def idempotency_key(header: str | None) -> str:
    """The key, freed of its quotes. Raises IdempotencyKeyMissing when there is none that can be read."""
    found = _KEY.fullmatch(header.strip()) if header else None
    if found is None:
        raise IdempotencyKeyMissing
    return found[1] or found[2]


def entity_tag(version: int) -> str:
    """The strong entity tag of a version."""
    return f'"{version}"'


def require_match(if_match: str | None, version: int) -> None:
    """Raises PreconditionFailed when the header names other versions than this one; without header all is well.

    The comparison is strong, as RFC 9110 wants it here: weak tags never match.
    """
    if if_match is not None and not _names(if_match, version, "If-Match", weak=False):
        raise PreconditionFailed


def is_unchanged(if_none_match: str | None, version: int) -> bool:
    """Whether the caller already holds this version, by weak comparison."""
    return if_none_match is not None and _names(if_none_match, version, "If-None-Match", weak=True)


def not_modified(version: int) -> Response:
    """The answer to a caller who already holds this version."""
    return Response(status_code=304, headers={"ETag": entity_tag(version)})


def _names(header: str, version: int, parameter: str, *, weak: bool) -> bool:
    if header.strip() == "*":
        return True
    tags = [part.strip() for part in header.split(",") if part.strip()]
    if not tags or not all(map(_TAG.fullmatch, tags)):
        detail = "Does not have the form of this header."
        raise Malformed(faults=[Fault(code="header_malformed", detail=detail, parameter=parameter)])
    wanted = entity_tag(version)
    return any((tag.removeprefix("W/") if weak else tag) == wanted for tag in tags)
