"""A browser of one person: keeps cookies as browsers do, names where its requests come from, follows nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from fastapi.testclient import TestClient
from httpx2 import Response

from tests.api.bank import ReadyBank
from tests.web.provider import Idp

PUBLIC_URL = "https://bank.example"
SESSION = "__Host-creditbank"
SIGN_IN = "__Host-creditbank-sign-in"
HTML = {"Accept": "text/html,application/xhtml+xml"}


_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Colleague:
    """A member, and the subject that the provider knows them by."""

    member_id: str
    subject: str


def colleague(bank: ReadyBank, role: str = "issuer", organisation: str | None = "BIM-EVAL") -> Colleague:
    """A new member."""
    subject = f"subject-{next(_numbers):04}"
    added = bank.authority.post("/v1/members", {"subject": subject, "role": role, "organisation": organisation})
    assert added.status_code == 201, added.text
    return Colleague(added.json()["member_id"], subject)


def told(holder: Mapping[str, Any]) -> dict[str, str]:
    """The claims by which a provider names a person's document."""
    document = holder["document"]
    return {"document_type": document["type"], "document_number": document["number"]}


@dataclass(kw_only=True)
class Browser:
    client: TestClient
    idp: Idp
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Response:
        return self.ask("GET", path, headers={**HTML, **headers})

    def post(self, path: str, body: Any = None, **headers: str) -> Response:
        """As a page of the bank does it."""
        return self.ask("POST", path, body, {"Sec-Fetch-Site": "same-origin", **headers})

    def delete(self, path: str) -> Response:
        return self.ask("DELETE", path, headers={"Sec-Fetch-Site": "same-origin"})

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Response:
        self.client.cookies.clear()
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        answer = self.client.request(
            method, path, json=body, headers={**sent, **(headers or {})}, follow_redirects=False
        )
        for line in answer.headers.get_list("set-cookie"):
            self._keep(line)
        return answer

    def sign_in(self, path: str = "/login", **person: Any) -> Response:
        """All the way to the provider and back, as this person where one is named: the bank's last answer."""
        if person:
            self.idp.person = person
        return self.get(self.come_back(path))

    def come_back(self, path: str = "/login") -> str:
        """To the provider: the address that it sends the browser back to."""
        sent = self.get(path)
        assert sent.status_code == 303, sent.text
        back = urlsplit(self.idp.authorize(sent.headers["location"]))
        assert f"{back.scheme}://{back.netloc}" == PUBLIC_URL
        return f"{back.path}?{back.query}"

    def _keep(self, line: str) -> None:
        first, *attributes = line.split("; ")
        name, _, value = first.partition("=")
        assert {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"} <= set(attributes)
        assert name.startswith("__Host-")
        if "Max-Age=0" in attributes:
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value
