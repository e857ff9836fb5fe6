"""Reads access tokens: the signature of each is verified once and then remembered for as long as the token lives.

That its client was not revoked, nor its organisation suspended, is looked up again every other second.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Literal

from fastapi import Request

from creditbank.api.access import Role
from creditbank.api.principals import Principal
from creditbank.api.refusals import CredentialRefused
from creditbank.api.tokens import mint
from creditbank.api.tokens.clients import Clients
from creditbank.api.tokens.compact import Claims, Compact, NumericDate, parse
from creditbank.api.tokens.proofs import Proofs
from creditbank.vault.publickeys import PublicKey, public_key
from creditbank.vault.signing import SigningKeys

REMEMBERED = 10_000
"""Tokens, of which the one that was not seen for longest is forgotten first."""

_SECOND = 1_000_000
_OURS = frozenset({mint.ALGORITHM})


class _Confirmation(Claims):
    jkt: str


class _AccessToken(Claims):
    iss: str
    aud: str
    client_id: str
    org: str
    role: Role
    scope: str
    iat: NumericDate
    exp: NumericDate
    cnf: _Confirmation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grant:
    """What a token that was verified gives. `expires_at` in microseconds."""

    kid: str
    principal: Principal
    expires_at: int
    thumbprint: str | None


class TokenReader:
    """Turns access tokens of this bank into principals."""

    def __init__(
        self, keys: SigningKeys, clients: Clients, proofs: Proofs, public_url: str, clock: Callable[[], int]
    ) -> None:
        self._keys = keys
        self._clients = clients
        self._proofs = proofs
        self._public_url = public_url
        self._clock = clock
        self._grants: OrderedDict[bytes, _Grant] = OrderedDict()

    async def principal(self, request: Request, scheme: Literal["bearer", "dpop"], text: str) -> Principal:
        """Who asks. Raises CredentialRefused, also for a bound token without its proof."""
        grant = self._grant(text)
        if self._clock() >= grant.expires_at:
            raise CredentialRefused("access_token", "expired")
        if (scheme == "dpop") != (grant.thumbprint is not None):
            raise CredentialRefused("access_token", "unbound")
        await self._clients.live(grant.principal.credential, "access_token")
        if grant.thumbprint is not None and await self._proofs.thumbprint(request, text) != grant.thumbprint:
            raise CredentialRefused("proof", "unbound")
        return grant.principal

    def _grant(self, text: str) -> _Grant:
        digest = sha256(text.encode("utf-8", "surrogateescape")).digest()
        grant = self._grants.get(digest)
        if grant is None:
            grant = self._verified(parse(text, "access_token"))
            self._grants[digest] = grant
            if len(self._grants) > REMEMBERED:
                self._grants.popitem(last=False)
        else:
            self._grants.move_to_end(digest)
            if self._keys.verifying(grant.kid) is None:
                raise CredentialRefused("access_token", "unknown")
        return grant

    def _verified(self, token: Compact) -> _Grant:
        token.require_type(mint.TYPE)
        token.require_signature(self._key(token.header.kid))
        claims = token.claims(_AccessToken)
        if (claims.iss, claims.aud) != (self._public_url, self._public_url):
            raise token.refused("audience")
        token.require_time(self._clock(), expires=claims.exp, begins=None, issued=claims.iat)
        principal = Principal(
            role=claims.role,
            credential=claims.client_id,
            organisation=claims.org,
            account_id=None,
            scopes=frozenset(claims.scope.split()),
        )
        return _Grant(
            kid=token.header.kid or "",
            principal=principal,
            expires_at=int(claims.exp * _SECOND),
            thumbprint=claims.cnf.jkt if claims.cnf is not None else None,
        )

    def _key(self, kid: str | None) -> PublicKey | None:
        """The key that a token names; for our own tokens the name of its algorithm is Ed25519 and no other."""
        found = self._keys.verifying(kid) if kid is not None else None
        return None if found is None else replace(public_key(found.public()), algorithms=_OURS)
