"""Signed tokens in compact form (RFC 7515), read strictly before anything in them is believed.

Only what the bank uses is known: a token that wants more, is too long, or is nested in another one is malformed.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from creditbank.api.refusals import CredentialRefused, Kind, Reason
from creditbank.vault.publickeys import PublicKey

LONGEST = 8 * 1024
"""Characters of a whole token."""

SKEW_SECONDS = 10
"""By how much the clock of whoever signed may be ahead of ours."""

_UNKNOWN = frozenset({"crit", "b64", "enc", "zip", "cty"})
"""Header members that would change what the rest of the token means."""

_SECOND = 1_000_000

NumericDate = Annotated[int | float, Field(ge=0, le=253_402_300_799, allow_inf_nan=False)]
"""Seconds since 1970 UTC, as tokens state them; until the year 9999."""

Identifier = Annotated[str, Field(min_length=1, max_length=256)]


class Claims(BaseModel):
    """What the payload of a token says. Claims that the bank does not use are left out."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)


class _Header(Claims):
    alg: Annotated[str, Field(max_length=32)]
    kid: Annotated[str, Field(max_length=256)] | None = None
    typ: Annotated[str, Field(max_length=64)] | None = None
    jwk: dict[str, Any] | None = None


AnyClaims = TypeVar("AnyClaims", bound=Claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compact:
    """A token that is well-formed. `kind` is what is reported when it is refused."""

    kind: Kind
    header: _Header
    signed: bytes
    payload: bytes
    signature: bytes

    def refused(self, reason: Reason) -> CredentialRefused:
        return CredentialRefused(self.kind, reason)

    def require_type(self, name: str) -> None:
        """RFC 7515, 4.1.9: the prefix `application/` may be left out, and case says nothing."""
        if (self.header.typ or "").lower().removeprefix("application/") != name:
            raise self.refused("malformed")

    def require_signature(self, key: PublicKey | None) -> None:
        """Raise CredentialRefused unless this key made the signature, in one of the ways that are its own."""
        if key is None:
            raise self.refused("unknown")
        if self.header.alg not in key.algorithms:
            raise self.refused("algorithm")
        if not key.verifies(self.header.alg, self.signed, self.signature):
            raise self.refused("signature")

    def claims(self, model: type[AnyClaims]) -> AnyClaims:
        try:
            return model.model_validate(from_json(self.payload, allow_inf_nan=False))
        except (ValidationError, ValueError):
            raise self.refused("malformed") from None

    def require_time(self, now: int, *, expires: float, begins: float | None, issued: float | None) -> None:
        """Raise CredentialRefused for a token that is over, or that is not yet. `now` in microseconds."""
        if now >= expires * _SECOND:
            raise self.refused("expired")
        if any(now < (moment - SKEW_SECONDS) * _SECOND for moment in (begins, issued) if moment is not None):
            raise self.refused("early")


def parse(text: str, kind: Kind) -> Compact:
    """The parts of a token. Raises CredentialRefused for anything that is not exactly one."""
    segments = text.split(".") if len(text) <= LONGEST and text.isascii() else []
    if len(segments) != 3:
        raise CredentialRefused(kind, "malformed")
    try:
        header, payload, signature = (_decoded(segment) for segment in segments)
        document = from_json(header, allow_inf_nan=False)
        if not isinstance(document, dict) or _UNKNOWN & document.keys():
            raise CredentialRefused(kind, "malformed")
        known = _Header.model_validate(document)
    except (NotBase64, ValidationError, ValueError):
        raise CredentialRefused(kind, "malformed") from None
    signed = text.rpartition(".")[0].encode()
    return Compact(kind=kind, header=known, signed=signed, payload=payload, signature=signature)


def encoded(content: bytes) -> str:
    """Base64url without padding (RFC 7515, 2)."""
    return urlsafe_b64encode(content).decode().rstrip("=")


def _decoded(segment: str) -> bytes:
    content = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    if encoded(content) != segment:  # other letters are skipped by the decoder, and the last one has spare bits
        raise NotBase64
    return content
