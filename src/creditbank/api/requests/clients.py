"""Bodies about OAuth clients: their public keys, and what they may do."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from creditbank.api.access import Operation
from creditbank.api.body import Body
from creditbank.api.fields import Instant
from creditbank.api.messages import FAULTS
from creditbank.api.requests.catalogue import Scopes, held_scopes
from creditbank.vault.publickeys import MOST_KEYS, KeyUnfit, PublicKey, public_key


def _fit(jwk: dict[str, Any]) -> dict[str, Any]:
    try:
        public_key(jwk)
    except KeyUnfit as unfit:
        raise PydanticCustomError(unfit.fault, FAULTS[unfit.fault].en) from None
    return jwk


Jwk = Annotated[dict[str, Any], AfterValidator(_fit)]
"""A public key for signatures: Ed25519, P-256, or RSA of 2048 to 4096 bits (RFC 7517)."""


class JwkSetBody(Body):
    keys: Annotated[list[Jwk], Field(min_length=1, max_length=MOST_KEYS)]

    @field_validator("keys")
    @classmethod
    def _distinct(cls, keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len({public_key(jwk).kid for jwk in keys}) < len(keys):
            raise PydanticCustomError("kid_repeated", FAULTS["kid_repeated"].en)
        return keys

    def public_keys(self) -> tuple[PublicKey, ...]:
        return tuple(public_key(jwk) for jwk in self.keys)


class ClientBody(Body):
    """With `jwks` the client signs what it sends; with `secret` it gets a secret instead."""

    role: Literal["authority", "issuer", "institution", "auditor"]
    jwks: JwkSetBody | None = None
    secret: bool = False
    scopes: Scopes | None = None
    expires_at: Instant | None = None
    dpop_bound: bool = False

    @field_validator("scopes")
    @classmethod
    def _held(cls, scopes: list[Operation] | None, info: ValidationInfo) -> list[Operation] | None:
        return held_scopes(scopes, info)

    @model_validator(mode="after")
    def _one_way(self) -> ClientBody:
        if (self.jwks is not None) == self.secret:
            raise PydanticCustomError("jwks_or_secret", FAULTS["jwks_or_secret"].en)
        return self


class SecretBody(Body):
    former_expires_at: Instant | None = None
    """When the secret before this one ends; in seven days without it."""
