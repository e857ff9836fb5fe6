"""Makes access tokens: JWT (RFC 9068) under the newest key of the bank, valid for a quarter of an hour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any

from joserfc import jwt

from creditbank.vault.clients import Client
from creditbank.vault.signing import TOKEN_SECONDS, SigningKeys

TYPE = "at+jwt"
ALGORITHM = "Ed25519"
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Minted:
    """A token as it goes out, with the seconds that it is valid for."""

    token: str
    seconds: int


class Mint:
    """Signs in the name of the bank that is reached under `public_url`, which is issuer and audience in one."""

    def __init__(self, keys: SigningKeys, public_url: str, clock: Callable[[], int]) -> None:
        self._keys = keys
        self._public_url = public_url
        self._clock = clock

    def mint(self, client: Client, scopes: frozenset[str], thumbprint: str | None) -> Minted:
        """A token for a client, bound to the key with this thumbprint where one is given.

        It never outlives the client.
        """
        now = self._clock() // _SECOND
        end = now + TOKEN_SECONDS
        if client.expires_at is not None:
            end = min(end, client.expires_at // _SECOND)
        claims: dict[str, Any] = {
            "iss": self._public_url,
            "aud": self._public_url,
            "sub": client.client_id,
            "client_id": client.client_id,
            "org": client.organisation,
            "role": client.role,
            "scope": " ".join(sorted(scopes)),
            "jti": token_urlsafe(16),
            "iat": now,
            "exp": end,
        }
        if thumbprint is not None:
            claims["cnf"] = {"jkt": thumbprint}
        key = self._keys.current()
        header = {"typ": TYPE, "alg": ALGORITHM, "kid": key.kid}
        return Minted(jwt.encode(header, claims, key.pair, algorithms=[ALGORITHM], default_type=None), end - now)
