"""The token endpoint: from a request to a token, or to the reason why there is none (RFC 6749, 4.4 and 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fastapi import Request

from creditbank.api import refusals
from creditbank.api.access import Role, scopes_of
from creditbank.api.rates import rates_of
from creditbank.api.refusals import CredentialRefused
from creditbank.api.tokens.assertions import claimed_client
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

    @property
    def token_type(self) -> Literal["Bearer", "DPoP"]:
        return "DPoP" if self.is_bound else "Bearer"


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
    granted = Granted(minted=minted, scopes=scopes, is_bound=thumbprint is not None)
    # Known to be good from the start, also at an address from which others guess.
    rates_of(request).guesses.accepted(f"{granted.token_type} {minted.token}")
    return granted


async def _client(office: TokenOffice, request: Request, credentials: BySecret | ByAssertion) -> Client:
    """The client behind the credentials, which are counted when they are refused."""
    rates, named = rates_of(request), f"client {_claimed(credentials)}"
    guesses = rates.guesses
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
    rates.requests.take(request.scope, client.client_id)
    return client


def _claimed(credentials: BySecret | ByAssertion) -> str:
    match credentials:
        case BySecret(client_id, _):
            return client_id
        case ByAssertion(_, assertion):
            return claimed_client(assertion)


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
