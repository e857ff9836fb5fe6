"""Two persons: an act waits for the second one, is decided anew, and names both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from creditbank.app import create_app
from creditbank.domain.acts import ActName
from creditbank.settings import Settings
from tests.api.bank import TODAY, Caller, ReadyBank, open_app, person, wish, wishes
from tests.api.machines import machine

NOWHERE = "0192f0c1-2d3e-7f40-8a5b-6c7d8e9f0a1b"
REASON = {"reason": "x"}
RULES = {"caps": []}


@pytest.fixture
def strict(bank: ReadyBank) -> Iterator[ReadyBank]:
    """The shared bank, which wants two persons for everything that it may want them for."""
    bank.client.app.state.two_persons = frozenset(get_args(ActName))
    yield bank
    bank.client.app.state.two_persons = frozenset()


def _ask(bank: ReadyBank, act: str) -> Callable[..., Any]:
    """How the first person asks for an act on objects of its own; each call asks for the same thing again."""
    match act:
        case "erasure":
            path, caller, body = f"/v1/accounts/{bank.account()}/erasure", bank.authority, REASON
        case "merge":
            path, caller = f"/v1/accounts/{bank.account()}/merge", bank.authority
            body = {**REASON, "merged": bank.account()}
        case "accreditation-withdrawal":
            given = {"standard": "BIM", "levels": ["初级"], "valid_from": "2019-04-01"}
            made = bank.authority.post("/v1/organisations/OTHER-EVAL/accreditations", given).json()["accreditation_id"]
            path, caller = f"/v1/organisations/OTHER-EVAL/accreditations/{made}/withdrawal", bank.authority
            body = {**REASON, "effective_from": "2026-01-01"}
        case "revocation-in-use":
            path, caller, body = f"/v1/certificates/{_used(bank)['certificate_id']}/revocation", bank.issuer, REASON
        case _:
            path, caller = f"/v1/rulebooks/two-{bank.account()[-12:]}/versions", bank.institution
            body = {"rules": RULES}
    return lambda **more: caller.post(path, body, **more)


def _used(bank: ReadyBank) -> dict[str, Any]:
    """A certificate on which an exemption rests."""
    holder = person()
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    exempted = bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], wish(awarded, "C2")))
    assert exempted.status_code == 201, exempted.text
    return awarded


def _second(bank: ReadyBank, act: str) -> Caller:
    """Another person's key, of the same role and organisation as the first one's."""
    role, code = {
        "revocation-in-use": ("issuer", "BIM-EVAL"),
        "rulebook-publication": ("institution", "HBVTC"),
    }.get(act, ("authority", None))
    return bank.caller(role, code)


def _approve(caller: Caller, asked: Any, **more: Any) -> Any:
    return caller.post(f"/v1/approvals/{asked.json()['approval_id']}", **more)


def _state(bank: ReadyBank, asked: Any) -> str:
    return str(bank.auditor.get(f"/v1/approvals/{asked.json()['approval_id']}").json()["state"])


ACTS = pytest.mark.parametrize("act", get_args(ActName))


def test_the_settings_know_the_acts_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITBANK_TWO_PERSONS", ", ".join(get_args(ActName)))
    assert create_app(Settings()).state.two_persons == set(get_args(ActName))

    monkeypatch.setenv("CREDITBANK_TWO_PERSONS", "erasure,suspension")
    with pytest.raises(ValidationError, match="two_persons"):
        Settings()


def test_nobody_waits_where_the_bank_wants_one_person(bank: ReadyBank) -> None:
    for act in get_args(ActName):
        assert _ask(bank, act)().status_code in (200, 201), act


# The first person


@ACTS
def test_one_alone_gets_202_and_nothing_is_done(strict: ReadyBank, act: str) -> None:
    ask, before = _ask(strict, act), strict.events()

    asked = ask()

    assert asked.status_code == 202, asked.text
    assert asked.json() == {
        "approval_id": asked.json()["approval_id"],
        "act": act,
        "state": "pending",
        "expires_at": asked.json()["expires_at"],
    }
    assert asked.headers["Location"] == f"/v1/approvals/{asked.json()['approval_id']}"
    assert strict.events() == before + 1


@ACTS
def test_asking_again_under_the_same_key_is_the_same_request(strict: ReadyBank, act: str) -> None:
    ask = _ask(strict, act)

    first, again = ask(key=f"two-{act}"), ask(key=f"two-{act}")

    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]


def test_what_is_impossible_is_refused_at_once(strict: ReadyBank) -> None:
    account, closed, awarded = strict.account(), strict.account(), strict.award()["certificate_id"]
    strict.authority.post(f"/v1/accounts/{closed}/closure", REASON)
    authority, before = strict.authority, strict.events()

    refused = [
        authority.post(f"/v1/accounts/{NOWHERE}/erasure", REASON),
        authority.post(f"/v1/accounts/{account}/erasure", REASON, headers={"If-Match": '"9"'}),
        authority.post(f"/v1/accounts/{account}/merge", {**REASON, "merged": closed}),
        authority.post(f"/v1/accounts/{account}/merge", {**REASON, "merged": account}),
        authority.post(
            f"/v1/organisations/BIM-EVAL/accreditations/{NOWHERE}/withdrawal",
            {**REASON, "effective_from": "2026-01-01"},
        ),
        strict.other_issuer.post(f"/v1/certificates/{awarded}/revocation", REASON),
        strict.other_institution.post("/v1/rulebooks/hbvtc-x/versions", {"rules": RULES}),
        strict.institution.post("/v1/rulebooks/hbvtc-x/versions", {"rules": {"caps": 1}}),
        strict.issuer.post(f"/v1/accounts/{account}/erasure", REASON),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [
        (404, "not_found"),
        (412, "precondition_failed"),
        (409, "wrong_state"),
        (422, "validation_failed"),
        (404, "not_found"),
        (404, "not_found"),
        (403, "forbidden"),
        (422, "validation_failed"),
        (403, "forbidden"),
    ]
    assert strict.events() == before


def test_a_certificate_that_nothing_rests_on_is_revoked_by_one(strict: ReadyBank) -> None:
    awarded = strict.award()

    answer = strict.issuer.post(f"/v1/certificates/{awarded['certificate_id']}/revocation", REASON)

    assert (answer.status_code, answer.json()["status"]) == (200, "revoked")


def test_a_reservation_is_a_use_too(strict: ReadyBank) -> None:
    holder = person()
    awarded = strict.award(holder=holder)
    strict.deal(holder)
    held = wishes(awarded["account_id"], wish(awarded, "C2"), expires_at="2026-12-01T00:00:00Z")
    assert strict.institution.post("/v1/reservations", held).status_code == 201

    answer = strict.issuer.post(f"/v1/certificates/{awarded['certificate_id']}/revocation", REASON)

    assert answer.status_code == 202


# The second person


@ACTS
def test_another_person_approves_and_gets_what_the_act_answers(strict: ReadyBank, act: str) -> None:
    asked = _ask(strict, act)()

    approved = _approve(_second(strict, act), asked)

    status, member, value = {
        "erasure": (200, "status", "erased"),
        "merge": (200, "status", "open"),
        "accreditation-withdrawal": (200, "withdrawn_from", "2026-01-01"),
        "revocation-in-use": (200, "status", "revoked"),
        "rulebook-publication": (201, "version", 1),
    }[act]
    assert (approved.status_code, approved.json()[member]) == (status, value), approved.text
    assert _state(strict, asked) == "approved"
    if act == "erasure":
        assert approved.json()["receipt"]["account_id"] == approved.json()["account_id"]
    if act == "accreditation-withdrawal":
        job = strict.authority.get(f"/v1/jobs/{approved.json()['job_id']}").json()
        assert job["state"] == "finished"


@ACTS
def test_both_persons_stand_in_the_events(strict: ReadyBank, act: str) -> None:
    ask, second = _ask(strict, act), _second(strict, act)
    start = strict.end_of_feed()

    asked = ask()
    approved = _approve(second, asked)

    requested, given, *done = _appended_after(strict, start, asked)
    assert (requested["type"], requested["approved_by"]) == ("approval-requested/1", None)
    assert (given["type"], given["approved_by"]) == ("approval-given/1", None)
    assert given["actor"].endswith(str(second.token)[3:13])
    assert done
    assert {(item["actor"], item["approved_by"]) for item in done} == {(requested["actor"], given["actor"])}
    assert {item["causation"] for item in done} == {given["causation"]}
    assert {item["position"] for item in [given, *done]} >= set(approved.headers["Creditbank-Position"].split(","))


def _appended_after(bank: ReadyBank, start: str, asked: Any) -> list[dict[str, Any]]:
    """The request, and what the approval appended, the approval itself first."""
    items = bank.authority.get(f"/v1/events?limit=1000&cursor={start}").json()["items"]
    own = [item for item in items if item["stream"] == {"kind": "approval", "id": asked.json()["approval_id"]}]
    assert len(own) == 2
    return own + [item for item in items if item["causation"] == own[1]["causation"] and item != own[1]]


@ACTS
def test_the_same_person_is_not_another_one(strict: ReadyBank, act: str) -> None:
    ask = _ask(strict, act)
    asked = ask()
    first = {"revocation-in-use": strict.issuer, "rulebook-publication": strict.institution}.get(act, strict.authority)

    alone = _approve(first, asked)

    assert (alone.status_code, alone.json()["code"]) == (409, "second_person_needed")
    assert _state(strict, asked) == "pending"
    assert _approve(_second(strict, act), asked).is_success


def test_a_key_and_the_key_that_it_made_are_one_person(strict: ReadyBank) -> None:
    code = f"B{strict.account()[-12:]}".upper()
    child = strict.organisation(code, "authority")
    grandchild = Caller(
        strict.client, child.post(f"/v1/organisations/{code}/keys", {"role": "authority"}).json()["key"]
    )
    by_maker = strict.authority.post(f"/v1/accounts/{strict.account()}/erasure", REASON)
    by_child = grandchild.post(f"/v1/accounts/{strict.account()}/erasure", REASON)

    sibling = Caller(
        strict.client, strict.authority.post(f"/v1/organisations/{code}/keys", {"role": "authority"}).json()["key"]
    )

    callers = (child, grandchild), (child, strict.authority, sibling)
    for caller, asked in [(one, by_maker) for one in callers[0]] + [(one, by_child) for one in callers[1]]:
        refused = _approve(caller, asked)
        assert (refused.status_code, refused.json()["code"]) == (409, "second_person_needed")
    assert _approve(strict.caller("authority", code), by_child).status_code == 200


def test_two_keys_that_the_authority_made_for_an_issuer_are_two_persons(strict: ReadyBank) -> None:
    asked = _ask(strict, "revocation-in-use")()
    made = strict.authority.post("/v1/organisations/BIM-EVAL/keys", {"role": "issuer"}).json()

    assert _approve(Caller(strict.client, made["key"]), asked).status_code == 200


def test_a_client_and_the_key_that_registered_it_are_one_person(strict: ReadyBank) -> None:
    code = f"C{strict.account()[-12:]}".upper()
    strict.organisation(code, "authority")
    asked = strict.authority.post(f"/v1/accounts/{strict.account()}/erasure", REASON)
    own = machine(strict, organisation=code, role="authority").caller()

    assert _approve(own, asked).json()["code"] == "second_person_needed"
    assert _approve(strict.caller("authority", code), asked).status_code == 200


def test_what_changed_in_between_is_decided_anew(strict: ReadyBank) -> None:
    account, other = strict.account(), strict.account()
    matched = strict.authority.post(f"/v1/accounts/{account}/erasure", REASON, headers={"If-Match": '"1"'})
    merged = strict.authority.post(f"/v1/accounts/{account}/merge", {**REASON, "merged": other})
    assert (matched.status_code, merged.status_code) == (202, 202)
    second = strict.caller("authority")
    strict.authority.post(f"/v1/accounts/{account}/suspension", REASON)

    stale, closed = _approve(second, matched), _approve(second, merged)

    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert (closed.status_code, closed.json()["code"]) == (409, "account_not_open")
    assert {_state(strict, matched), _state(strict, merged)} == {"pending"}
    strict.authority.post(f"/v1/accounts/{account}/reinstatement", REASON)
    assert _approve(second, merged).status_code == 200


def test_what_is_settled_is_settled(strict: ReadyBank) -> None:
    asked, second = _ask(strict, "erasure")(), strict.caller("authority")
    _approve(second, asked)

    again = _approve(second, asked)
    refused = second.post(f"/v1/approvals/{asked.json()['approval_id']}/refusal", REASON)

    for answer in (again, refused):
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
        assert answer.json()["current_status"] == "approved"


def test_an_approval_is_repeated_under_its_key(strict: ReadyBank) -> None:
    asked, second = _ask(strict, "erasure")(), strict.caller("authority")

    first, again = _approve(second, asked, key="approve-once"), _approve(second, asked, key="approve-once")

    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Creditbank-Position"] == first.headers["Creditbank-Position"]


def test_of_many_who_approve_at_once_exactly_one_settles_it(strict: ReadyBank) -> None:
    asked, callers = _ask(strict, "erasure")(), [strict.caller("authority") for _ in range(8)]
    start = Barrier(len(callers))

    def approve(caller: Caller) -> Any:
        start.wait()
        return _approve(caller, asked)

    with ThreadPoolExecutor(len(callers)) as threads:
        answers = list(threads.map(approve, callers))

    codes = sorted((answer.status_code, answer.json().get("code", "")) for answer in answers)
    assert codes == [(200, "")] + [(409, "wrong_state")] * 7


# Refusals


def test_the_second_person_may_refuse(strict: ReadyBank) -> None:
    asked, second = _ask(strict, "merge")(), strict.caller("authority")
    path = f"/v1/approvals/{asked.json()['approval_id']}"

    refused = second.post(f"{path}/refusal", {"reason": "两人并非同一人"})

    assert (refused.status_code, refused.json()["state"]) == (200, "refused")
    assert refused.json() == strict.authority.get(path).json()
    assert refused.json()["reason"] == "两人并非同一人"
    assert refused.json()["decided_by"] != refused.json()["requested_by"]
    late = second.post(path)
    assert (late.status_code, late.json()["current_status"]) == (409, "refused")


def test_the_first_person_may_withdraw(strict: ReadyBank) -> None:
    asked = _ask(strict, "merge")()

    refused = strict.authority.post(f"/v1/approvals/{asked.json()['approval_id']}/refusal", REASON)

    assert (refused.status_code, refused.json()["state"]) == (200, "refused")
    assert refused.json()["decided_by"] == refused.json()["requested_by"]


def test_what_nobody_approves_expires_after_seven_days(own_bank: ReadyBank) -> None:
    own_bank.client.app.state.two_persons = frozenset({"erasure"})
    asked, second = _ask(own_bank, "erasure")(), own_bank.caller("authority")
    path = f"/v1/approvals/{asked.json()['approval_id']}"
    assert [one["approval_id"] for one in second.get("/v1/approvals").json()["items"]] == [asked.json()["approval_id"]]

    own_bank.clock.set(TODAY + timedelta(days=8))

    assert second.get("/v1/approvals").json()["items"] == []
    assert second.get(path).json()["state"] == "expired"
    for answer in (second.post(path), second.post(f"{path}/refusal", REASON)):
        assert (answer.status_code, answer.json()["current_status"]) == (409, "expired")


def test_what_waits_survives_a_restart(own_bank: ReadyBank) -> None:
    own_bank.client.app.state.two_persons = frozenset({"erasure"})
    asked, second = _ask(own_bank, "erasure")(), own_bank.caller("authority")
    settings = own_bank.client.app.state.settings

    with open_app(settings.database_url, settings.data_dir, own_bank.clock) as client:
        approved = _approve(Caller(client, second.token), asked)

    assert (approved.status_code, approved.json()["status"]) == (200, "erased")


# Who sees, and who may


def test_what_waits_is_listed_for_its_party_page_by_page(strict: ReadyBank) -> None:
    asked = [_ask(strict, "rulebook-publication")().json()["approval_id"] for _ in range(3)]

    first = strict.institution.get("/v1/approvals?limit=2").json()
    rest = strict.institution.get(f"/v1/approvals?limit=1000&cursor={first['next_cursor']}").json()

    listed = [one["approval_id"] for one in first["items"] + rest["items"]]
    assert listed == sorted(listed)
    assert set(asked) <= set(listed)
    assert {one["act"] for one in first["items"] + rest["items"]} == {"rulebook-publication"}
    assert strict.other_institution.get("/v1/approvals").json()["items"] == []


def test_a_foreign_approval_looks_like_a_missing_one(strict: ReadyBank) -> None:
    asked = _ask(strict, "rulebook-publication")().json()["approval_id"]
    of_authority = _ask(strict, "erasure")().json()["approval_id"]

    for caller, foreign in (
        (strict.other_institution, asked),
        (strict.issuer, asked),
        (strict.authority, asked),
        (strict.institution, of_authority),
    ):
        for ask in (
            lambda caller, one: caller.get(f"/v1/approvals/{one}"),
            lambda caller, one: caller.post(f"/v1/approvals/{one}"),
            lambda caller, one: caller.post(f"/v1/approvals/{one}/refusal", REASON),
        ):
            answers = [ask(caller, one) for one in (foreign, NOWHERE, strict.account())]
            assert {answer.status_code for answer in answers} == {404}
            assert len({answer.json()["detail"] for answer in answers}) == 1


def test_an_auditor_sees_what_waits_and_decides_nothing(strict: ReadyBank) -> None:
    asked = _ask(strict, "rulebook-publication")().json()["approval_id"]

    seen = strict.auditor.get(f"/v1/approvals/{asked}").json()

    assert (seen["act"], seen["asked"]["rules"]) == ("rulebook-publication", RULES)
    assert strict.auditor.post(f"/v1/approvals/{asked}").status_code == 403


def test_a_key_that_may_approve_but_not_do_the_act_approves_nothing(strict: ReadyBank) -> None:
    asked, code = _ask(strict, "erasure")(), f"S{strict.account()[-12:]}".upper()
    strict.organisation(code, "authority")

    def key(*scopes: str) -> Caller:
        root = strict.caller("authority")
        made = root.post(f"/v1/organisations/{code}/keys", {"role": "authority", "scopes": list(scopes)}).json()
        return Caller(strict.client, made["key"])

    assert _approve(key("approvals:decide", "accounts:merge"), asked).json()["code"] == "forbidden"
    assert _approve(key("approvals:read", "accounts:erase"), asked).json()["code"] == "forbidden"
    assert _approve(key("approvals:decide", "accounts:erase"), asked).status_code == 200


def test_events_about_approvals_are_seen_by_their_party(strict: ReadyBank) -> None:
    ask, start = _ask(strict, "revocation-in-use"), strict.end_of_feed()
    asked = ask()
    _approve(_second(strict, "revocation-in-use"), asked)
    stream = {"kind": "approval", "id": asked.json()["approval_id"]}

    def kinds(caller: Caller) -> list[str]:
        path = f"/v1/events?cursor={start}"
        lines = caller.get(path, headers={"Accept": "application/x-ndjson"}).text.splitlines()
        return [line.split('"type":"')[1].split('"')[0] for line in lines if f'"id":"{stream["id"]}"' in line]

    assert kinds(strict.issuer) == kinds(strict.auditor) == ["approval-requested/1", "approval-given/1"]
    assert kinds(strict.other_issuer) == kinds(strict.institution) == []
