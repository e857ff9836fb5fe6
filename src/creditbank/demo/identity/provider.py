"""The provider itself: OpenID Connect with PKCE as a bank meets it elsewhere, but without any proof of who one is."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from secrets import token_urlsafe
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.jwk import OKPKey
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse

from creditbank.api.tokens.compact import encoded
from creditbank.api.tokens.forms import TokenRefused, form_of
from creditbank.demo.identity.people import Guise
from creditbank.domain.errors import Fault, Invalid
from creditbank.web.pages import Pages
from creditbank.web.route import PageRoute

PATH = "/demo-idp"
CLIENT_ID = "creditbank-demo"
ALGORITHM = "Ed25519"
CODE_SECONDS = 60
TOKEN_SECONDS = 300
MOST_CODES = 1_000

WARNING = "Demonstration only, not for production / 仅供演示，不得用于生产环境"

_PAGES = Pages("creditbank.demo", warning=WARNING)


class _Route(PageRoute):
    pages = _PAGES


class ReachableByOthers(Exception):
    """Whoever reaches this address could be anybody in the demo's bank, and nobody has said that this is wanted."""


class Asked(BaseModel):
    """What the bank sends people here with."""

    response_type: Literal["code"]
    client_id: Literal["creditbank-demo"]
    redirect_uri: str
    state: Annotated[str, Field(max_length=200)]
    nonce: Annotated[str, Field(max_length=200)]
    code_challenge: Annotated[str, Field(min_length=43, max_length=43)]
    code_challenge_method: Literal["S256"]
    login_hint: str | None = None
    person: str | None = None
    """Who was chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Code:
    """A code that was given out and not used yet. `made_at` in seconds."""

    asked: Asked
    guise: Guise
    made_at: int


class DemoProvider:
    """The provider of the bank that is reached under `public_url`, served on `host`. `clock` in microseconds.

    Raises ReachableByOthers for any host but this machine's own, unless `for_anybody`.
    """

    def __init__(
        self,
        public_url: str,
        people: Sequence[Guise],
        clock: Callable[[], int],
        *,
        host: str,
        for_anybody: bool = False,
    ) -> None:
        require_own_machine(host, for_anybody=for_anybody)
        self.issuer = public_url + PATH
        self.callback = f"{public_url}/login/callback"
        self._people = {one.name: one for one in people}
        self._clock = clock
        self._key = OKPKey.generate_key("Ed25519")
        self._codes: dict[str, _Code] = {}

    def mount(self, app: FastAPI) -> None:
        """Let the bank's own server answer for the provider too."""
        router = APIRouter(prefix=PATH, include_in_schema=False, route_class=_Route)
        router.get("/.well-known/openid-configuration")(self.describe)
        router.get("/jwks")(self.keys)
        router.get("/authorize")(self.choose)
        router.post("/token")(self.token)
        app.include_router(router)

    async def describe(self) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "authorization_response_iss_parameter_supported": True,
        }

    async def keys(self) -> dict[str, Any]:
        public = {**self._key.as_dict(private=False), "kid": self._key.thumbprint(), "use": "sig", "alg": ALGORITHM}
        return {"keys": [public]}

    async def choose(self, request: Request, asked: Annotated[Asked, Query()]) -> Response:
        """Whom would you like to be? The choice is a link back here, and from here back to the bank."""
        if asked.redirect_uri != self.callback:
            fault = Fault(code="value_unknown", detail="Is not this bank.", parameter="redirect_uri")
            raise Invalid(faults=[fault])
        chosen = self._people.get(asked.person or "")
        if chosen is None:
            return self._page(request, asked)
        code = token_urlsafe(32)
        if len(self._codes) >= MOST_CODES:
            self._codes.clear()
        self._codes[code] = _Code(asked=asked, guise=chosen, made_at=self._now())
        back = urlencode({"code": code, "state": asked.state, "iss": self.issuer})
        return RedirectResponse(f"{asked.redirect_uri}?{back}", status_code=303)

    async def token(self, request: Request) -> Response:
        """RFC 6749, 4.1.3, for a public client that proves itself by RFC 7636."""
        try:
            form = form_of(request.headers.get("content-type"), await request.body())
            code = self._code(form)
        except TokenRefused as refused:
            return JSONResponse({"error": refused.fault, "error_description": refused.description}, 400)
        if code is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        answer = {"access_token": token_urlsafe(32), "token_type": "Bearer", "expires_in": TOKEN_SECONDS}
        return JSONResponse({**answer, "id_token": self._id_token(code)})

    def _page(self, request: Request, asked: Asked) -> Response:
        hinted = asked.login_hint
        people = sorted(self._people.values(), key=lambda one: one.name != hinted)
        query = urlencode(asked.model_dump(exclude_none=True, exclude={"person"}))
        links = [(one, f"{PATH}/authorize?{query}&{urlencode({'person': one.name})}") for one in people]
        return _PAGES.page(request.scope, "people", links=links)

    def _code(self, form: dict[str, str]) -> _Code | None:
        """What a code stands for; it counts once, whatever else is wrong."""
        code = self._codes.pop(form.get("code", ""), None)
        if form.get("grant_type") != "authorization_code":
            raise TokenRefused("unsupported_grant_type", "Only authorization_code.")
        if code is None or self._now() - code.made_at > CODE_SECONDS:
            return None
        named = (form.get("client_id"), form.get("redirect_uri"))
        challenge = encoded(sha256(form.get("code_verifier", "").encode()).digest())
        is_own = named == (code.asked.client_id, code.asked.redirect_uri)
        return code if is_own and hmac.compare_digest(challenge, code.asked.code_challenge) else None

    def _id_token(self, code: _Code) -> str:
        now = self._now()
        claims = {
            "iss": self.issuer,
            "aud": code.asked.client_id,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "auth_time": code.made_at,
            "nonce": code.asked.nonce,
            **code.guise.claims(),
        }
        header = {"alg": ALGORITHM, "kid": self._key.thumbprint()}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])

    def _now(self) -> int:
        return self._clock() // 1_000_000


def require_own_machine(host: str, *, for_anybody: bool) -> None:
    """Raise ReachableByOthers for a host that others reach, unless that is wanted."""
    try:
        is_loopback = ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost"
    if not is_loopback and not for_anybody:
        raise ReachableByOthers(host)
