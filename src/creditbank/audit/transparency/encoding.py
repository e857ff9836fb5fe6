"""How the formats of the log write bytes and numbers as text, in one way only."""

from __future__ import annotations

import base64
import binascii
import re

HASH_BYTES = 32

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class Malformed(ValueError):
    """A text is not what the format of the log says."""


def base64_text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def base64_bytes(text: str) -> bytes:
    """Raises Malformed, also for base64 that is not written the one way in which it is written out."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("not base64") from None
    if base64_text(value) != text:
        raise Malformed("not base64 as it is written")
    return value


def hash_bytes(text: str) -> bytes:
    """A hash of 32 bytes. Raises Malformed."""
    value = base64_bytes(text)
    if len(value) != HASH_BYTES:
        raise Malformed("a hash has 32 bytes")
    return value


def number(text: str) -> int:
    """A decimal number without leading zeroes, below 2**63. Raises Malformed."""
    if not _NUMBER.fullmatch(text) or int(text) >= 1 << 63:
        raise Malformed("not a number as the format writes it")
    return int(text)
