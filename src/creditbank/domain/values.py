"""Credits and identifiers as the whole bank writes them.

Credits are integers in ten-thousandths of a credit (`"1.5"` is 15_000), so that no sum is ever rounded;
on the outside they are decimal text with at most four places and no exponent.
"""

from __future__ import annotations

import re
from fractions import Fraction
from hashlib import sha256
from uuid import UUID, uuid5

SCALE = 10_000
CREDITS_PATTERN = r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,4})?$"
_CREDITS = re.compile(CREDITS_PATTERN, re.ASCII)
_NAMESPACE = UUID("6f1de3c8-6d0a-5f3e-9d43-3a3c2f0c7b11")

MOST_NUMBER = 2**53 - 1
"""The largest whole number in an open field, either way: every reader of JSON keeps it whole (RFC 8259, section 6)."""

PARTITIONS = 64
"""Logical partitions of the log, fixed when a bank is installed."""


def partition_of(key: UUID | bytes) -> int:
    """The partition of a stream or claim: first 8 bytes of SHA-256 of its 16 (or more) bytes, modulo 64."""
    digest = sha256(key.bytes if isinstance(key, UUID) else key).digest()
    return int.from_bytes(digest[:8]) % PARTITIONS


def credits_from_text(text: str) -> int:
    """Read decimal text as ten-thousandths of a credit. Raises ValueError for anything else."""
    if not _CREDITS.fullmatch(text):
        raise ValueError("credits are decimal text with at most four places, such as 1.5")
    whole, _, places = text.partition(".")
    return int(whole) * SCALE + int(places.ljust(4, "0"))


def credits_text(credits: int) -> str:
    """Write ten-thousandths of a credit as the shortest decimal text, never with an exponent."""
    sign = "-" if credits < 0 else ""
    whole, places = divmod(abs(credits), SCALE)
    return f"{sign}{whole}.{places:04d}".rstrip("0").rstrip(".") if places else f"{sign}{whole}"


def credits_from_fraction(credits: Fraction) -> int:
    """The nearest ten-thousandth, half to even: the finest amount that the ledger keeps."""
    return round(credits * SCALE)


def certificate_id(issuer: str, normalised_number: str) -> UUID:
    """The same certificate always gets the same id: issuer and number name it bank-wide."""
    return uuid5(_NAMESPACE, f"certificate\0{issuer}\0{normalised_number}")


def organisation_id(code: str) -> UUID:
    """The stream of an organisation and its accreditations."""
    return uuid5(_NAMESPACE, f"organisation\0{code}")


def standard_id(code: str) -> UUID:
    """The stream of a certificate standard."""
    return uuid5(_NAMESPACE, f"standard\0{code}")


def programme_id(institution: str, code: str) -> UUID:
    """The stream of a programme of an institution."""
    return uuid5(_NAMESPACE, f"programme\0{institution}\0{code}")


def rulebook_id(name: str) -> UUID:
    """The stream of a rulebook and its versions."""
    return uuid5(_NAMESPACE, f"rulebook\0{name}")
