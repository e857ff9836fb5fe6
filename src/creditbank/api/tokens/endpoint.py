"""The token endpoint: from a request to a token, or to the reason why there is none (RFC 6749, 4.4 and 5)."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from creditbank.api import refusals
from creditbank.api.access import Role, scopes_of
from creditbank.api.rates import rates_of
from creditbank.api.refusals import CredentialRefused
from creditbank.api.tokens.forms import ByAssertion, BySecret, Fault, TokenRefused, credentials_of, form_of
from creditbank.api.tokens.mint import Minted
from creditbank.api.tokens.office import TokenOffice
from creditbank.vault.clients import Client

GRANT_TYPE = "client_credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What the client gets."""

    minted: Minted
    scopes: frozenset[str]
    is_bound: bool


async def grant(office: TokenOffice, request: Request) -> Granted:
    """A token for a client. Raises TokenRefused, and RateLimited after too many refused credentials."""
    form = form_of(request.headers.get("content-type"), await request.body())
    if (grant_type := form.get("grant_type")) != GRANT_TYPE:
        fault: Fault = "unsupported_grant_type" if grant_type else "invalid_request"
        raise TokenRefused(fault, f"grant_type must be {GRANT_TYPE}.")
    credentials = credentials_of(request.headers.get("authorization"), form)
    client = await _client(office, request, credentials)
    scopes = _scopes(client, form.get("scope"))
    if form.get("resource", office.public_url) != office.public_url:
        raise TokenRefused("invalid_target", f"Tokens are for {office.public_url} only.")
    thumbprint = await _thumbprint(office, request, client)
    minted = office.mint.mint(client, scopes, thumbprint)
    return Granted(minted=minted, scopes=scopes, is_bound=thumbprint is not None)


async def _client(office: TokenOffice, request: Request, credentials: BySecret | ByAssertion) -> Client:
    """The client behind the credentials, which are counted when they are refused."""
    guesses, named = rates_of(request).guesses, f"client {credentials.client_id}"
    guesses.require(request.scope, named)
    try:
        match credentials:
            case BySecret(client_id, secret):
                client = await office.clients.by_secret(client_id, secret)
            case ByAssertion(client_id, assertion):
                client = await office.assertions.client(assertion, client_id)
    except CredentialRefused as refused:
        refusals.report(request.scope, refused)
        guesses.refused(request.scope, named)
        raise TokenRefused("invalid_client", "The client could not be authenticated.") from None
    guesses.accepted(named)
    return client


def _scopes(client: Client, asked: str | None) -> frozenset[str]:
    """What the token may do: all that the client may, or the part of it that was asked for (RFC 6749, 3.3)."""
    role: Role = client.role  # type: ignore[assignment]  # only known roles are ever stored
    held = frozenset[str](scopes_of(role)) if client.scopes is None else client.scopes & scopes_of(role)
    wanted = frozenset(asked.split(" ")) if asked else held
    if not wanted <= held:
        raise TokenRefused("invalid_scope", "The client may not ask for one of these scopes.")
    return wanted


async def _thumbprint(office: TokenOffice, request: Request, client: Client) -> str | None:
    """The key to bind the token to: of whoever shows one, and always of a client that was registered so."""
    if "dpop" not in request.headers and not client.dpop_bound:
        return None
    try:
        return await office.proofs.thumbprint(request)
    except CredentialRefused as refused:
        refusals.report(request.scope, refused)
        raise TokenRefused("invalid_dpop_proof", "A DPoP proof for this request is needed.") from None
