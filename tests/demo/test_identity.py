"""The demo's identity provider: right in form, proof of nothing, and never part of a bank that somebody serves."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from httpx2 import Response

from creditbank.app import create_app
from creditbank.cli import server
from creditbank.demo.identity.people import guises
from creditbank.demo.identity.provider import CLIENT_ID, WARNING, DemoProvider, ReachableByOthers
from creditbank.demo.province import province
from creditbank.settings import Settings
from tests.api.bank import Clock

BANK = "http://127.0.0.1:8000"
CALLBACK = f"{BANK}/login/callback"
VERIFIER = "v" * 64
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
ASKED = {
    "response_type": "code",
    "client_id": CLIENT_ID,
    "redirect_uri": CALLBACK,
    "state": "s",
    "nonce": "n",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "scope": "openid",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """The provider as the bank and a browser meet it."""

    client: TestClient
    clock: Clock

    def choose(self, **changes: str) -> Response:
        query = {**ASKED, **changes}
        return self.client.get(
            f"/demo-idp/authorize?{urlencode(query)}", headers={"Accept": "text/html"}, follow_redirects=False
        )

    def code(self, person: str = "learner") -> str:
        sent = urlsplit(self.choose(person=person).headers["location"])
        return parse_qs(sent.query)["code"][0]

    def token(self, code: str, **changes: str) -> Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": CLIENT_ID,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            **changes,
        }
        return self.client.post("/demo-idp/token", data=form)


@pytest.fixture
def desk() -> Iterator[Desk]:
    clock = Clock()
    app = create_app(Settings())
    DemoProvider(BANK, guises(province()), clock, host="127.0.0.1").mount(app)
    yield Desk(TestClient(app), clock)


def test_one_can_be_anybody_of_every_role(desk: Desk) -> None:
    page = desk.choose().text
    for one in guises(province()):
        assert one.title in page
        assert desk.token(desk.code(one.name)).status_code == 200
    assert {one.role for one in guises(province())} == {"authority", "issuer", "institution", "auditor", "learner"}


def test_whoever_is_hinted_at_stands_first(desk: Desk) -> None:
    page = desk.choose(login_hint="auditor").text
    assert page.index("person=auditor") < page.index("person=learner")


def test_every_page_says_loudly_what_it_is(desk: Desk) -> None:
    for page in (desk.choose(), desk.choose(redirect_uri="https://evil.example/"), desk.choose(client_id="another")):
        assert WARNING in page.text
    for word in ("not for production", "仅供演示"):
        assert word in WARNING


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": f"{CALLBACK}/"},
        {"client_id": "another"},
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
    ],
)
def test_nobody_is_sent_to_another_bank_or_without_proof_key(changes: dict[str, str], desk: Desk) -> None:
    refused = desk.choose(person="officer", **changes)
    assert (refused.status_code, refused.headers.get("location")) == (422, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "another"},
        {"code_verifier": "x" * 64},
        {"code_verifier": ""},
        {"client_id": "another"},
        {"redirect_uri": "https://evil.example/"},
    ],
)
def test_a_code_is_good_for_the_one_who_asked(changes: dict[str, str], desk: Desk) -> None:
    code = desk.code()
    refused = desk.token(**{"code": code, **changes})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_a_code_is_good_once_and_for_a_minute(desk: Desk) -> None:
    code, late = desk.code(), desk.code()
    assert desk.token(code).status_code == 200
    assert desk.token(code).json() == {"error": "invalid_grant"}
    desk.clock.pass_by(62 * 1_000_000)
    assert desk.token(late).json() == {"error": "invalid_grant"}


def test_what_is_no_request_for_a_token_is_refused_in_form(desk: Desk) -> None:
    assert desk.token("x", grant_type="password").json()["error"] == "unsupported_grant_type"
    assert desk.client.post("/demo-idp/token", json={}).json()["error"] == "invalid_request"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "bank.example", ""])
def test_it_is_for_this_machine_only_unless_somebody_says_otherwise(host: str) -> None:
    with pytest.raises(ReachableByOthers):
        DemoProvider(BANK, (), Clock(), host=host)
    DemoProvider(BANK, (), Clock(), host=host, for_anybody=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_has_several_names(host: str) -> None:
    DemoProvider(BANK, (), Clock(), host=host)


def test_a_bank_that_is_served_has_no_such_provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CREDITBANK_OIDC_ISSUER", f"{BANK}/demo-idp")
    monkeypatch.setenv("CREDITBANK_DATA_DIR", str(tmp_path))
    app = create_app(Settings())
    paths = [str(context.path_format) for context in iter_route_contexts(app.routes)]
    assert "/login" in paths
    assert [path for path in paths if "demo" in path] == []
    assert TestClient(app).get("/demo-idp/.well-known/openid-configuration").status_code == 404
    # Nothing that `serve` imports knows of it.
    assert "demo" not in Path(server.__file__).read_text()
    assert "demo" not in (Path(server.__file__).parent / "serve.py").read_text()
