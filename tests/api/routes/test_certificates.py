"""Certificates: awarded once, only by accredited issuers, kept as they were posted, amended, held and released."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.api.bank import STANDARD, ReadyBank, certificate, on_one_database, person, wish, wishes

REASON = {"reason": "复核"}
NOWHERE = "0192f0c1-2d3e-7f40-8a5b-6c7d8e9f0a1b"


def test_a_certificate_is_awarded(bank: ReadyBank) -> None:
    posted = certificate(expires_on=None)

    answer = bank.issuer.post("/v1/certificates", posted)

    assert answer.status_code == 201
    named = {
        "status": "active",
        "credits": "6",
        "issuer": "BIM-EVAL",
        "number": posted["number"],
        "standard": "BIM",
        "level": "中级",
        "issued_on": "2026-07-01",
        "expires_on": None,
    }
    assert answer.json().items() >= named.items()
    assert bank.issuer.get(f"/v1/certificates/{answer.json()['certificate_id']}").json() == answer.json()
    assert bank.balance(answer.json()["account_id"])["available"] == "6"


def test_what_may_be_said_besides_is_kept(bank: ReadyBank) -> None:
    particulars = {
        "hours": 96,
        "score": {"value": "86", "scale": "0-100"},
        "evidence": [{"sha256": "a" * 64, "media_type": "application/pdf"}],
        "site": "武汉考核站",
        "assessment_mode": "on_site",
        "learner_group": "rural",
        "subsidised": True,
        "external_id": "HB/2026/1",
        "fields": {"batch": "2026-2", "weight": 1.5, "passed": True, "note": None},
    }

    answer = bank.issuer.post("/v1/certificates", certificate(**particulars))

    assert answer.json().items() >= particulars.items()
    assert bank.issuer.get(f"/v1/certificates/{answer.json()['certificate_id']}").json() == answer.json()


@on_one_database
@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"hours": -1}, "/hours"),
        ({"hours": 1.5}, "/hours"),
        ({"score": {"value": 86, "scale": "0-100"}}, "/score/value"),
        ({"score": {"value": "86"}}, "/score/scale"),
        ({"evidence": [{"sha256": "A" * 64, "media_type": "application/pdf"}]}, "/evidence/0/sha256"),
        ({"assessment_mode": "remote"}, "/assessment_mode"),
        ({"learner_group": "child"}, "/learner_group"),
        ({"subsidised": "yes"}, "/subsidised"),
        ({"fields": {"deep": {"er": 1}}}, "/fields/deep"),
        ({"fields": {"large": 2**53}}, "/fields/large"),
        ({"fields": {"large": -(10**400)}}, "/fields/large"),
        ({"level": ""}, "/level"),
        ({"issued_on": "2026-7-1"}, "/issued_on"),
        ({"issued_on": "2026-07-01", "expires_on": "2026-06-30"}, ""),
        ({"number": "​ "}, "/number"),
        ({"holder": {}}, "/holder/name"),
        ({"holder": {"account_id": "x"}}, "/holder/account_id"),
        ({"holder": {"account_id": NOWHERE, "name": "王"}}, "/holder/name"),
        ({"holder": 7}, "/holder"),
    ],
)
def test_each_field_at_fault_is_pointed_at(bank: ReadyBank, changes: dict[str, Any], pointer: str) -> None:
    refused = bank.issuer.post("/v1/certificates", certificate(**changes))

    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert pointer in [fault["pointer"] for fault in refused.json()["errors"]]


def test_a_person_without_an_account_gets_one_and_keeps_it(bank: ReadyBank) -> None:
    holder = person()

    first, second = bank.award(holder=holder), bank.award(holder=holder)
    third = bank.award(holder={"account_id": first["account_id"]})

    assert first["account_id"] == second["account_id"] == third["account_id"]
    assert bank.balance(first["account_id"])["earned"] == "18"


def test_the_same_certificate_for_the_same_person_is_a_duplicate(bank: ReadyBank) -> None:
    posted = certificate()
    first = bank.issuer.post("/v1/certificates", posted).json()

    for number in (posted["number"], posted["number"].lower(), f" {posted['number']} "):
        again = bank.issuer.post("/v1/certificates", {**posted, "number": number})
        assert (again.status_code, again.json()["code"]) == (409, "certificate_duplicate")
        assert again.json()["certificate_id"] == first["certificate_id"]
    assert bank.balance(first["account_id"])["earned"] == "6"


def test_a_number_of_another_person_is_taken_and_the_person_is_not_named(bank: ReadyBank) -> None:
    posted = certificate()
    first = bank.issuer.post("/v1/certificates", posted).json()

    taken = bank.issuer.post("/v1/certificates", {**posted, "holder": person(name="李四")})

    assert (taken.status_code, taken.json()["code"]) == (409, "certificate_number_taken")
    for secret in (first["account_id"], posted["holder"]["document"]["number"], "王小明"):
        assert secret not in taken.text


def test_a_revoked_number_is_not_awarded_again(bank: ReadyBank) -> None:
    posted = certificate()
    first = bank.issuer.post("/v1/certificates", posted).json()
    bank.issuer.post(f"/v1/certificates/{first['certificate_id']}/revocation", REASON)

    again = bank.issuer.post("/v1/certificates", posted)

    assert (again.status_code, again.json()["code"]) == (409, "certificate_duplicate")


def test_a_refused_award_opens_no_account(bank: ReadyBank) -> None:
    holder = person()

    bank.issuer.post("/v1/certificates", certificate(holder=holder, level="特级"))

    assert bank.authority.post("/v1/accounts/lookup", {"document": holder["document"]}).status_code == 404


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"standard": "NONE"}, "standard_unknown"),
        ({"level": "特级"}, "level_unknown"),
        ({"issued_on": "2026-11-25"}, "issued_in_future"),
        ({"issued_on": "2019-03-31"}, "organisation_not_accredited"),
        ({"holder": {"name": "王", "document": {"type": "CN-RIC", "number": "1"}}}, "identity_number_invalid"),
    ],
)
def test_an_award_against_the_rules_is_refused(bank: ReadyBank, changes: dict[str, Any], code: str) -> None:
    before = bank.events()

    refused = bank.issuer.post("/v1/certificates", certificate(**changes))

    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert bank.events() == before


def test_a_certificate_may_be_issued_today_as_the_bank_has_it(bank: ReadyBank) -> None:
    assert bank.award(issued_on="2026-11-24")["status"] == "active"


def test_an_account_that_is_not_there_holds_nothing(bank: ReadyBank) -> None:
    posted = bank.issuer.post("/v1/certificates", certificate(holder={"account_id": NOWHERE}))

    assert (posted.status_code, posted.json()["code"]) == (404, "not_found")


def test_an_issuer_acts_in_its_own_name(bank: ReadyBank) -> None:
    posted = bank.other_issuer.post("/v1/certificates", certificate())

    assert (posted.status_code, posted.json()["code"]) == (403, "forbidden")


SKILL = {
    "title": "电工",
    "scheme": "skill",
    "levels": [
        {"level": "三级/高级工", "rank": 3, "credits": "4"},
        {"level": "四级/中级工", "rank": 2, "credits": "3"},
    ],
}


@pytest.mark.parametrize(
    ("number", "pointers"),
    [
        ("S0000420000012630001{}", []),
        ("S0000420000012640001{}", ["/level"]),
        ("S0000420000012530001{}", ["/issued_on"]),
        ("Y0000420000012630001{}", ["/assessor_kind"]),
        ("Y0000420000012540001{}", ["/level", "/issued_on", "/assessor_kind"]),
        ("S000042000001263001{}", []),
    ],
)
def test_a_skill_certificate_number_says_what_the_fields_say(bank: ReadyBank, number: str, pointers: list[str]) -> None:
    code = f"SKILL-{number[:-2]}"
    wanted = {"code": code, "name": "技能评价", "roles": ["issuer"], "assessor_kind": "S"}
    bank.authority.post("/v1/organisations", wanted)
    bank.authority.post("/v1/standards", {"code": "ELECTRICIAN", **SKILL})
    scope = {"standard": "ELECTRICIAN", "levels": ["三级/高级工", "四级/中级工"], "valid_from": "2019-04-01"}
    bank.authority.post(f"/v1/organisations/{code}/accreditations", scope)
    issuer = bank.caller("issuer", code)
    posted = certificate(issuer=code, number=number.format("07"), standard="ELECTRICIAN", level="三级/高级工")

    answer = issuer.post("/v1/certificates", posted)

    if not pointers:
        assert answer.status_code == 201, answer.text
        return
    assert (answer.status_code, answer.json()["code"]) == (422, "number_contradicts_record")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == pointers


def test_a_certificate_is_found_by_its_number(bank: ReadyBank) -> None:
    awarded = bank.award(number="BIM/2026-Ａ 1")

    found = bank.issuer.get("/v1/certificates?issuer=BIM-EVAL&number=bim/2026-a1")
    unknown = bank.issuer.get("/v1/certificates?issuer=BIM-EVAL&number=bim/2026-a2")

    assert (found.status_code, found.json()) == (200, awarded)
    assert unknown.status_code == 404


def test_a_certificate_expires_after_its_last_day(own_bank: ReadyBank) -> None:
    awarded = own_bank.award(expires_on="2026-11-25")
    path = f"/v1/certificates/{awarded['certificate_id']}"

    own_bank.clock.set(date(2026, 11, 25))
    assert own_bank.issuer.get(path).json()["status"] == "active"
    assert own_bank.balance(awarded["account_id"])["available"] == "6"

    own_bank.clock.set(date(2026, 11, 26))
    assert own_bank.issuer.get(path).json()["status"] == "expired"
    balance = own_bank.balance(awarded["account_id"])
    assert (balance["available"], balance["expired"], balance["earned"]) == ("0", "6", "6")
    assert own_bank.public.get(f"/v1/verify/BIM-EVAL/{awarded['number']}").json()["status"] == "expired"
    entry = own_bank.authority.get(f"/v1/accounts/{awarded['account_id']}/transcript").json()["entries"][0]
    assert entry["status"] == "expired"


def test_a_hold_sets_credits_aside_and_its_release_brings_them_back(bank: ReadyBank) -> None:
    awarded = bank.award()
    path = f"/v1/certificates/{awarded['certificate_id']}"

    held = bank.issuer.post(f"{path}/hold", REASON)
    while_held = bank.balance(awarded["account_id"])
    released = bank.authority.post(f"{path}/hold-release", REASON)

    assert (held.status_code, held.json()["status"], held.json()["dependants"]) == (200, "held", [])
    assert (while_held["earned"], while_held["held"], while_held["available"]) == ("6", "6", "0")
    assert (released.status_code, released.json()["status"]) == (200, "active")
    assert bank.balance(awarded["account_id"])["available"] == "6"


def test_an_issuer_cannot_lift_a_hold_that_the_authority_placed(bank: ReadyBank) -> None:
    path = f"/v1/certificates/{bank.award()['certificate_id']}"
    bank.authority.post(f"{path}/hold", REASON)

    refused = bank.issuer.post(f"{path}/hold-release", REASON)

    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert bank.authority.post(f"{path}/hold-release", REASON).json()["status"] == "active"


@pytest.mark.parametrize(
    ("done", "asked", "status"),
    [
        ([], "hold-release", "active"),
        (["hold"], "hold", "held"),
        (["revocation"], "hold", "revoked"),
        (["revocation"], "hold-release", "revoked"),
        (["revocation"], "revocation", "revoked"),
        (["revocation"], "amendment", "revoked"),
    ],
)
def test_a_change_that_does_not_fit_the_state_is_refused(
    bank: ReadyBank, done: list[str], asked: str, status: str
) -> None:
    path = f"/v1/certificates/{bank.award()['certificate_id']}"
    for change in done:
        assert bank.issuer.post(f"{path}/{change}", REASON).status_code == 200
    body = {**REASON, "changes": {"level": "高级"}} if asked == "amendment" else REASON

    refused = bank.issuer.post(f"{path}/{asked}", body)

    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    assert refused.json()["current_status"] == status


# Amendments


def _amend(bank: ReadyBank, awarded: dict[str, Any], **changes: Any) -> Any:
    path = f"/v1/certificates/{awarded['certificate_id']}/amendment"
    return bank.issuer.post(path, {"changes": changes, "reason": "复核成绩"})


def test_an_amendment_of_the_level_changes_the_credits(bank: ReadyBank) -> None:
    awarded = bank.award()

    amended = _amend(bank, awarded, level="高级")

    assert (amended.status_code, amended.json()["level"], amended.json()["credits"]) == (200, "高级", "8")
    assert bank.balance(awarded["account_id"])["available"] == "8"
    assert bank.issuer.get(f"/v1/certificates/{awarded['certificate_id']}").json()["level"] == "高级"


def test_an_amendment_changes_what_it_names_and_keeps_the_rest(bank: ReadyBank) -> None:
    awarded = bank.award(hours=96, site="武汉考核站", score={"value": "58", "scale": "0-100"}, fields={"a": 1})
    changes = {
        "issued_on": "2026-06-30",
        "expires_on": "2029-06-30",
        "score": {"value": "86", "scale": "0-100"},
        "hours": "97.5",
        "evidence": [{"sha256": "b" * 64, "media_type": "image/png"}],
        "fields": {"b": 2},
    }

    amended = _amend(bank, awarded, **changes).json()

    assert amended.items() >= {**awarded, **changes}.items()


@on_one_database
@pytest.mark.parametrize("name", ["issuer", "number", "holder", "standard", "credits", "site"])
def test_issuer_number_and_person_are_never_amended(bank: ReadyBank, name: str) -> None:
    refused = _amend(bank, bank.award(), **{name: "x"})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, f"/changes/{name}")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "validation_failed"),
        ({"level": None}, "validation_failed"),
        ({"level": "特级"}, "level_unknown"),
        ({"issued_on": "2026-11-25", "expires_on": None}, "issued_in_future"),
        ({"issued_on": "2019-03-31"}, "organisation_not_accredited"),
        ({"expires_on": "2026-06-30"}, "validation_failed"),
        ({"issued_on": "2026-08-01"}, "validation_failed"),
    ],
)
def test_an_amendment_against_the_rules_is_refused(bank: ReadyBank, changes: dict[str, Any], code: str) -> None:
    awarded = bank.award(expires_on="2026-07-31")

    refused = _amend(bank, awarded, **changes)

    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert bank.issuer.get(f"/v1/certificates/{awarded['certificate_id']}").json() == awarded


def test_a_score_is_corrected_although_the_accreditation_has_ended_since(bank: ReadyBank) -> None:
    issuer = bank.organisation("GONE", "issuer")
    scope = {"standard": "BIM", "levels": ["中级"], "valid_from": "2019-04-01"}
    granted = bank.authority.post("/v1/organisations/GONE/accreditations", scope).json()
    awarded = issuer.post("/v1/certificates", certificate(issuer="GONE")).json()
    withdrawal = f"/v1/organisations/GONE/accreditations/{granted['accreditation_id']}/withdrawal"
    bank.authority.post(withdrawal, {"effective_from": "2025-01-01", "reason": "抽查不合格"})
    body = {"changes": {"score": {"value": "61", "scale": "0-100"}}, **REASON}

    amended = issuer.post(f"/v1/certificates/{awarded['certificate_id']}/amendment", body)

    assert (amended.status_code, amended.json()["status"]) == (200, "held")
    assert amended.json()["score"]["value"] == "61"


def test_an_amendment_that_takes_away_credits_in_use_puts_exemptions_under_review(bank: ReadyBank) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    asked = wishes(awarded["account_id"], wish(awarded, "C1"), wish(awarded, "C2"))
    exempted = bank.institution.post("/v1/exemptions", asked).json()

    amended = _amend(bank, awarded, level="初级").json()

    under_review = {"kind": "exemption", "exemption_id": exempted["exemption_id"], "status": "under_review"}
    assert (amended["credits"], amended["dependants"]) == ("4", [under_review])
    balance = bank.balance(awarded["account_id"])
    assert (balance["used"], balance["shortfall"], balance["under_review"]) == ("6", "2", "6")


def test_an_amendment_that_leaves_enough_credits_touches_no_use(bank: ReadyBank) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], wish(awarded, "C1")))

    assert _amend(bank, awarded, level="初级").json()["dependants"] == []


def test_a_use_that_was_upheld_is_not_reviewed_again_for_another_correction(bank: ReadyBank) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    asked = wishes(awarded["account_id"], wish(awarded, "C1"), wish(awarded, "C2"))
    exempted = bank.institution.post("/v1/exemptions", asked).json()
    _amend(bank, awarded, level="初级")
    upheld = {"outcome": "upheld", "reason": "课程已修"}
    bank.institution.post(f"/v1/exemptions/{exempted['exemption_id']}/review", upheld)

    amended = _amend(bank, awarded, hours=40).json()

    assert amended["dependants"] == []
    assert bank.balance(awarded["account_id"])["under_review"] == "0"


def test_credits_follow_the_standard_of_the_bank(bank: ReadyBank) -> None:
    levels = [{"level": "初级", "rank": 1, "credits": "1.5"}]
    bank.authority.post("/v1/standards", {**STANDARD, "code": "HALF", "levels": levels})
    scope = {"standard": "HALF", "levels": ["初级"], "valid_from": "2019-04-01"}
    bank.authority.post("/v1/organisations/BIM-EVAL/accreditations", scope)

    awarded = bank.award(standard="HALF", level="初级")

    assert awarded["credits"] == "1.5"
    assert bank.balance(awarded["account_id"])["available"] == "1.5"
