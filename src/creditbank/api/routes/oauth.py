"""Access tokens for programs (RFC 6749), and what a program has to know to get one (RFC 8414, RFC 7517)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from creditbank.api.access import MATRIX
from creditbank.api.answers.oauth import JwkSet, Metadata, Token, TokenError
from creditbank.api.tokens import endpoint, forms
from creditbank.api.tokens.forms import TokenRefused
from creditbank.api.tokens.office import TOKEN_PATH, TokenOffice
from creditbank.vault.publickeys import ALGORITHMS

router = APIRouter(tags=["Access tokens"])

METADATA_PATH, JWKS_PATH = "/.well-known/oauth-authorization-server", "/.well-known/jwks.json"
_NEVER_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_FOR_ALL = {"Cache-Control": "public, max-age=300"}
_FORM = {
    "grant_type": "Always `client_credentials`.",
    "scope": "Some of the client's scopes, separated by blanks; all of them without it.",
    "resource": "The public URL of the bank, if anything (RFC 8707).",
    "client_id": "The client, unless the Authorization header or the assertion names it.",
    "client_secret": "Its secret, unless it stands in the Authorization header.",
    "client_assertion_type": "`urn:ietf:params:oauth:client-assertion-type:jwt-bearer`, with an assertion.",
    "client_assertion": "A token signed by the client with one of its registered keys (RFC 7523), good for one use.",
}
_REQUEST = {
    "required": True,
    "content": {
        forms.MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "required": ["grant_type"],
                "properties": {name: {"type": "string", "description": text} for name, text in _FORM.items()},
            }
        }
    },
}


def office_of(request: Request) -> TokenOffice:
    found: TokenOffice = request.app.state.authenticator.tokens
    return found


@router.post(
    TOKEN_PATH,
    response_model=Token,
    summary="Fetch an access token",
    openapi_extra={"requestBody": _REQUEST},
    responses={
        400: {"model": TokenError, "description": "The request is not one for a token (RFC 6749, 5.2)."},
        401: {"model": TokenError, "description": "The client could not be authenticated."},
    },
)
async def fetch_token(request: Request) -> Response:
    """Client credentials: by a signed assertion (`private_key_jwt`) or by a secret. With a `DPoP` header the token is
    bound to the key of that proof (RFC 9449)."""
    try:
        granted = await endpoint.grant(office_of(request), request)
    except TokenRefused as refused:
        return _refusal(request, refused)
    body = {
        "access_token": granted.minted.token,
        "token_type": granted.token_type,
        "expires_in": granted.minted.seconds,
        "scope": " ".join(sorted(granted.scopes)),
    }
    return JSONResponse(body, headers=_NEVER_STORED)


@router.get(METADATA_PATH, response_model=Metadata, summary="What the token endpoint can do")
async def read_metadata(request: Request) -> Response:
    """Authorization server metadata (RFC 8414)."""
    public_url = office_of(request).public_url
    body: dict[str, Any] = {
        "issuer": public_url,
        "token_endpoint": public_url + TOKEN_PATH,
        "jwks_uri": public_url + JWKS_PATH,
        "scopes_supported": sorted(MATRIX),
        "response_types_supported": [],
        "grant_types_supported": [endpoint.GRANT_TYPE],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic", "client_secret_post"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
    }
    return JSONResponse(body, headers=_FOR_ALL)


@router.get(JWKS_PATH, response_model=JwkSet, summary="Keys that access tokens are signed with")
async def read_jwks(request: Request) -> Response:
    """Public keys (RFC 7517): the one that signs first, then former ones whose tokens may still be valid."""
    return JSONResponse({"keys": office_of(request).keys.published()}, headers=_FOR_ALL)


def _refusal(request: Request, refused: TokenRefused) -> Response:
    """RFC 6749, 5.2: with a challenge where the client tried the Authorization header."""
    body = {"error": refused.fault, "error_description": refused.description}
    if refused.fault != "invalid_client":
        return JSONResponse(body, status_code=400, headers=_NEVER_STORED)
    challenge = {"WWW-Authenticate": 'Basic realm="creditbank"'} if "authorization" in request.headers else {}
    return JSONResponse(body, status_code=401, headers=_NEVER_STORED | challenge)
