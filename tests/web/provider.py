"""An identity provider that does as a test tells it: right by default, and wrong in any one way."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import Key, OKPKey
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

ISSUER = "https://idp.example/realms/people"
CLIENT_ID = "creditbank"

Claims = dict[str, Any]
_numbers = count(1)


def key(kid: str) -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": kid, "use": "sig"})


@dataclass(kw_only=True)
class Idp:
    """`clock` in microseconds. `person` is who stands before it; the other fields are how it behaves."""

    clock: Callable[[], int]
    person: Claims = field(default_factory=lambda: {"sub": "somebody"})
    claims: Claims = field(default_factory=dict)
    """Put over those of the ID token; None takes a claim away."""
    header: Claims = field(default_factory=dict)
    metadata: Claims = field(default_factory=dict)
    userinfo: Claims | None = None
    sign: Callable[[Claims, Claims], str] | None = None
    keys: list[OKPKey] = field(default_factory=lambda: [key("first")])
    answers: dict[str, Response] = field(default_factory=dict)
    """By the last part of a path: what is answered there instead."""
    is_silent: bool = False
    asked: list[str] = field(default_factory=list)
    """The last parts of the paths that were asked for."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    """What was asked with each code that is still good."""

    def authorize(self, url: str) -> str:
        """What the provider's page does: the address that it sends the browser back to."""
        asked = dict(parse_qsl(urlsplit(url).query))
        assert url.startswith(f"{ISSUER}/authorize?"), url
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{next(_numbers)}"
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        place = scope["path"].rpartition("/")[2]
        self.asked.append(place)
        if self.is_silent:
            await asyncio.get_running_loop().create_future()
        answer = self.answers.get(place) or await self._answer(place, Request(scope, receive))
        await answer(scope, receive, send)

    async def _answer(self, place: str, request: Request) -> Response:
        match place:
            case "openid-configuration":
                return _json(self.description())
            case "jwks":
                return _json({"keys": [one.as_dict(private=False) for one in self.keys]})
            case "token":
                return self._token(dict(parse_qsl((await request.body()).decode())))
            case "userinfo" if self.userinfo is not None:
                assert request.headers["authorization"] == "Bearer opaque"
                return _json({"sub": self.person["sub"], **self.userinfo})
        return Response(status_code=404)

    def description(self) -> Claims:
        described = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/jwks",
            **({"userinfo_endpoint": f"{ISSUER}/userinfo"} if self.userinfo is not None else {}),
            **self.metadata,
        }
        return {name: value for name, value in described.items() if value is not None}

    def _token(self, form: dict[str, str]) -> Response:
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None:
            return _json({"error": "invalid_grant"}, 400)
        challenge = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        assert challenge == asked["code_challenge"]
        assert form["redirect_uri"] == asked["redirect_uri"]
        now = self.clock() // 1_000_000
        claims = {
            "iss": ISSUER,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "nonce": asked["nonce"],
            **self.person,
            **self.claims,
        }
        told = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "Ed25519", "kid": self.keys[0].kid, **self.header}
        text = (self.sign or self._signed)(header, told)
        return _json({"access_token": "opaque", "token_type": "Bearer", "expires_in": 60, "id_token": text})

    def _signed(self, header: Claims, claims: Claims) -> str:
        return signed(header, claims, self.keys[0])


def signed(header: Claims, claims: Claims, signer: Key) -> str:
    return jwt.encode(header, claims, signer, algorithms=[header["alg"]])


def unsigned(header: Claims, claims: Claims) -> str:
    """RFC 7519, 6: what claims to need no signature."""
    parts = (urlsafe_b64encode(to_json(part)).decode().rstrip("=") for part in ({**header, "alg": "none"}, claims))
    return ".".join((*parts, ""))


def _json(document: Claims, status: int = 200) -> Response:
    return Response(to_json(document), status, media_type="application/json")
