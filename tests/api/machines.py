"""Programs of organisations as tests play them: they sign assertions and proofs with joserfc and fetch tokens."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from typing import Any

from httpx2 import Response
from joserfc import jwt
from joserfc.jwk import Key, OKPKey
from joserfc.util import urlsafe_b64encode

from tests.api.bank import PUBLIC_URL, Caller, ReadyBank

ISSUER = PUBLIC_URL
ENDPOINT = f"{ISSUER}/oauth/token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_numbers = count(1)


def signed(key: Key, claims: Mapping[str, Any], algorithm: str = "Ed25519", **header: Any) -> str:
    """A token as a client library makes it. A header member of None is left out."""
    named = {"alg": algorithm, "typ": "JWT", "kid": key.thumbprint(), **header}
    kept = {name: value for name, value in named.items() if value is not None}
    return jwt.encode(kept, dict(claims), key, algorithms=[algorithm], default_type=None)


@dataclass(kw_only=True)
class Machine:
    """A registered client with its key."""

    bank: ReadyBank
    client_id: str
    key: Key = field(default_factory=lambda: OKPKey.generate_key("Ed25519"))

    def claims(self, **changes: Any) -> dict[str, Any]:
        """What an assertion says, to be changed into what it must not say. A claim of None is left out."""
        now = self.bank.clock() // 1_000_000
        said = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": ISSUER,
            "iat": now,
            "exp": now + 60,
            "jti": f"jti-{next(_numbers)}",
            **changes,
        }
        return {name: value for name, value in said.items() if value is not None}

    def assertion(self, **changes: Any) -> str:
        return signed(self.key, self.claims(**changes))

    def ask(self, assertion: str | None = None, headers: Mapping[str, str] | None = None, **fields: str) -> Response:
        """Ask for a token with an assertion."""
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(),
            **fields,
        }
        return self.bank.client.post("/oauth/token", data=form, headers=dict(headers or {}))

    def caller(self, **fields: str) -> Caller:
        """Whoever calls with a new token."""
        answer = self.ask(**fields)
        assert answer.status_code == 200, answer.text
        return Caller(self.bank.client, answer.json()["access_token"])

    def proof(self, method: str, path: str, token: str | None = None, **changes: Any) -> str:
        """A DPoP proof for one request to the bank. A claim of None is left out."""
        said = {
            "jti": f"proof-{next(_numbers)}",
            "htm": method,
            "htu": ISSUER + path,
            "iat": self.bank.clock() // 1_000_000,
            "ath": None if token is None else urlsafe_b64encode(sha256(token.encode()).digest()).decode(),
            **changes,
        }
        kept = {name: value for name, value in said.items() if value is not None}
        return signed(self.key, kept, typ="dpop+jwt", kid=None, jwk=self.key.as_dict(private=False))


def public(key: Key, **more: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": key.thumbprint(), **more}


def register(bank: ReadyBank, organisation: str = "BIM-EVAL", role: str = "issuer", **body: Any) -> Response:
    return bank.authority.post(f"/v1/organisations/{organisation}/clients", {"role": role, **body})


def machine(
    bank: ReadyBank, organisation: str = "BIM-EVAL", role: str = "issuer", key: Key | None = None, **body: Any
) -> Machine:
    """A new client of an organisation with a key of its own."""
    key = key or OKPKey.generate_key("Ed25519")
    made = register(bank, organisation, role, jwks={"keys": [public(key)]}, **body)
    assert made.status_code == 201, made.text
    return Machine(bank=bank, client_id=made.json()["client_id"], key=key)


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()}
