"""Proofs of possession (DPoP, RFC 9449): whoever sends a bound token shows with each request that the key is theirs."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import Annotated
from urllib.parse import unquote, urlsplit

from fastapi import Request
from pydantic import Field

from creditbank.api.middleware import ASKED_METHOD
from creditbank.api.refusals import CredentialRefused
from creditbank.api.tokens.compact import Claims, Compact, Identifier, NumericDate, encoded, parse
from creditbank.api.tokens.used_once import UsedOnce
from creditbank.vault.publickeys import KeyUnfit, PublicKey, public_key

LIFE_SECONDS = 60
"""How long after it was made a proof is taken."""

_SECOND = 1_000_000
_PORTS = {"http": 80, "https": 443}


class _Proof(Claims):
    jti: Identifier
    htm: Annotated[str, Field(max_length=32)]
    htu: Annotated[str, Field(max_length=2048)]
    iat: NumericDate
    ath: str | None = None


class Proofs:
    """Judges the DPoP header of requests to a server that is reached under `public_url`."""

    def __init__(self, used: UsedOnce, public_url: str, clock: Callable[[], int]) -> None:
        self._used = used
        self._public_url = public_url
        self._clock = clock

    async def thumbprint(self, request: Request, token: str | None = None) -> str:
        """The thumbprint of the key that made the proof (RFC 7638), for this request and this access token.

        Raises CredentialRefused where the proof is missing, is for something else, is old, or was used before.
        """
        sent = request.headers.getlist("dpop")
        if len(sent) != 1:
            raise CredentialRefused("proof", "malformed" if sent else "missing")
        proof = parse(sent[0], "proof")
        proof.require_type("dpop+jwt")
        key = _key(proof)
        proof.require_signature(key)
        claims = proof.claims(_Proof)
        if claims.htm != request.scope.get(ASKED_METHOD, request.method) or not self._is_url_of(request, claims.htu):
            raise proof.refused("claims")
        if token is not None and not hmac.compare_digest(hash_of(token), (claims.ath or "").encode()):
            raise proof.refused("claims")
        expires = claims.iat + LIFE_SECONDS
        proof.require_time(self._clock(), expires=expires, begins=None, issued=claims.iat)
        thumbprint = key.thumbprint()
        await self._used.use("proof", thumbprint, claims.jti, int(expires * _SECOND))
        return thumbprint

    def _is_url_of(self, request: Request, url: str) -> bool:
        try:
            return _normal(url) == _normal(self._public_url, request.scope["path"])
        except ValueError:
            return False


def hash_of(token: str) -> bytes:
    """What a proof says about the access token that it goes with (RFC 9449, 4.2)."""
    return encoded(sha256(token.encode()).digest()).encode()


def _key(proof: Compact) -> PublicKey:
    try:
        return public_key(proof.header.jwk or {})
    except KeyUnfit:
        raise proof.refused("algorithm") from None


def _normal(url: str, path: str = "") -> tuple[str, str | None, int | None, str]:
    """What of a URL is compared: without query and fragment (RFC 9449, 4.3). Raises ValueError."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme), unquote(parts.path) + path
