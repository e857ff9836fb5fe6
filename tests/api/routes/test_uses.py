"""Exemptions and conversions: decided by the rulebook, recorded, reversed; and which institution may ask at all."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.api.bank import PROGRAMME, RULES, TODAY, ReadyBank, person, wish, wishes

REASON = {"reason": "学生撤回申请"}
NOWHERE = "0192f0c1-2d3e-7f40-8a5b-6c7d8e9f0a1b"


def _dealt(bank: ReadyBank, **changes: Any) -> dict[str, Any]:
    """A certificate in an account that the institution deals with."""
    holder = person()
    awarded = bank.award(holder=holder, **changes)
    bank.deal(holder)
    return awarded


def _exempt(bank: ReadyBank, awarded: dict[str, Any], *targets: str, **changes: Any) -> Any:
    requests = [wish(awarded, target) for target in targets]
    return bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], *requests, **changes))


def _convert(bank: ReadyBank, awarded: dict[str, Any], **changes: Any) -> Any:
    return bank.institution.post("/v1/conversions", wishes(awarded["account_id"], wish(awarded), **changes))


def test_an_exemption_is_recorded_with_its_decision(bank: ReadyBank) -> None:
    awarded = _dealt(bank, level="高级")

    answer = _exempt(bank, awarded, "C1", "P1", "C3", "C2")

    assert answer.status_code == 201
    decision = answer.json()
    granted = [(one["target"], one["credits"], one["clause"]) for one in decision["granted"]]
    assert granted == [("C1", "4", "/sources/1"), ("C3", "3", "/sources/1")]
    refused = {one["target"]: one for one in decision["refused"]}
    assert refused["P1"].items() >= {"reason": "TARGET_NOT_EXEMPTIBLE", "clause": "/exclude/0"}.items()
    named = {"reason": "CAP_PER_OUTCOME", "clause": "/caps/0", "limit": "8", "would_be": "9"}
    assert refused["C2"].items() >= named.items()
    assert refused["C2"]["text"]
    assert decision["caps"][0].items() >= {"id": "each", "limit": "8", "before": "0", "after": "7"}.items()
    assert decision["granted_total"] == "7"
    assert (decision["rulebook"], decision["version"], decision["version_of_account"]) == ("hbvtc-x", 1, 4)
    balance = bank.balance(awarded["account_id"])
    assert (balance["used"], balance["available"]) == ("7", "1")
    assert balance["exempted"] == [{"institution": "HBVTC", "programme": "CONSTR-2026", "credits": "7"}]
    read = bank.institution.get(f"/v1/exemptions/{decision['exemption_id']}").json()
    assert (read["status"], read["granted"]) == ("active", decision["granted"])


def test_a_conversion_is_credit_without_a_course(bank: ReadyBank) -> None:
    awarded = _dealt(bank)

    answer = _convert(bank, awarded)

    assert (answer.status_code, answer.json()["granted_total"]) == (201, "6")
    assert answer.json()["granted"][0]["target"] is None
    balance = bank.balance(awarded["account_id"])
    assert (balance["used"], balance["available"], balance["exempted"]) == ("6", "0", [])
    assert balance["converted"] == [{"institution": "HBVTC", "programme": "CONSTR-2026", "credits": "6"}]
    read = bank.institution.get(f"/v1/conversions/{answer.json()['conversion_id']}")
    assert read.json()["status"] == "active"


def test_credits_are_used_once(bank: ReadyBank) -> None:
    awarded = _dealt(bank)
    _convert(bank, awarded)
    before = bank.events()

    refused = _exempt(bank, awarded, "C2")

    assert (refused.status_code, refused.json()["code"]) == (422, "not_eligible")
    assert refused.json()["refused"][0].items() >= {"target": "C2", "reason": "CREDITS_USED", "limit": "0"}.items()
    assert (refused.json()["granted"], refused.json()["granted_total"]) == ([], "0")
    assert bank.events() == before


def test_what_is_short_of_credits_is_refused_and_the_rest_granted(bank: ReadyBank) -> None:
    awarded = _dealt(bank)

    answer = _exempt(bank, awarded, "C1", "C3", "C2")

    assert [one["target"] for one in answer.json()["granted"]] == ["C1", "C2"]
    refused = answer.json()["refused"]
    assert [(one["target"], one["reason"], one["limit"], one["would_be"]) for one in refused] == [
        ("C3", "CREDITS_USED", "2", "3")
    ]
    assert bank.balance(awarded["account_id"])["available"] == "0"


def test_a_course_is_replaced_once(bank: ReadyBank) -> None:
    awarded = _dealt(bank, level="高级")
    _exempt(bank, awarded, "C1")

    refused = _exempt(bank, awarded, "C1")

    assert (refused.status_code, refused.json()["refused"][0]["reason"]) == (422, "COURSE_ALREADY_SATISFIED")


def test_atomic_wants_all_requests_granted(bank: ReadyBank) -> None:
    awarded = _dealt(bank)

    refused = _exempt(bank, awarded, "C1", "P1", mode="atomic")
    granted = _exempt(bank, awarded, "C1", "C2", mode="atomic")

    assert (refused.status_code, refused.json()["code"]) == (422, "not_eligible")
    assert [one["target"] for one in refused.json()["granted"]] == ["C1"]
    assert granted.status_code == 201


@pytest.mark.parametrize(("change", "reason"), [("hold", "OUTCOME_HELD"), ("revocation", "OUTCOME_REVOKED")])
def test_a_certificate_that_is_not_active_is_not_used(bank: ReadyBank, change: str, reason: str) -> None:
    awarded = _dealt(bank)
    bank.issuer.post(f"/v1/certificates/{awarded['certificate_id']}/{change}", REASON)

    refused = _exempt(bank, awarded, "C1")

    assert (refused.status_code, refused.json()["refused"][0]["reason"]) == (422, reason)


@pytest.mark.parametrize(("applied_on", "status"), [("2026-09-01", 201), ("2026-09-02", 422)])
def test_a_certificate_is_good_to_its_last_day_of_application(bank: ReadyBank, applied_on: str, status: int) -> None:
    awarded = _dealt(bank, expires_on="2026-09-01")

    answer = _exempt(bank, awarded, "C1", applied_on=applied_on)

    assert answer.status_code == status
    assert status == 201 or answer.json()["refused"][0]["reason"] == "OUTCOME_EXPIRED"


@pytest.mark.parametrize(
    ("path", "request_", "pointer"),
    [
        ("exemptions", {"certificate_id": NOWHERE, "target": "C1"}, "/requests/0/certificate_id"),
        ("exemptions", {"target": "C9"}, "/requests/0/target"),
        ("exemptions", {}, "/requests/0/target"),
        ("exemptions", {"certificate_id": None, "target": "C1"}, "/requests/0"),
        ("exemptions", {"certificate_ids": [], "target": "C1"}, "/requests/0/certificate_ids"),
        ("conversions", {"target": "C1"}, "/requests/0/target"),
    ],
)
def test_a_request_for_what_is_not_there_is_pointed_at(
    bank: ReadyBank, path: str, request_: dict[str, Any], pointer: str
) -> None:
    awarded = _dealt(bank)
    asked = wishes(awarded["account_id"], {**wish(awarded), **request_})

    refused = bank.institution.post(f"/v1/{path}", asked)

    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert pointer in [fault["pointer"] for fault in refused.json()["errors"]]


def test_a_certificate_of_another_account_is_not_there(bank: ReadyBank) -> None:
    awarded, other = _dealt(bank), _dealt(bank)

    refused = bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], wish(other, "C1")))

    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "certificate_unknown")


@pytest.mark.parametrize(
    ("programme", "code"),
    [
        ({"institution": "HBVTC", "code": "NONE"}, "programme_unknown"),
        ({"institution": "WHUT", "code": "CONSTR-2026"}, "programme_unknown"),
        ({"institution": "HBVTC"}, "validation_failed"),
    ],
)
def test_a_programme_that_is_not_the_callers_own_is_refused(
    bank: ReadyBank, programme: dict[str, str], code: str
) -> None:
    awarded = _dealt(bank)

    refused = _exempt(bank, awarded, "C1", programme=programme)

    assert (refused.status_code, refused.json()["code"]) == (422, code)


def test_a_rulebook_decides_from_its_first_day_on(bank: ReadyBank) -> None:
    stricter = {**RULES, "caps": [{**RULES["caps"][0], "limit": 2}]}  # type: ignore[index]
    for rules, day in ((RULES, "2026-01-01"), (stricter, "2026-09-01")):
        bank.institution.post("/v1/rulebooks/dated/versions", {"rules": rules, "effective_from": day})
    programme = {"institution": "HBVTC", **PROGRAMME, "code": "DATED", "rulebook": "dated"}
    bank.institution.post("/v1/programmes", programme)
    named = {"institution": "HBVTC", "code": "DATED"}
    awarded = _dealt(bank)

    none = _exempt(bank, awarded, "C1", programme=named, applied_on="2025-12-31")
    late = _exempt(bank, awarded, "C1", programme=named, applied_on="2026-09-01")
    early = _exempt(bank, awarded, "C1", programme=named, applied_on="2026-08-31")

    assert (none.status_code, none.json()["code"]) == (422, "rulebook_unknown")
    assert (late.status_code, late.json()["version"]) == (422, 2)
    assert (early.status_code, early.json()["version"]) == (201, 1)


def test_a_reversal_frees_what_was_used(bank: ReadyBank) -> None:
    awarded = _dealt(bank)
    exempted = _exempt(bank, awarded, "C1").json()["exemption_id"]
    second = _dealt(bank)
    converted = _convert(bank, second).json()["conversion_id"]

    for path, certificate in ((f"exemptions/{exempted}", awarded), (f"conversions/{converted}", second)):
        answer = bank.institution.post(f"/v1/{path}/reversal", REASON)
        assert (answer.status_code, answer.json()["status"]) == (200, "reversed")
        balance = bank.balance(certificate["account_id"])
        assert (balance["used"], balance["available"]) == ("0", "6")
        again = bank.institution.post(f"/v1/{path}/reversal", REASON)
        assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    assert _exempt(bank, awarded, "C1").status_code == 201


def test_a_use_of_another_institution_is_not_found(bank: ReadyBank) -> None:
    awarded = _dealt(bank)
    exempted = _exempt(bank, awarded, "C1").json()["exemption_id"]

    for answer in (
        bank.other_institution.get(f"/v1/exemptions/{exempted}"),
        bank.other_institution.post(f"/v1/exemptions/{exempted}/reversal", REASON),
        bank.other_institution.post(f"/v1/exemptions/{exempted}/review", {"outcome": "upheld", **REASON}),
        bank.institution.get(f"/v1/conversions/{exempted}"),
        bank.institution.post(f"/v1/conversions/{exempted}/reversal", REASON),
        bank.institution.post(f"/v1/exemptions/{NOWHERE}/reversal", REASON),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_review_that_was_never_opened_is_not_answered(bank: ReadyBank) -> None:
    exempted = _exempt(bank, _dealt(bank), "C1").json()["exemption_id"]

    refused = bank.institution.post(f"/v1/exemptions/{exempted}/review", {"outcome": "upheld", **REASON})

    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")


def test_decisions_on_an_older_version_of_the_account_are_refused(bank: ReadyBank) -> None:
    awarded = _dealt(bank)
    asked = wishes(awarded["account_id"], wish(awarded, "C1"))

    stale = bank.institution.post("/v1/exemptions", asked, headers={"If-Match": '"2"'})
    fresh = bank.institution.post("/v1/exemptions", asked, headers={"If-Match": '"3"'})
    path = f"/v1/exemptions/{fresh.json()['exemption_id']}/reversal"
    late = bank.institution.post(path, REASON, headers={"If-Match": '"3"'})

    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert fresh.status_code == 201
    assert late.status_code == 412


def test_refusals_are_told_in_the_language_of_the_caller(bank: ReadyBank) -> None:
    asked = wishes((awarded := _dealt(bank))["account_id"], wish(awarded, "P1"))

    english = bank.institution.post("/v1/exemptions", asked)
    chinese = bank.institution.post("/v1/exemptions", asked, headers={"Accept-Language": "zh-CN"})

    assert english.json()["code"] == chinese.json()["code"] == "not_eligible"
    assert english.json()["refused"][0]["text"].isascii()
    assert not chinese.json()["refused"][0]["text"].isascii()
    assert chinese.json()["title"] == "不符合条件"


# Dealings


def test_an_institution_without_a_dealing_finds_no_account(bank: ReadyBank) -> None:
    awarded = bank.award()
    asked = wishes(awarded["account_id"], wish(awarded, "C1"))

    for answer in (
        bank.institution.get(f"/v1/accounts/{awarded['account_id']}"),
        bank.institution.get(f"/v1/accounts/{awarded['account_id']}/balance"),
        bank.institution.get(f"/v1/accounts/{awarded['account_id']}/transcript"),
        bank.institution.get(f"/v1/accounts/{awarded['account_id']}/events"),
        bank.institution.get(f"/v1/certificates/{awarded['certificate_id']}"),
        bank.institution.post("/v1/exemptions", asked),
        bank.institution.post("/v1/conversions", wishes(awarded["account_id"], wish(awarded))),
        bank.institution.post("/v1/eligibility", asked),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_an_institution_deals_with_an_account_that_it_opened(bank: ReadyBank) -> None:
    holder = person()
    account_id = bank.institution.post("/v1/accounts", {"holder": holder}).json()["account_id"]

    assert bank.institution.get(f"/v1/accounts/{account_id}/balance").status_code == 200
    assert bank.other_institution.get(f"/v1/accounts/{account_id}/balance").status_code == 404


@pytest.mark.parametrize("opening", ["/v1/accounts", "/v1/accounts:batch"])
def test_an_institution_deals_with_a_person_whose_account_it_wanted_to_open(bank: ReadyBank, opening: str) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    body = {"holder": holder} if opening == "/v1/accounts" else {"items": [{"holder": holder}]}

    bank.institution.post(opening, body)

    assert bank.institution.get(f"/v1/accounts/{awarded['account_id']}/balance").status_code == 200


def test_a_look_up_is_good_for_180_days(own_bank: ReadyBank) -> None:
    awarded = _dealt(own_bank)
    path = f"/v1/accounts/{awarded['account_id']}/balance"

    own_bank.clock.set(TODAY + timedelta(days=180))
    assert own_bank.institution.get(path).status_code == 200

    own_bank.clock.set(TODAY + timedelta(days=181))
    assert own_bank.institution.get(path).status_code == 404
    assert _exempt(own_bank, awarded, "C1").status_code == 404


def test_a_second_look_up_on_the_same_day_writes_nothing_and_a_later_one_renews(own_bank: ReadyBank) -> None:
    holder = person()
    awarded = own_bank.award(holder=holder)
    own_bank.deal(holder)
    before = own_bank.events()

    own_bank.deal(holder)
    assert own_bank.events() == before

    own_bank.clock.set(TODAY + timedelta(days=100))
    own_bank.deal(holder)
    own_bank.clock.set(TODAY + timedelta(days=280))
    assert own_bank.institution.get(f"/v1/accounts/{awarded['account_id']}/balance").status_code == 200


def test_a_use_keeps_the_dealing_alive_until_it_is_reversed(own_bank: ReadyBank) -> None:
    awarded = _dealt(own_bank)
    exempted = _exempt(own_bank, awarded, "C1").json()["exemption_id"]
    own_bank.clock.set(date(2028, 1, 1))

    assert own_bank.institution.get(f"/v1/accounts/{awarded['account_id']}/balance").status_code == 200
    assert own_bank.institution.post(f"/v1/exemptions/{exempted}/reversal", REASON).status_code == 200
    assert own_bank.institution.get(f"/v1/accounts/{awarded['account_id']}/balance").status_code == 404


def test_a_merge_keeps_the_dealings_of_both_accounts(bank: ReadyBank) -> None:
    holder = person()
    opened = bank.institution.post("/v1/accounts", {"holder": holder}).json()["account_id"]
    survivor = bank.account()

    bank.authority.post(f"/v1/accounts/{survivor}/merge", {"merged": opened, "reason": "同一人"})

    assert bank.institution.get(f"/v1/accounts/{survivor}/balance").status_code == 200
