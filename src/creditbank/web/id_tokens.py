"""ID tokens (OpenID Connect Core 1.0, 3.1.3.7): who signed in, on the signed word of the identity provider.

The algorithm is that of the provider's key; the token only chooses among what the key may be used with.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from creditbank.api.refusals import CredentialRefused
from creditbank.api.tokens.compact import Claims, Compact, NumericDate, parse
from creditbank.vault.publickeys import PublicKey, named
from creditbank.web.faults import Reason, SignInFailed

_REASONS: Mapping[str, Reason] = {
    "algorithm": "algorithm",
    "signature": "signature",
    "expired": "expired",
    "early": "early",
    "unknown": "key",
}


class KeyUnknown(Exception):
    """The token names a key that is not among those known: the provider may have changed its keys."""


class IdToken(Claims):
    """What an ID token says. What the bank has no name for is kept: documents have claims of the provider's choice."""

    model_config = ConfigDict(extra="allow")

    iss: str
    sub: Annotated[str, Field(min_length=1, max_length=255)]
    aud: str | list[str]
    exp: NumericDate
    iat: NumericDate
    nonce: str
    nbf: NumericDate | None = None
    azp: str | None = None
    auth_time: NumericDate | None = None

    @property
    def others(self) -> Mapping[str, Any]:
        return self.model_extra or {}


def verified(text: str, keys: Sequence[PublicKey], *, issuer: str, client_id: str, nonce: str, now: int) -> IdToken:
    """The claims of a token that is the provider's, for this client and this sign-in. `now` in microseconds.

    Raises SignInFailed, and KeyUnknown where its key is not among these.
    """
    try:
        token = parse(text, "id_token")
        key = named(keys, token.header.kid)
        if key is None:
            raise KeyUnknown
        token.require_signature(key)
        claims = token.claims(IdToken)
        token.require_time(now, expires=claims.exp, begins=claims.nbf, issued=claims.iat)
    except CredentialRefused as refused:
        raise SignInFailed(_REASONS.get(refused.reason, "token")) from None
    _require_ours(token, claims, issuer, client_id)
    if not hmac.compare_digest(claims.nonce.encode(), nonce.encode()):
        raise SignInFailed("nonce")
    return claims


def _require_ours(token: Compact, claims: IdToken, issuer: str, client_id: str) -> None:
    if (token.header.typ or "jwt").lower() != "jwt":  # an access token or the like is for something else
        raise SignInFailed("token")
    if claims.iss != issuer:
        raise SignInFailed("issuer")
    if not claims.sub.isprintable():
        raise SignInFailed("subject")
    audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    is_ours = client_id in audiences and claims.azp in (None, client_id)
    if not is_ours or (len(audiences) > 1 and claims.azp is None):
        raise SignInFailed("audience")
