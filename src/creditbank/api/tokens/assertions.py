"""Client assertions (RFC 7523): a client says who it is by a token that it signed itself, good for one use."""

from __future__ import annotations

from collections.abc import Callable

from creditbank.api.refusals import CredentialRefused
from creditbank.api.tokens.clients import Clients
from creditbank.api.tokens.compact import Claims, Identifier, NumericDate, parse
from creditbank.api.tokens.used_once import UsedOnce
from creditbank.vault.clients import Client
from creditbank.vault.publickeys import named

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

LIFE_SECONDS = 10 * 60
"""How far ahead an assertion may expire: so long its identifier is remembered."""

_SECOND = 1_000_000


class _Assertion(Claims):
    iss: str
    sub: str
    aud: str | list[str]
    exp: NumericDate
    jti: Identifier
    nbf: NumericDate | None = None
    iat: NumericDate | None = None


def claimed_client(text: str) -> str:
    """Whose assertion this says that it is, before anything about it is known; nobody's where it cannot be read."""
    try:
        return parse(text, "client").claims(_Assertion).sub
    except CredentialRefused:
        return ""


class Assertions:
    """Judges client assertions that are meant for this server and no other one."""

    def __init__(self, clients: Clients, used: UsedOnce, audiences: frozenset[str], clock: Callable[[], int]) -> None:
        self._clients = clients
        self._used = used
        self._audiences = audiences
        self._clock = clock

    async def client(self, text: str, named_id: str | None) -> Client:
        """The client that signed. Raises CredentialRefused, whatever is wrong with it.

        `named_id` is the client that the request names beside the assertion. One audience only: an assertion that
        is meant for several servers could be replayed by each of them.
        """
        token = parse(text, "client")
        claims = token.claims(_Assertion)
        if claims.iss != claims.sub or named_id not in (None, claims.sub):
            raise token.refused("claims")
        client = await self._clients.live(claims.sub, "client")
        token.require_signature(named(client.keys, token.header.kid))
        audience = claims.aud if isinstance(claims.aud, list) else [claims.aud]
        if len(audience) != 1 or audience[0] not in self._audiences:
            raise token.refused("audience")
        now = self._clock()
        token.require_time(now, expires=claims.exp, begins=claims.nbf, issued=claims.iat)
        expires_at = int(claims.exp * _SECOND)
        if expires_at > now + LIFE_SECONDS * _SECOND:
            raise token.refused("claims")
        await self._used.use("client", client.client_id, claims.jti, expires_at)
        return client
