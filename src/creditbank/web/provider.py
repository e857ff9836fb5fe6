"""The identity provider (OpenID Connect): discovered, asked to sign people in, and believed within limits.

Every exchange with it ends in bounded time, whatever it does, and only so many are under way at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from creditbank.vault.publickeys import KeyUnfit, PublicKey, public_key
from creditbank.web import id_tokens
from creditbank.web.faults import ProviderUnavailable, SignInFailed
from creditbank.web.flow import Flow
from creditbank.web.id_tokens import IdToken, KeyUnknown
from creditbank.web.wire import Connect, over_network

SECONDS = 8.0
"""How long all that one step of a sign-in asks of the provider may take."""

AT_ONCE = 32
REFRESH_SECONDS = 3_600.0
"""How long what the provider publishes about itself is believed: a key that it took back verifies no longer."""

MOST_KEYS = 50
OLDEST_SECONDS = 24 * 3_600
"""How old a sign-in at the provider may be. To ask for it makes the provider say how old it is."""

_DISCOVERY = "/.well-known/openid-configuration"
_logger = logging.getLogger("creditbank.web")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What the bank and its identity provider have agreed on."""

    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    scopes: str
    redirect_uri: str


class _Metadata(BaseModel):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]
    authorization_response_iss_parameter_supported: bool = False

    @property
    def addresses(self) -> tuple[str, ...]:
        further = (self.userinfo_endpoint,) if self.userinfo_endpoint is not None else ()
        return (self.authorization_endpoint, self.token_endpoint, self.jwks_uri, *further)


class _Token(BaseModel):
    """The types of what the library takes for granted in an answer with tokens."""

    error: str | None = None
    error_description: str | None = None
    id_token: str | None = None
    access_token: str | None = None
    expires_in: int | None = None
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class _Published:
    """What the provider said about itself, and when."""

    metadata: _Metadata
    keys: tuple[PublicKey, ...]
    at: float


class Provider:
    """The bank's side of the conversation. `clock` gives microseconds since 1970 UTC."""

    def __init__(
        self,
        registration: Registration,
        clock: Callable[[], int],
        *,
        connect: Connect | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self.registration = registration
        self._clock = clock
        self._connect = connect or over_network()
        self._seconds = seconds
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._published: _Published | None = None

    async def authorization_url(self, flow: Flow, login_hint: str | None) -> str:
        """Where to send the browser. Raises ProviderUnavailable."""
        async with self._exchange() as client:
            published = await self._known(client)
            asked: dict[str, Any] = {"max_age": OLDEST_SECONDS if flow.max_age is None else flow.max_age}
            if flow.max_age == 0:
                asked["prompt"] = "login"
            if login_hint:
                asked["login_hint"] = login_hint
            url, _ = client.create_authorization_url(
                published.metadata.authorization_endpoint,
                state=flow.state,
                code_verifier=flow.verifier,
                nonce=flow.nonce,
                **asked,
            )
        return str(url)

    async def claims(
        self, flow: Flow, code: str, issuer: str | None, wanted: tuple[str, ...]
    ) -> tuple[IdToken, Mapping[str, Any]]:
        """Who signed in, by a code that is good once, and what else the provider tells of them.

        `issuer` is who says to have answered (RFC 9207). Raises SignInFailed and ProviderUnavailable.
        """
        async with self._exchange() as client:
            published = await self._known(client)
            must_say = published.metadata.authorization_response_iss_parameter_supported
            if issuer != self.registration.issuer and (issuer is not None or must_say):
                raise SignInFailed("issuer")
            token = await self._token(client, published, flow, code)
            claims = await self._verified(client, published, flow, token)
            others = claims.others
            address = published.metadata.userinfo_endpoint
            if address is not None and any(name not in others for name in wanted):
                others = {**await _userinfo(client, address, token, claims.sub), **others}
            return claims, others

    async def _token(
        self, client: AsyncOAuth2Client, published: _Published, flow: Flow, code: str
    ) -> Mapping[str, Any]:
        methods = published.metadata.token_endpoint_auth_methods_supported
        if self.registration.client_secret is not None and "client_secret_basic" not in methods:
            client.token_endpoint_auth_method = "client_secret_post"
        try:
            token: Mapping[str, Any] = await client.fetch_token(
                published.metadata.token_endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=flow.verifier,
                redirect_uri=self.registration.redirect_uri,
            )
        except OAuthError as refused:
            if refused.error == "invalid_grant":
                raise SignInFailed("code") from None
            raise
        return token

    async def _verified(
        self, client: AsyncOAuth2Client, published: _Published, flow: Flow, token: Mapping[str, Any]
    ) -> IdToken:
        text = token.get("id_token")
        if not isinstance(text, str):
            raise SignInFailed("token")
        try:
            return self._read(text, published, flow)
        except KeyUnknown:
            published = await self._known(client, again=True)
        try:
            return self._read(text, published, flow)
        except KeyUnknown:
            raise SignInFailed("key") from None

    def _read(self, text: str, published: _Published, flow: Flow) -> IdToken:
        return id_tokens.verified(
            text,
            published.keys,
            issuer=self.registration.issuer,
            client_id=self.registration.client_id,
            nonce=flow.nonce,
            now=self._clock(),
        )

    async def _known(self, client: AsyncOAuth2Client, *, again: bool = False) -> _Published:
        known = self._published
        if known is None or again or monotonic() - known.at > REFRESH_SECONDS:
            metadata = await self._discovered(client)
            keys = _fit_keys(await _document(client, metadata.jwks_uri))
            known = self._published = _Published(metadata, keys, monotonic())
        return known

    async def _discovered(self, client: AsyncOAuth2Client) -> _Metadata:
        issuer = self.registration.issuer
        metadata = _Metadata.model_validate(await _document(client, issuer.rstrip("/") + _DISCOVERY))
        if metadata.issuer != issuer:
            raise ValueError("the provider calls itself something else")
        scheme = issuer.partition(":")[0]
        if not all(address.startswith((f"{scheme}://", "https://")) for address in metadata.addresses):
            raise ValueError("the provider has addresses without TLS")
        return metadata

    @asynccontextmanager
    async def _exchange(self) -> AsyncIterator[AsyncOAuth2Client]:
        """A client for one step. Whatever the provider does wrong becomes ProviderUnavailable."""
        if self._turns.locked():
            raise ProviderUnavailable()
        registration = self.registration
        async with self._turns:
            try:
                async with (
                    asyncio.timeout(self._seconds),
                    AsyncOAuth2Client(
                        client_id=registration.client_id,
                        client_secret=registration.client_secret,
                        scope=registration.scopes,
                        redirect_uri=registration.redirect_uri,
                        code_challenge_method="S256",
                        headers={"Accept-Encoding": "identity"},
                        follow_redirects=False,
                        timeout=self._seconds,
                        transport=self._connect(),
                    ) as client,
                ):
                    client.register_compliance_hook("access_token_response", _checked)
                    yield client
            except (httpx2.HTTPError, httpx2.InvalidURL, OAuthError, ValueError, TimeoutError) as error:
                _logger.warning("the identity provider failed: %s", _described(error))
                raise ProviderUnavailable() from None


def _checked(answer: httpx2.Response) -> httpx2.Response:
    """Raises ValueError for what is no answer with tokens at all, so that the library need not read it."""
    _Token.model_validate(_object(answer))
    return answer


def _object(answer: httpx2.Response) -> dict[str, Any]:
    document = from_json(answer.content, allow_inf_nan=False)
    if not isinstance(document, dict):
        raise ValueError("the provider answers with something else than an object")
    return document


async def _document(client: AsyncOAuth2Client, address: str, **headers: str) -> dict[str, Any]:
    answer = await client.request("GET", address, withhold_token=True, headers=headers)
    if answer.status_code != 200:
        raise ValueError(f"the provider answers {answer.status_code}")
    return _object(answer)


async def _userinfo(
    client: AsyncOAuth2Client, address: str, token: Mapping[str, Any], subject: str
) -> Mapping[str, Any]:
    """What the provider tells beside the token; nothing where it is about somebody else."""
    told = await _document(client, address, Authorization=f"Bearer {token.get('access_token', '')}")
    if told.get("sub") != subject:
        raise SignInFailed("subject")
    return told


def _fit_keys(document: Mapping[str, Any]) -> tuple[PublicKey, ...]:
    """Those of the provider's keys that the bank verifies with; others are there for others."""
    listed = document.get("keys")
    if not isinstance(listed, list):
        raise ValueError("the provider publishes no keys")
    found = []
    for jwk in listed[:MOST_KEYS]:
        try:
            found.append(public_key({"use": "sig", **jwk}))
        except (KeyUnfit, TypeError):
            continue
    return tuple(found)


def _described(error: Exception) -> str:
    """The kind of failure, and of our own words which; nothing that the provider said."""
    if isinstance(error, ValidationError):
        return "its description lacks something"
    return f"{type(error).__name__}: {error}" if type(error) is ValueError else type(error).__name__
