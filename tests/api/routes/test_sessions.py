"""Sessions as credentials: for how long, of whom, from which pages, ended by whom, and how fast everywhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import Engine

from creditbank.api.access import MATRIX, STEP_UP
from creditbank.api.freshness import FRESH_MICROSECONDS
from creditbank.vault import sessions
from tests.api.bank import Caller, ReadyBank, open_app, person
from tests.api.sessions import session_of

COOKIE = "creditbank-local-8000"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}
HOUR = 3_600 * 1_000_000
REASON = {"reason": "x"}


class Visitor(Caller):
    """Somebody who has a session, on pages of the bank."""

    def headers(self, more: Any = None) -> dict[str, str]:
        return {"Cookie": f"{COOKIE}={self.token}", **OWN_PAGE, **dict(more or {})}


def added(bank: ReadyBank, role: str, organisation: str | None = None) -> str:
    """The id of a new member."""
    body = {"issuer": "https://idp.example", "subject": sessions.new_secret(), "role": role}
    answer = bank.authority.post("/v1/members", {**body, "organisation": organisation})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["member_id"])


def visitor(bank: ReadyBank, member_id: str | None = None, account_id: str | None = None) -> Visitor:
    """A session of a member or a learner who has just signed in."""
    secret = sessions.new_secret()
    session_of(bank.core, member_id, account_id, secret)
    return Visitor(bank.client, secret)


def outcome(answer: Response) -> tuple[int, str | None]:
    return answer.status_code, None if answer.is_success else answer.json()["code"]


def id_of(one: Visitor) -> str:
    return str(one.get("/v1/session").json()["credential"])


MEMBERS = [("authority", None), ("issuer", "BIM-EVAL"), ("institution", "HBVTC"), ("auditor", "AUDIT")]


@pytest.mark.parametrize(("role", "organisation"), MEMBERS)
def test_a_member_is_who_the_authority_said(bank: ReadyBank, role: str, organisation: str | None) -> None:
    member = added(bank, role, organisation)
    here, there = visitor(bank, member), visitor(bank, member)

    me = here.get("/v1/session").json()

    assert (me["role"], me["organisation"], me["person"], me["account_id"]) == (role, organisation, member, None)
    listed = here.get("/v1/sessions").json()["items"]
    assert [(one["session_id"], one["is_current"]) for one in listed] == [(id_of(here), True), (id_of(there), False)]
    assert outcome(here.delete(f"/v1/sessions/{id_of(there)}")) == (204, None)
    assert outcome(there.get("/v1/session")) == (401, "unauthenticated")
    assert outcome(here.delete(f"/v1/sessions/{id_of(here)}")) == (204, None)
    assert outcome(here.get("/v1/session")) == (401, "unauthenticated")


def test_a_learner_has_sessions_too(bank: ReadyBank) -> None:
    account = bank.account()
    here, there = visitor(bank, account_id=account), visitor(bank, account_id=account)

    assert here.get("/v1/session").json()["account_id"] == account
    assert len(here.get("/v1/sessions").json()["items"]) == 2
    assert len(bank.learner(account).get("/v1/sessions").json()["items"]) == 2
    assert outcome(here.delete(f"/v1/sessions/{id_of(there)}")) == (204, None)
    assert outcome(there.get("/v1/session")) == (401, "unauthenticated")


def test_a_session_goes_with_the_account_and_ends_with_it(bank: ReadyBank) -> None:
    survivor, merged = bank.account(), bank.account()
    learner = visitor(bank, account_id=merged)
    bank.authority.post(f"/v1/accounts/{survivor}/merge", {**REASON, "merged": merged})
    bank.clock.pass_by(FRESH_MICROSECONDS + 1)
    assert learner.get("/v1/session").json()["account_id"] == survivor
    assert outcome(learner.get(f"/v1/accounts/{survivor}")) == (200, None)

    account = bank.account()
    erased = visitor(bank, account_id=account)
    assert erased.get("/v1/session").status_code == 200
    assert bank.authority.post(f"/v1/accounts/{account}/erasure", REASON).status_code == 200
    bank.clock.pass_by(FRESH_MICROSECONDS + 1)
    assert outcome(erased.get("/v1/session")) == (401, "unauthenticated")


def test_a_session_by_a_document_that_was_recorded_in_error_is_over(bank: ReadyBank) -> None:
    account = bank.account()
    learner = visitor(bank, account_id=account)
    correction = {"holder": {"document": person()["document"]}, "cause": "error", **REASON}
    assert bank.authority.post(f"/v1/accounts/{account}/correction", correction).status_code == 200
    assert outcome(learner.get("/v1/session")) == (401, "unauthenticated")


def test_nobody_ends_the_session_of_another_but_the_authority(bank: ReadyBank) -> None:
    member = added(bank, "issuer", "BIM-EVAL")
    one, other = visitor(bank, member), visitor(bank, added(bank, "issuer", "BIM-EVAL"))
    learner = visitor(bank, account_id=bank.account())

    for stranger in (other, learner, bank.issuer):
        assert outcome(stranger.delete(f"/v1/sessions/{id_of(one)}")) == (404, "not_found")
        assert outcome(stranger.get(f"/v1/sessions?member={member}")) == (403, "forbidden")
        assert id_of(one) not in stranger.get("/v1/sessions").text
    assert [item["session_id"] for item in bank.authority.get(f"/v1/sessions?member={member}").json()["items"]] == [
        id_of(one)
    ]
    assert outcome(bank.authority.delete(f"/v1/sessions/{id_of(one)}")) == (204, None)
    assert outcome(one.get("/v1/session")) == (401, "unauthenticated")


def test_a_removed_member_is_nobody_at_once(bank: ReadyBank) -> None:
    member = added(bank, "issuer", "BIM-EVAL")
    one = visitor(bank, member)
    assert one.get("/v1/session").status_code == 200

    assert outcome(bank.authority.delete(f"/v1/members/{member}")) == (204, None)

    assert outcome(one.get("/v1/session")) == (401, "unauthenticated")
    assert outcome(visitor(bank, member).get("/v1/session")) == (401, "unauthenticated")


def test_another_process_notices_within_two_seconds(own_bank: ReadyBank, database_url: str, tmp_path: Path) -> None:
    assert FRESH_MICROSECONDS < 2_000_000
    clerk, leaver = added(own_bank, "issuer", "BIM-EVAL"), added(own_bank, "issuer", "BIM-EVAL")
    with open_app(database_url, tmp_path, own_bank.clock) as other:
        here = [visitor(own_bank, member) for member in (clerk, clerk, leaver)]
        there = [Visitor(other, one.token) for one in here]
        assert [one.get("/v1/session").status_code for one in there] == [200, 200, 200]

        own_bank.client.post("/logout", headers=here[0].headers())
        own_bank.authority.delete(f"/v1/sessions/{id_of(here[1])}")
        own_bank.authority.delete(f"/v1/members/{leaver}")
        own_bank.clock.pass_by(FRESH_MICROSECONDS + 1)

        assert [one.get("/v1/session").status_code for one in there] == [401, 401, 401]


def test_a_session_lasts_eight_hours_from_its_last_use_and_a_day_at_most(own_bank: ReadyBank) -> None:
    member = added(own_bank, "issuer", "BIM-EVAL")
    used, idle = visitor(own_bank, member), visitor(own_bank, member)
    for _ in range(3):
        own_bank.clock.pass_by(7 * HOUR)
        assert used.get("/v1/session").status_code == 200
    assert outcome(idle.get("/v1/session")) == (401, "unauthenticated")
    own_bank.clock.pass_by(4 * HOUR)
    assert outcome(used.get("/v1/session")) == (401, "unauthenticated")


def test_a_use_is_written_down_for_the_other_processes(own_bank: ReadyBank, database_url: str, tmp_path: Path) -> None:
    one = visitor(own_bank, added(own_bank, "issuer", "BIM-EVAL"))
    own_bank.clock.pass_by(7 * HOUR)
    assert one.get("/v1/session").status_code == 200
    own_bank.client.app.state.authenticator.sessions.uses.write()
    own_bank.clock.pass_by(7 * HOUR)
    with open_app(database_url, tmp_path, own_bank.clock) as other:
        assert Visitor(other, one.token).get("/v1/session").status_code == 200


def test_a_clock_that_is_set_back_makes_no_session_last_longer_than_a_day(own_bank: ReadyBank) -> None:
    one = visitor(own_bank, added(own_bank, "issuer", "BIM-EVAL"))
    own_bank.clock.pass_by(-2 * HOUR)
    until = one.get("/v1/session").json()["expires_at"]
    own_bank.clock.pass_by(11 * HOUR)
    assert outcome(one.get("/v1/session")) == (401, "unauthenticated")
    assert until.startswith("2026-11-24T20:")


@pytest.mark.parametrize("path", ["/v1/organisations", "/v1/accounts/lookup"])
def test_a_page_of_another_site_changes_nothing_with_a_session(bank: ReadyBank, path: str) -> None:
    one = visitor(bank, added(bank, "authority"))
    cross = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}

    assert outcome(one.post(path, {"x": 1}, headers=cross)) == (403, "cross_site_request")
    assert outcome(bank.client.delete("/v1/members/x", headers={"Cookie": f"{COOKIE}={one.token}"})) == (
        403,
        "cross_site_request",
    )
    assert one.get("/v1/organisations", headers=cross).status_code == 200


def test_leaving_is_a_matter_of_the_banks_own_pages(bank: ReadyBank) -> None:
    one = visitor(bank, added(bank, "authority"))
    cross = one.headers({"Sec-Fetch-Site": "cross-site"})
    assert outcome(bank.client.post("/logout", headers=cross)) == (403, "cross_site_request")
    assert bank.client.get("/logout", headers=one.headers()).status_code == 405
    assert one.get("/v1/session").status_code == 200


def test_a_request_with_a_key_is_judged_by_the_key_alone(bank: ReadyBank) -> None:
    one = visitor(bank, added(bank, "authority"))
    with_both = one.headers({"Authorization": f"Bearer {bank.issuer.token}", "Sec-Fetch-Site": "cross-site"})
    with_another = one.headers({"Authorization": "Bearer cb_nobody"})

    assert bank.client.get("/v1/session", headers=with_both).json()["organisation"] == "BIM-EVAL"
    assert outcome(bank.client.post("/v1/members", json={}, headers=with_both)) == (403, "forbidden")
    assert outcome(bank.client.get("/v1/session", headers=with_another)) == (401, "unauthenticated")


def test_sessions_are_no_matter_of_requests_with_keys(own_bank: ReadyBank) -> None:
    state = own_bank.client.app.state
    state.authenticator = replace(state.authenticator, sessions=None)
    assert own_bank.issuer.get("/v1/organisations").status_code == 200


def test_a_learner_is_told_which_member_looked(bank: ReadyBank) -> None:
    account = bank.award()["account_id"]
    member = added(bank, "authority")
    for one in (visitor(bank, member), visitor(bank, member)):
        assert one.get(f"/v1/accounts/{account}").status_code == 200

    looks = bank.learner(account).get(f"/v1/accounts/{account}/accesses").json()["items"]

    assert [look["actor"]["credential"] for look in looks if look["actor"]["role"] == "authority"] == [member]


@pytest.mark.parametrize("secret", ["", "x", "x" * 43, "é" * 43, "session-0123456789abcdef", "x" * 4000])
def test_a_cookie_that_is_no_session_is_refused(bank: ReadyBank, secret: str) -> None:
    headers = {"Cookie": f"{COOKIE}={secret}".encode()}
    assert outcome(bank.client.get("/v1/session", headers=headers)) == (401, "unauthenticated")


def test_of_a_session_only_a_hash_is_stored(own_bank: ReadyBank, engine: Engine) -> None:
    one = visitor(own_bank, added(own_bank, "issuer", "BIM-EVAL"))
    with engine.connect() as connection:
        [row] = connection.exec_driver_sql("SELECT * FROM session").all()
    assert str(one.token) not in str(tuple(row))


# Acts that want somebody who has just signed in


def test_only_what_the_matrix_allows_can_want_a_fresh_sign_in() -> None:
    assert all(roles <= MATRIX[operation].keys() for operation, roles in STEP_UP.items())


def test_what_cannot_be_undone_wants_somebody_who_has_just_signed_in(own_bank: ReadyBank) -> None:
    member, account, merged = added(own_bank, "authority"), own_bank.account(), own_bank.account()
    officer = visitor(own_bank, member)
    erase, merge = f"/v1/accounts/{account}/erasure", f"/v1/accounts/{account}/merge"
    body = {**REASON, "merged": merged}

    own_bank.clock.pass_by(10 * 60 * 1_000_000 + 1)
    assert outcome(officer.post(erase, REASON)) == (403, "reauthentication_required")
    assert outcome(officer.post(merge, body)) == (403, "reauthentication_required")
    assert outcome(officer.post(f"/v1/accounts/{account}/suspension", REASON)) == (200, None)
    assert outcome(own_bank.authority.post(f"/v1/accounts/{account}/reinstatement", REASON)) == (200, None)

    again = visitor(own_bank, member)
    assert outcome(again.post(merge, body))[0] == 200
    assert outcome(again.post(erase, REASON))[0] == 200


def test_an_export_for_an_auditor_wants_it_too_and_one_for_its_learner_does_not(own_bank: ReadyBank) -> None:
    account = own_bank.award()["account_id"]
    auditor = visitor(own_bank, added(own_bank, "auditor", "AUDIT"))
    learner = visitor(own_bank, account_id=account)
    path = f"/v1/accounts/{account}/export"
    assert [outcome(one.get(path))[0] for one in (auditor, learner)] == [200, 200]

    own_bank.clock.pass_by(HOUR)

    assert outcome(auditor.get(path)) == (403, "reauthentication_required")
    assert outcome(auditor.get(f"/v1/accounts/{account}/balance")) == (200, None)
    assert outcome(learner.get(path))[0] == 200
    assert outcome(own_bank.auditor.get(path))[0] == 200


def test_the_second_person_of_such_an_act_must_have_just_signed_in(own_bank: ReadyBank) -> None:
    own_bank.client.app.state.two_persons = frozenset({"erasure"})
    first, second = added(own_bank, "authority"), added(own_bank, "authority")
    asking, approving = visitor(own_bank, first), visitor(own_bank, second)
    asked = asking.post(f"/v1/accounts/{own_bank.account()}/erasure", REASON)
    assert asked.status_code == 202, asked.text
    path = f"/v1/approvals/{asked.json()['approval_id']}"

    assert outcome(visitor(own_bank, first).post(path)) == (409, "second_person_needed")
    own_bank.clock.pass_by(HOUR)
    assert outcome(approving.post(path)) == (403, "reauthentication_required")
    assert outcome(visitor(own_bank, second).post(path))[0] == 200
