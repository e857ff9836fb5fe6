"""The pages themselves: where they lead, what they may load, in which language, and what programs get instead."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from pydantic import ValidationError

from creditbank.api.rates import Rate
from creditbank.settings import Settings
from creditbank.web.texts import TEXTS
from tests.api.bank import ReadyBank, on_one_database, open_app
from tests.web.browser import HTML, Browser, colleague
from tests.web.provider import ISSUER


@pytest.fixture
def clerk(bank: ReadyBank, browser: Browser) -> Browser:
    browser.idp.person = {"sub": colleague(bank).subject}
    return browser


@on_one_database
@pytest.mark.parametrize(
    "path", ["/", "/v1/session", "/v1/events?types=a/1&x=%2F%2Fevil", "/a%0d%0aSet-Cookie:x", "/%5c"]
)
def test_whoever_came_from_a_page_of_the_bank_goes_back_to_it(path: str, clerk: Browser) -> None:
    landed = clerk.sign_in(f"/login?{urlencode({'return_to': path})}")
    assert landed.headers["location"] == path


@on_one_database
@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\r\nSet-Cookie: a=b",
        "/\x00",
        " //evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        "/é",
        "/" + "a" * 600,
    ],
)
def test_nobody_is_sent_elsewhere(path: str, clerk: Browser) -> None:
    sent = clerk.client.get("/login", params={"return_to": path}, headers=HTML, follow_redirects=False)
    if sent.status_code == 422:
        assert "\x00" in path
        return
    clerk.cookies = dict(sent.cookies)
    back = urlsplit(clerk.idp.authorize(sent.headers["location"]))
    landed = clerk.get(f"{back.path}?{back.query}")
    assert landed.headers["location"] == "/"
    assert "a=b" not in str(landed.headers)


def test_the_provider_is_asked_for_a_recent_proof_and_for_the_one_who_is_hinted_at(clerk: Browser) -> None:
    asked = parse_qs(urlsplit(clerk.get("/login").headers["location"]).query)
    again = parse_qs(urlsplit(clerk.get("/login?max_age=0&login_hint=a%26b").headers["location"]).query)

    assert {name: asked[name] for name in ("client_id", "scope", "max_age", "code_challenge_method")} == {
        "client_id": ["creditbank"],
        "scope": ["openid"],
        "max_age": ["86400"],
        "code_challenge_method": ["S256"],
    }
    assert asked["redirect_uri"] == ["https://bank.example/login/callback"]
    assert (again["max_age"], again["prompt"], again["login_hint"]) == (["0"], ["login"], ["a&b"])
    assert asked["state"] != again["state"]
    assert asked["nonce"] != again["nonce"]
    assert asked["code_challenge"] != again["code_challenge"]


@pytest.mark.parametrize("query", ["max_age=-1", "max_age=x", "as=authority", f"login_hint={'a' * 200}"])
def test_what_cannot_be_asked_for_is_refused_as_a_page(query: str, clerk: Browser) -> None:
    refused = clerk.get(f"/login?{query}")
    assert (refused.status_code, refused.headers["content-type"]) == (422, "text/html; charset=utf-8")


def test_a_page_loads_nothing_and_runs_nothing(clerk: Browser) -> None:
    pages = [clerk.get("/"), clerk.get("/login/callback"), clerk.sign_in() and clerk.get("/")]
    pages.append(clerk.post("/logout", Accept="text/html"))
    for page in pages:
        style = page.text.partition("<style>")[2].partition("</style>")[0]
        policy = page.headers["content-security-policy"]
        assert b64encode(sha256(style.encode()).digest()).decode() in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "same-origin"
        assert "<script" not in page.text
        assert not re.search(r"\son\w+=|style=|src=|(href|action)=.(https?:)?//", page.text)


def test_a_page_can_be_read_by_everybody(clerk: Browser) -> None:
    clerk.sign_in()
    for language, named in (("en", "Sign out"), ("zh-CN", "退出登录")):
        page = clerk.get("/", **{"Accept-Language": language})
        assert f'<html lang="{language}">' in page.text
        assert page.headers["content-language"] == language
        assert named in page.text
        assert [page.text.count(f"<{landmark}") for landmark in ("header>", "main ", "footer>", "h1>")] == [1, 1, 1, 1]
        assert 'href="#content"' in page.text
        assert '<main id="content">' in page.text


def test_everything_is_said_in_both_languages() -> None:
    assert all(re.search("[\u4e00-\u9fff]", chinese) and english.isascii() for english, chinese in TEXTS.values())


def test_a_problem_is_a_page_for_people_and_a_document_for_programs(clerk: Browser) -> None:
    page = clerk.get("/login/callback", **{"Accept-Language": "zh"})
    document = clerk.ask("GET", "/login/callback", headers={"Accept": "application/json"})

    assert "无法确认此次登录" in page.text
    assert page.headers["x-request-id"] in page.text
    assert (document.status_code, document.json()["code"]) == (400, "sign_in_failed")
    assert document.headers["content-type"] == "application/problem+json"


def test_without_a_provider_nobody_can_sign_in_and_is_told_so(sqlite_url: str, tmp_path: Path) -> None:
    with open_app(sqlite_url, tmp_path) as client:
        for path in ("/login", "/login/callback?code=a&state=b"):
            answer = client.get(path, headers=HTML)
            assert (answer.status_code, "sign_in_not_configured" in answer.text) == (404, True)
        assert client.get("/").status_code == 200


def test_sign_ins_of_an_address_are_limited(clerk: Browser) -> None:
    state = clerk.client.app.state
    unlimited, state.rates = state.rates, replace(state.rates, sign_ins=Rate("sign-ins", 2))
    try:
        assert [clerk.get("/login").status_code for _ in range(3)] == [303, 303, 429]
    finally:
        state.rates = unlimited


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"oidc_issuer": "http://idp.example"}, "must be an https URL"),
        ({"oidc_issuer": "idp.example"}, "must be an http or https URL"),
        ({"oidc_issuer": f"{ISSUER}?a"}, "must be an http or https URL"),
        ({"oidc_issuer": ISSUER, "public_url": "http://bank.example"}, "cookies must not be seen on their way"),
        ({"oidc_issuer": ISSUER, "oidc_scopes": "profile"}, "must contain openid"),
    ],
)
def test_what_could_be_listened_to_cannot_be_set(settings: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Settings(**settings)


def test_an_issuer_stays_as_it_is_written() -> None:
    assert Settings(oidc_issuer="https://idp.example/").oidc_issuer == "https://idp.example/"
    assert Settings(oidc_issuer="http://127.0.0.1:8000/demo-idp", public_url="http://[::1]:8000").oidc_issuer
    assert Settings(oidc_issuer="").oidc_issuer is None


def test_the_secret_of_the_bank_does_not_show() -> None:
    assert "hush" not in repr(Settings(oidc_client_secret="hush"))
