"""Answers about access tokens and about the clients that fetch them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from creditbank.api.tokens.forms import Fault


class Token(BaseModel):
    access_token: str = Field(description="A JWT (RFC 9068), for this bank only.")
    token_type: Literal["Bearer", "DPoP"]
    expires_in: int = Field(description="Seconds.")
    scope: str


class TokenError(BaseModel):
    error: Fault
    error_description: str


class Metadata(BaseModel):
    issuer: str
    token_endpoint: str
    jwks_uri: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    token_endpoint_auth_signing_alg_values_supported: list[str]
    dpop_signing_alg_values_supported: list[str]


class JwkSet(BaseModel):
    keys: list[dict[str, Any]]


class Client(BaseModel):
    client_id: str = Field(examples=["cbc_0123456789abcdef"])
    organisation: str
    role: str
    scopes: list[str] | None = Field(description="Null where the client may do all that its role may.")
    authentication: Literal["private_key_jwt", "client_secret"]
    jwks: JwkSet | None
    former_secret_expires_at: str | None = Field(description="Until when the secret before this one is valid.")
    dpop_bound: bool = Field(description="Whether its tokens are always bound to a key (RFC 9449).")
    status: Literal["valid", "expired", "revoked"]
    created_at: str
    created_by: str
    expires_at: str | None
    revoked_at: str | None


class RegisteredClient(Client):
    client_secret: str | None = Field(default=None, description="Shown in the first answer only.")
