"""Signing in: learners by their documents, members by issuer and subject, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from creditbank.domain.instants import instant_text
from creditbank.vault import sessions
from tests.api.bank import ReadyBank, certificate, person
from tests.web.browser import SESSION, SIGN_IN, Browser, colleague, told
from tests.web.provider import ISSUER


def test_a_learner_sees_the_own_account_and_no_other(bank: ReadyBank, browser: Browser) -> None:
    holder, other = person(), bank.award()["account_id"]
    account = bank.award(holder=holder)["account_id"]

    landed = browser.sign_in("/login?return_to=/v1/session", sub="learner-1", **told(holder))

    assert (landed.status_code, landed.headers["location"]) == (303, "/v1/session")
    assert set(browser.cookies) == {SESSION}
    me = browser.get("/v1/session").json()
    assert (me["role"], me["account_id"], me["person"]) == ("learner", account, account)
    assert browser.get(f"/v1/accounts/{account}/balance").status_code == 200
    assert browser.get(f"/v1/accounts/{other}/balance").status_code == 404


def test_a_document_is_compared_in_its_one_form(bank: ReadyBank, browser: Browser) -> None:
    document = {"type": "LOCAL", "number": "HB-2026X7 "}
    account = bank.award(holder={"name": "李华", "document": document})["account_id"]

    browser.sign_in(sub="learner-1", document_type="LOCAL", document_number="ｈｂ-2026x7")

    assert browser.get("/v1/session").json()["account_id"] == account


def test_a_name_finds_nobody(bank: ReadyBank, browser: Browser) -> None:
    bank.award(holder={**person(), "name": "欧阳小明"})

    refused = browser.sign_in(sub="learner-1", name="欧阳小明", document_type="LOCAL", document_number="HB-NOBODY")

    assert (refused.status_code, refused.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert "account_unknown" in refused.text
    assert browser.cookies == {}


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"document_type": "LOCAL"},
        {"document_number": "HB-1"},
        {"document_type": "CN-RIC", "document_number": "110101199003070000"},
        {"document_type": "TATTOO", "document_number": "HB-00000001"},
        {"document_type": ["LOCAL"], "document_number": {"a": 1}},
        {"document_type": "LOCAL", "document_number": "HB-1" * 100},
    ],
)
def test_without_a_document_that_can_be_read_nobody_is_signed_in(claims: dict[str, Any], browser: Browser) -> None:
    refused = browser.sign_in(sub="learner-1", **claims)

    assert refused.status_code == 403
    assert "identity_incomplete" in refused.text
    assert browser.cookies == {}


def test_claims_that_are_not_in_the_token_are_asked_for(bank: ReadyBank, browser: Browser) -> None:
    holder = person()
    account = bank.award(holder=holder)["account_id"]
    browser.idp.userinfo = told(holder)

    browser.sign_in(sub="learner-1")

    assert browser.get("/v1/session").json()["account_id"] == account


def test_claims_about_somebody_else_are_not_taken(bank: ReadyBank, browser: Browser) -> None:
    holder = person()
    bank.award(holder=holder)
    browser.idp.userinfo = {**told(holder), "sub": "another"}

    assert "sign_in_failed" in browser.sign_in(sub="learner-1").text
    assert browser.cookies == {}


def test_a_member_acts_for_the_organisation_and_is_named_in_events(bank: ReadyBank, browser: Browser) -> None:
    clerk = colleague(bank)

    browser.sign_in(sub=clerk.subject)

    me = browser.get("/v1/session").json()
    assert (me["role"], me["organisation"], me["person"]) == ("issuer", "BIM-EVAL", clerk.member_id)
    assert me["credential"].startswith("session-")
    posted = browser.post("/v1/certificates", certificate(), **{"Idempotency-Key": "by-hand-1"})
    assert posted.status_code == 201, posted.text
    events = bank.authority.get(f"/v1/accounts/{posted.json()['account_id']}/events").json()["items"]
    assert {event["actor"] for event in events} == {f"BIM-EVAL:{clerk.member_id}"}


def test_a_session_ends_with_the_membership_at_the_latest(bank: ReadyBank, browser: Browser) -> None:
    body = {"subject": "passing", "role": "auditor", "organisation": "AUDIT", "expires_at": "2026-11-24T23:59:00Z"}
    bank.authority.post("/v1/members", body)
    browser.sign_in(sub="passing")
    session_id = browser.get("/v1/session").json()["credential"]
    with bank.core.engine.connect() as connection:
        session = sessions.named(connection, session_id)
    assert session is not None
    assert instant_text(session.expires_at) == "2026-11-24T23:59:00.000000Z"


def test_a_member_who_learns_chooses_to_be_here_as_a_learner(bank: ReadyBank, browser: Browser) -> None:
    holder = person()
    account = bank.award(holder=holder)["account_id"]
    both = colleague(bank, "institution", "HBVTC")

    browser.sign_in(sub=both.subject, **told(holder))
    assert browser.get("/v1/session").json()["role"] == "institution"
    browser.sign_in("/login?as=learner")
    assert browser.get("/v1/session").json()["account_id"] == account


def test_the_same_subject_of_another_issuer_is_nobody(bank: ReadyBank, browser: Browser) -> None:
    body = {"issuer": f"{ISSUER}/", "subject": "officer", "role": "authority"}
    assert bank.authority.post("/v1/members", body).status_code == 201

    assert browser.sign_in(sub="officer").status_code == 403


def test_a_member_of_a_suspended_organisation_is_refused(bank: ReadyBank, browser: Browser) -> None:
    clerk = colleague(bank)
    browser.sign_in(sub=clerk.subject)
    bank.authority.post("/v1/organisations/BIM-EVAL/suspension", {"reason": "x"})

    assert browser.get("/v1/session").status_code == 401
    assert "organisation_suspended" in browser.sign_in().text

    bank.authority.post("/v1/organisations/BIM-EVAL/reinstatement", {"reason": "x"})
    assert browser.get("/v1/session").status_code == 200


def test_whoever_signs_in_again_has_another_session_and_the_former_one_is_over(
    bank: ReadyBank, browser: Browser
) -> None:
    clerk = colleague(bank)
    browser.sign_in(sub=clerk.subject)
    assert browser.get("/v1/session").status_code == 200
    former = dict(browser.cookies)

    browser.sign_in()

    assert browser.cookies[SESSION] != former[SESSION]
    assert browser.get("/v1/session").status_code == 200
    browser.cookies = former
    assert browser.get("/v1/session").status_code == 401


def test_a_session_that_somebody_has_planted_is_not_continued(bank: ReadyBank, browser: Browser) -> None:
    clerk = colleague(bank)
    attacker = Browser(client=bank.client, idp=browser.idp)
    attacker.sign_in(sub=clerk.subject)
    planted = attacker.cookies[SESSION]

    browser.cookies[SESSION] = planted
    holder = person()
    bank.award(holder=holder)
    browser.sign_in(sub="victim", **told(holder))

    assert browser.cookies[SESSION] != planted
    assert attacker.get("/v1/session").status_code == 401


def test_whoever_leaves_is_nobody_here_and_in_the_database(bank: ReadyBank, browser: Browser) -> None:
    clerk = colleague(bank)
    browser.sign_in(sub=clerk.subject)
    kept = dict(browser.cookies)

    left = browser.post("/logout", Accept="text/html")

    assert (left.status_code, browser.cookies) == (200, {})
    assert "signed out" in left.text
    browser.cookies = kept
    assert browser.get("/v1/session").status_code == 401
    assert browser.post("/logout").status_code == 200


def test_the_first_page_says_who_is_signed_in(bank: ReadyBank, browser: Browser) -> None:
    clerk = colleague(bank)
    assert 'href="/login"' in browser.get("/").text

    browser.sign_in(sub=clerk.subject)

    page = browser.get("/", **{"Accept-Language": "zh"}).text
    assert "培训评价组织" in page
    assert "BIM-EVAL" in page
    assert 'action="/logout"' in page
    browser.cookies[SESSION] = "x" * 43
    assert 'href="/login"' in browser.get("/").text
    assert browser.cookies == {}, "a session that is over is taken from the browser"


def test_a_cookie_that_comes_twice_is_not_believed(bank: ReadyBank, browser: Browser) -> None:
    clerk = colleague(bank)
    browser.sign_in(sub=clerk.subject)
    own = browser.cookies[SESSION]

    for values in ((own, "x" * 43), ("x" * 43, own), (own, own)):
        tossed = {"Cookie": "; ".join(f"{SESSION}={value}" for value in values)}
        assert bank.client.get("/v1/session", headers=tossed).status_code == 401
    assert browser.get("/v1/session").status_code == 200
    assert SIGN_IN not in browser.cookies


# When somebody proved who it is


def proved(browser: Browser) -> str | None:
    """When the person of the session last did so."""
    told: str | None = browser.get("/v1/session").json()["authenticated_at"]
    return told


def test_a_proof_is_as_old_as_the_provider_says(bank: ReadyBank, browser: Browser) -> None:
    browser.idp.person = {"sub": colleague(bank, "authority", None).subject}
    now = bank.clock() // 1_000_000

    browser.idp.claims = {"auth_time": now - 3_600}
    assert browser.sign_in().status_code == 303
    assert proved(browser) == instant_text((now - 3_600) * 1_000_000)
    erasure = f"/v1/accounts/{bank.account()}/erasure"
    refused = browser.post(erasure, {"reason": "x"}, **{"Idempotency-Key": f"erase-{now}"})
    assert (refused.status_code, refused.json()["code"]) == (403, "reauthentication_required")

    browser.idp.claims = {"auth_time": now + 3_600}
    browser.sign_in()
    assert str(proved(browser)) <= instant_text(bank.clock())


def test_a_proof_of_which_nothing_is_told_is_not_fresh(bank: ReadyBank, browser: Browser) -> None:
    browser.idp.claims = {"auth_time": None}
    browser.sign_in(sub=colleague(bank, "authority", None).subject)

    assert proved(browser) is None
    refused = browser.post(
        f"/v1/accounts/{bank.account()}/erasure", {"reason": "x"}, **{"Idempotency-Key": "erase-untold"}
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "reauthentication_required")


@pytest.mark.parametrize("told", [None, -120, -3_600])
def test_a_new_proof_that_was_asked_for_must_be_one(told: int | None, bank: ReadyBank, browser: Browser) -> None:
    browser.idp.claims = {"auth_time": None if told is None else bank.clock() // 1_000_000 + told}
    refused = browser.sign_in("/login?max_age=0", sub=colleague(bank).subject)
    assert "sign_in_failed" in refused.text
    assert browser.cookies == {}


def test_a_new_proof_lets_a_member_do_what_cannot_be_undone(bank: ReadyBank, browser: Browser) -> None:
    browser.sign_in("/login?max_age=0", sub=colleague(bank, "authority", None).subject)
    erased = browser.post(f"/v1/accounts/{bank.account()}/erasure", {"reason": "x"}, **{"Idempotency-Key": "erase-new"})
    assert erased.status_code == 200, erased.text
