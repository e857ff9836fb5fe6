"""What comes back from the identity provider and is wrong: nobody is signed in, and everybody is told alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from gzip import compress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey
from pydantic_core import to_json
from starlette.responses import RedirectResponse, Response, StreamingResponse

from creditbank.web.provider import Provider
from tests.api.bank import ReadyBank, on_one_database, person
from tests.web.browser import SESSION, SIGN_IN, Browser, Colleague, colleague, told
from tests.web.provider import ISSUER, Claims, key, signed, unsigned

Made = Callable[[Claims, Claims], str]


@pytest.fixture(scope="module")
def clerk(bank: ReadyBank) -> Colleague:
    """Somebody who would be signed in, were the answer right."""
    return colleague(bank)


@pytest.fixture
def visitor(browser: Browser, clerk: Colleague) -> Browser:
    browser.idp.person = {"sub": clerk.subject}
    return browser


def refused(answer: Any, status: int = 400, code: str = "sign_in_failed") -> bool:
    """Whether this is the page of that problem, with nobody signed in."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8"), answer.text
    assert f"<code>{code}</code>" in answer.text
    return not any(line.startswith(f"{SESSION}=") for line in answer.headers.get_list("set-cookie"))


def test_the_visitor_of_these_tests_is_signed_in_where_all_is_right(visitor: Browser) -> None:
    assert visitor.sign_in().status_code == 303
    assert SIGN_IN not in visitor.cookies


# The way back


@on_one_database
def test_an_answer_to_another_question_is_refused(visitor: Browser) -> None:
    back = visitor.come_back()
    query = parse_qs(urlsplit(back).query)
    [code] = query["code"]

    for state in (f"&state={'x' * 43}", "&state=", "", "&state=%F0%9F%92%A9"):
        assert refused(visitor.get(f"/login/callback?code={code}{state}"))
        visitor.come_back()


@on_one_database
def test_an_answer_that_another_browser_asked_for_is_refused(visitor: Browser) -> None:
    attacker = Browser(client=visitor.client, idp=visitor.idp)
    back = attacker.come_back()

    assert refused(visitor.get(back))
    visitor.come_back()
    assert refused(visitor.get(back))


@on_one_database
@pytest.mark.parametrize("sealed", ["", "x", "é", "AAAA", "A" * 400, "a" * 401])
def test_a_cookie_that_the_bank_did_not_seal_is_refused(sealed: str, visitor: Browser) -> None:
    back = visitor.come_back()
    answer = visitor.client.get(
        back, headers={"Accept": "text/html", "Cookie": f"{SIGN_IN}={sealed}".encode()}, follow_redirects=False
    )
    assert refused(answer)


@on_one_database
def test_a_sealed_cookie_that_was_changed_is_refused(visitor: Browser) -> None:
    back = visitor.come_back()
    own = visitor.cookies[SIGN_IN]
    visitor.cookies[SIGN_IN] = own[:40] + ("A" if own[40] != "A" else "B") + own[41:]
    assert refused(visitor.get(back))


def test_an_answer_counts_once(visitor: Browser) -> None:
    back = visitor.come_back()
    kept = dict(visitor.cookies)
    assert visitor.get(back).status_code == 303

    visitor.cookies = kept
    assert refused(visitor.get(back))


def test_a_token_counts_once_even_where_the_provider_gives_it_again(visitor: Browser) -> None:
    made: list[str] = []

    def the_first_again(header: Claims, claims: Claims) -> str:
        made.append(signed(header, claims, visitor.idp.keys[0]))
        return made[0]

    visitor.idp.sign = the_first_again
    back = visitor.come_back()
    kept, asked = dict(visitor.cookies), dict(visitor.idp.codes)
    assert visitor.get(back).status_code == 303

    visitor.cookies, visitor.idp.codes = kept, asked
    assert refused(visitor.get(back))
    assert len(made) == 2


@on_one_database
def test_an_answer_that_takes_too_long_is_refused(bank: ReadyBank, visitor: Browser) -> None:
    back = visitor.come_back()
    bank.clock.pass_by(10 * 60 * 1_000_000)
    assert refused(visitor.get(back))


@on_one_database
def test_a_refusal_there_is_a_refusal_here(visitor: Browser) -> None:
    [state] = parse_qs(urlsplit(visitor.come_back()).query)["state"]
    answer = visitor.get(f"/login/callback?error=access_denied&error_description=%3Cscript%3E&state={state}")
    assert refused(answer)
    assert "script" not in answer.text


@on_one_database
def test_an_answer_in_the_name_of_another_provider_is_refused(visitor: Browser) -> None:
    assert refused(visitor.get(f"{visitor.come_back()}&iss=https://evil.example"))
    assert visitor.get(f"{visitor.come_back()}&iss={ISSUER}").status_code == 303


@on_one_database
def test_a_provider_that_names_itself_must_do_so(visitor: Browser) -> None:
    visitor.idp.metadata = {"authorization_response_iss_parameter_supported": True}
    assert refused(visitor.get(visitor.come_back()))


@on_one_database
@pytest.mark.parametrize("code", ["", "&code=" + "a" * 3000, "&code=a%0d%0ab", "&code=%C3%A9", "&code=nobody"])
def test_a_code_that_is_none_is_refused(code: str, visitor: Browser) -> None:
    [state] = parse_qs(urlsplit(visitor.come_back()).query)["state"]
    assert refused(visitor.get(f"/login/callback?state={state}{code}"))


# The token


@on_one_database
@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": ["creditbank", "another"]},
        {"aud": ["another"], "azp": "creditbank"},
        {"aud": ["creditbank"], "azp": "another"},
        {"aud": None},
        {"iss": f"{ISSUER}/"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "a\u0000b"},
        {"sub": "a" * 300},
        {"sub": 7},
        {"exp": 1_795_000_000},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": 1_900_000_000},
        {"nbf": 1_900_000_000},
    ],
)
def test_a_token_that_says_something_else_is_refused(claims: dict[str, Any], visitor: Browser) -> None:
    visitor.idp.claims = claims
    assert refused(visitor.sign_in())


def _by(signer: Any) -> Made:
    return lambda header, claims: signed(header, claims, signer)


def _tampered(header: Claims, claims: Claims) -> str:
    head, _, tail = unsigned(header, claims).partition(".")
    return f"{head}.{tail}{'A' * 86}"


@on_one_database
@pytest.mark.parametrize(
    ("made", "header"),
    [
        (unsigned, {}),
        (_tampered, {}),
        (_by(key("first")), {}),
        (_by(OctKey.generate_key(256)), {"alg": "HS256"}),
        (_by(ECKey.generate_key("P-256")), {"alg": "ES256"}),
        (_by(RSAKey.generate_key(2048)), {"alg": "RS256"}),
        (lambda _, __: "", {}),
        (lambda _, __: "a.b.c", {}),
        (lambda _, __: "a" * 10_000, {}),
    ],
)
def test_a_token_that_the_provider_did_not_sign_is_refused(made: Made, header: Claims, visitor: Browser) -> None:
    visitor.idp.sign, visitor.idp.header = made, header
    assert refused(visitor.sign_in())


@on_one_database
@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt"])
def test_a_token_of_another_kind_is_refused(typ: str, visitor: Browser) -> None:
    visitor.idp.header = {"typ": typ}
    assert refused(visitor.sign_in())


@on_one_database
def test_a_key_that_nobody_knows_is_looked_up_once_and_refused(visitor: Browser) -> None:
    visitor.idp.header = {"kid": "unknown"}
    assert refused(visitor.sign_in())
    assert visitor.idp.asked.count("jwks") == 2


@on_one_database
def test_a_new_key_of_the_provider_is_believed_and_one_that_it_took_back_no_longer(visitor: Browser) -> None:
    idp = visitor.idp
    assert visitor.sign_in().status_code == 303
    former = idp.keys[0]
    idp.keys = [key("second")]

    assert visitor.sign_in().status_code == 303

    idp.sign, idp.header = _by(former), {"kid": "first"}
    assert refused(visitor.sign_in())


# The provider


@on_one_database
@pytest.mark.parametrize("place", ["openid-configuration", "jwks"])
@pytest.mark.parametrize(
    "answer",
    [
        Response(status_code=500),
        Response("<html>", 200),
        Response("[" * 100_000, 200),
        Response('"text"', 200),
        Response("{}", 200),
        Response('{"issuer": "https://evil.example", "keys": 7}', 200),
        Response(b"\x1f\x8b", 200, {"Content-Encoding": "gzip"}),
        Response("x" * 300_000, 200),
        RedirectResponse("https://evil.example/"),
    ],
    ids=["fails", "html", "deep", "text", "empty", "another", "compressed", "large", "elsewhere"],
)
def test_a_provider_that_describes_itself_badly_is_unavailable(place: str, answer: Response, visitor: Browser) -> None:
    visitor.idp.answers[place] = answer

    refusal = visitor.get("/login")

    assert refused(refusal, 503, "provider_unavailable")
    assert int(refusal.headers["Retry-After"]) > 0
    assert visitor.cookies == {}


@on_one_database
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, ""),
        (200, "<html>"),
        (200, "[" * 100_000),
        (200, "[]"),
        (200, '{"id_token": 7}'),
        (200, '{"expires_in": 1e999, "id_token": "x"}'),
        (400, '{"error": {"a": 1}}'),
        (401, '{"error": "invalid_client"}'),
        (200, "x" * 300_000),
    ],
)
def test_a_provider_that_gives_no_token_is_unavailable(status: int, body: str, visitor: Browser) -> None:
    visitor.idp.answers["token"] = Response(body, status, media_type="application/json")
    assert refused(visitor.sign_in(), 503, "provider_unavailable")


@on_one_database
def test_an_answer_without_an_id_token_signs_nobody_in(visitor: Browser) -> None:
    visitor.idp.answers["token"] = Response('{"access_token": "a", "token_type": "Bearer"}', 200)
    assert refused(visitor.sign_in())


@on_one_database
@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": f"{ISSUER}/"},
        {"token_endpoint": "http://idp.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ],
)
def test_a_provider_that_would_lead_elsewhere_is_unavailable(metadata: Claims, visitor: Browser) -> None:
    visitor.idp.metadata = metadata
    assert refused(visitor.get("/login"), 503, "provider_unavailable")


@on_one_database
def test_a_provider_that_says_too_much_is_unavailable(visitor: Browser) -> None:
    visitor.idp.metadata = {"padding": "x" * 300_000}
    assert refused(visitor.get("/login"), 503, "provider_unavailable")


@on_one_database
def test_nothing_is_decompressed(visitor: Browser) -> None:
    packed = compress(to_json(visitor.idp.description()))
    visitor.idp.answers["openid-configuration"] = Response(packed, 200, {"Content-Encoding": "gzip"})
    assert refused(visitor.get("/login"), 503, "provider_unavailable")


@on_one_database
def test_a_provider_that_cannot_be_reached_is_unavailable(visitor: Browser) -> None:
    state = visitor.client.app.state
    nowhere = replace(state.sign_in.provider.registration, issuer="http://127.0.0.1:9")
    state.sign_in = replace(state.sign_in, provider=Provider(nowhere, visitor.idp.clock, seconds=5.0))
    assert refused(visitor.get("/login"), 503, "provider_unavailable")


@on_one_database
def test_a_silent_provider_is_waited_for_a_bounded_time(visitor: Browser) -> None:
    back = visitor.come_back()
    visitor.idp.is_silent = True
    assert refused(visitor.get(back), 503, "provider_unavailable")


@on_one_database
def test_a_provider_that_comes_back_is_asked_again(visitor: Browser) -> None:
    visitor.idp.answers["jwks"] = Response(status_code=502)
    assert visitor.get("/login").status_code == 503
    visitor.idp.answers.clear()
    assert visitor.sign_in().status_code == 303


@on_one_database
def test_documents_of_a_provider_that_fails_then_sign_nobody_in(bank: ReadyBank, visitor: Browser) -> None:
    holder = person()
    bank.award(holder=holder)
    visitor.idp.userinfo = told(holder)
    visitor.idp.answers["userinfo"] = StreamingResponse(iter(["x" * 200_000, "x" * 200_000]))
    assert refused(visitor.sign_in(sub="learner"), 503, "provider_unavailable")
