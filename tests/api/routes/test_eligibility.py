"""Eligibility, proposals, award checks and rules tried: what would be decided. Nothing of it is written."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.api.bank import PROGRAMME, ReadyBank, person, wish, wishes

NOWHERE = "0192f0c1-2d3e-7f40-8a5b-6c7d8e9f0a1b"
SITUATION: dict[str, Any] = {
    "applied_on": "2026-09-01",
    "programme": {"id": "P", "credits": 100, "courses": {"A": {"credits": 4}, "B": {"credits": 3}}},
    "outcomes": [{"id": "X1", "kind": "x-cert"}],
    "requests": [{"outcome": "X1", "target": "A"}, {"outcome": "X1", "target": "B"}],
}


def _dealt(bank: ReadyBank, **changes: Any) -> dict[str, Any]:
    """A certificate in an account that the institution deals with."""
    holder = changes.pop("holder", None) or person()
    awarded = bank.award(holder=holder, **changes)
    bank.deal(holder)
    return awarded


def _ask(bank: ReadyBank, awarded: dict[str, Any], *requests: dict[str, Any], **changes: Any) -> Any:
    return bank.institution.post("/v1/eligibility", wishes(awarded["account_id"], *requests, **changes))


def _propose(bank: ReadyBank, awarded: dict[str, Any], **changes: Any) -> Any:
    body = wishes(awarded["account_id"], **changes)
    del body["requests"]
    return bank.institution.post("/v1/eligibility", body)


def _programme(bank: ReadyBank, rules: dict[str, Any], **changes: Any) -> dict[str, str]:
    """A programme of the institution under a rulebook of its own."""
    code = f"P-{uuid4().hex[:12]}"
    published = bank.institution.post(
        f"/v1/rulebooks/{code}/versions", {"rules": rules, "effective_from": "2020-01-01"}
    )
    assert published.status_code == 201, published.text
    body = {**PROGRAMME, "institution": "HBVTC", "code": code, "rulebook": code, **changes}
    assert bank.institution.post("/v1/programmes", body).status_code == 201
    return {"institution": "HBVTC", "code": code}


def test_the_answer_is_the_decision_that_would_be_recorded(bank: ReadyBank) -> None:
    awarded = _dealt(bank, level="高级")
    requests = [wish(awarded, target) for target in ("C1", "P1", "C3", "C2")]

    answer = _ask(bank, awarded, *requests)
    recorded = bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], *requests)).json()

    advice = answer.json()
    assert answer.status_code == 200
    assert set(advice) == {
        "granted", "refused", "caps", "granted_total", "rulebook", "version", "version_of_account",
    }  # fmt: skip
    refused = {one["target"]: one for one in advice["refused"]}
    named = {"reason": "CAP_PER_OUTCOME", "clause": "/caps/0", "limit": "8", "would_be": "9"}
    assert refused["C2"].items() >= named.items()
    assert refused["C2"]["text"]
    for name in ("granted", "refused", "caps", "granted_total", "rulebook", "version"):
        assert advice[name] == recorded[name]
    assert recorded["version_of_account"] == advice["version_of_account"] + 1


def test_asking_writes_nothing_and_needs_no_key(bank: ReadyBank) -> None:
    awarded = _dealt(bank)
    before = bank.events()

    body = wishes(awarded["account_id"], wish(awarded, "C1"))
    answer = bank.client.post("/v1/eligibility", json=body, headers=bank.institution.headers())

    assert (answer.status_code, answer.json()["granted_total"]) == (200, "4")
    assert "Creditbank-Position" not in answer.headers
    assert bank.events() == before
    assert bank.balance(awarded["account_id"])["used"] == "0"


def test_what_nothing_is_granted_of_is_an_answer_too(bank: ReadyBank) -> None:
    answer = _ask(bank, awarded := _dealt(bank), wish(awarded, "P1"))

    assert (answer.status_code, answer.json()["granted"], answer.json()["granted_total"]) == (200, [], "0")


def test_a_dropped_refusal_changes_nothing_else(bank: ReadyBank) -> None:
    awarded = _dealt(bank, level="高级")
    requests = [wish(awarded, target) for target in ("C1", "P1", "C3", "C2")]
    refused = {one["target"] for one in _ask(bank, awarded, *requests).json()["refused"]}

    whole = _ask(bank, awarded, *requests).json()
    without = _ask(bank, awarded, *(one for one in requests if one["target"] not in refused)).json()

    assert (without["granted"], without["caps"], without["refused"]) == (whole["granted"], whole["caps"], [])


def test_refusals_are_told_in_chinese_to_who_reads_it(bank: ReadyBank) -> None:
    awarded = _dealt(bank)
    body = wishes(awarded["account_id"], wish(awarded, "P1"))

    chinese = bank.institution.post("/v1/eligibility", body, headers={"Accept-Language": "zh-CN,en;q=0.5"}).json()
    english = bank.institution.post("/v1/eligibility", body, headers={"Accept-Language": "en"}).json()

    assert "课程 P1 不可免修" in chinese["refused"][0]["text"]
    assert "The course P1 can never be replaced" in english["refused"][0]["text"]
    assert chinese["refused"][0]["reason"] == english["refused"][0]["reason"] == "TARGET_NOT_EXEMPTIBLE"


def test_an_institution_without_a_dealing_finds_no_account(bank: ReadyBank) -> None:
    awarded = bank.award()

    for body in (wishes(awarded["account_id"], wish(awarded, "C1")), wishes(NOWHERE, wish(awarded, "C1"))):
        answer = bank.institution.post("/v1/eligibility", body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("change", ["suspension", "closure", "erasure"])
def test_an_account_that_takes_no_use_is_answered_as_the_use_would_be(bank: ReadyBank, change: str) -> None:
    awarded = _dealt(bank)
    asked = wishes(awarded["account_id"], wish(awarded, "C1"))
    bank.authority.post(f"/v1/accounts/{awarded['account_id']}/{change}", {"reason": "x"})

    advised = bank.institution.post("/v1/eligibility", asked)
    recorded = bank.institution.post("/v1/exemptions", asked)

    assert (advised.status_code, advised.json()["code"]) == (409, "account_not_open")
    assert (recorded.status_code, recorded.json()["detail"]) == (409, advised.json()["detail"])


def test_a_programme_of_another_institution_is_not_known(bank: ReadyBank) -> None:
    awarded = _dealt(bank)
    bank.other_institution.post("/v1/accounts/lookup", {"document": {"type": "LOCAL", "number": "HB-0"}})

    answer = _ask(bank, awarded, wish(awarded, "C1"), programme={"institution": "WHUT", "code": "CONSTR-2026"})

    assert (answer.status_code, answer.json()["code"]) == (422, "programme_unknown")


@pytest.mark.parametrize("role", ["issuer", "auditor", "authority"])
def test_only_institutions_ask(bank: ReadyBank, role: str) -> None:
    awarded = _dealt(bank)

    answer = getattr(bank, role).post("/v1/eligibility", wishes(awarded["account_id"], wish(awarded, "C1")))

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"requests": []}, "/requests"),
        ({"requests": [{"target": "C1"}]}, "/requests/0"),
        ({"requests": [{"certificate_id": NOWHERE, "target": "C1"}]}, "/requests/0/certificate_id"),
        ({"mode": "atomic"}, "/mode"),
        ({"as_of": "yesterday"}, "/as_of"),
        ({"known_at": "2026-09-01"}, "/known_at"),
    ],
)
def test_what_cannot_be_asked_is_pointed_at(bank: ReadyBank, change: dict[str, Any], pointer: str) -> None:
    awarded = _dealt(bank)

    refused = bank.institution.post("/v1/eligibility", {**wishes(awarded["account_id"], wish(awarded, "C1")), **change})

    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert [fault["pointer"] for fault in refused.json()["errors"]] == [pointer]


def test_a_certificate_that_is_reserved_elsewhere_is_an_answer_with_its_reason(bank: ReadyBank) -> None:
    awarded = _dealt(bank)
    reserved = wishes(awarded["account_id"], wish(awarded), expires_at="2026-12-01T00:00:00Z")
    assert bank.institution.post("/v1/reservations", reserved).status_code == 201

    answer = _ask(bank, awarded, wish(awarded, "C1"))

    assert (answer.status_code, answer.json()["refused"][0]["reason"]) == (200, "OUTCOME_RESERVED")


def test_redeemed_once_means_once_in_the_whole_bank(bank: ReadyBank) -> None:
    """The rules take nothing of the certificate: it is the rule alone that remembers the other programme."""
    rules = {
        "sources": [{"value": {"carry": True}}],
        "once": [{"scope": "outcome", "reason": "ALREADY_REDEEMED"}],
        "consume": {"amount": "none"},
    }
    first, second = _programme(bank, rules), _programme(bank, rules)
    awarded = _dealt(bank)
    account_id = awarded["account_id"]
    converted = bank.institution.post("/v1/conversions", wishes(account_id, wish(awarded), programme=first))
    assert converted.status_code == 201

    refused = bank.institution.post("/v1/conversions", wishes(account_id, wish(awarded), programme=second))

    assert (refused.status_code, refused.json()["code"]) == (422, "not_eligible")
    assert refused.json()["refused"][0].items() >= {"reason": "ALREADY_REDEEMED", "clause": "/once/0"}.items()
    bank.institution.post(f"/v1/conversions/{converted.json()['conversion_id']}/reversal", {"reason": "-"})
    assert _ask(bank, awarded, wish(awarded), programme=second).json()["granted_total"] == "6"


def test_many_requests_on_one_certificate_are_answered(bank: ReadyBank) -> None:
    rules = {"sources": [{"value": {"fixed": 1}}]}
    awarded = _dealt(bank)

    answer = _ask(bank, awarded, *[wish(awarded)] * 200, programme=_programme(bank, rules))

    assert (answer.status_code, answer.json()["granted_total"]) == (200, "6")
    assert {one["reason"] for one in answer.json()["refused"]} == {"CREDITS_USED"}
    assert len(answer.json()["refused"]) == 194


# Proposals


def test_without_requests_the_best_set_is_proposed_and_can_be_asked_for_as_it_is(bank: ReadyBank) -> None:
    """Of 4, 3 and 2 credits a certificate of 6 replaces the first and the last."""
    awarded = _dealt(bank)

    proposal = _propose(bank, awarded).json()

    assert [(one["target"], one["certificate_id"]) for one in proposal["proposed"]] == [
        ("C1", awarded["certificate_id"]),
        ("C2", awarded["certificate_id"]),
    ]
    assert (proposal["granted_total"], proposal["refused"], proposal["is_proven"]) == ("6", [], True)
    recorded = bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], *proposal["proposed"]))
    assert recorded.status_code == 201, recorded.text
    assert (recorded.json()["granted"], recorded.json()["refused"]) == (proposal["granted"], [])


def test_nothing_more_is_proposed_once_all_is_used(bank: ReadyBank) -> None:
    awarded = _dealt(bank)
    proposal = _propose(bank, awarded).json()
    bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], *proposal["proposed"]))

    again = _propose(bank, awarded)

    assert (again.status_code, again.json()["proposed"], again.json()["granted_total"]) == (200, [], "0")


def test_null_for_requests_is_a_proposal_too(bank: ReadyBank) -> None:
    awarded = _dealt(bank)

    answer = bank.institution.post("/v1/eligibility", {**wishes(awarded["account_id"]), "requests": None})

    assert answer.json()["proposed"]


def test_the_same_question_gets_the_same_proposal(bank: ReadyBank) -> None:
    holder = person()
    awarded = [_dealt(bank, holder=holder, level=level) for level in ("初级", "中级", "高级")]

    answers = [_propose(bank, awarded[0]).json() for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]


# Award checks

AWARDS: dict[str, Any] = {
    "sources": [{"value": {"carry": True}}],
    "award": {"diploma": [{"id": "all", "min": 14}, {"id": "high", "match": {"level": "高级"}, "min": 8}]},
}


def test_an_award_check_says_what_is_missing_and_the_smallest_set_that_closes_the_gap(bank: ReadyBank) -> None:
    programme, holder = _programme(bank, AWARDS), person()
    low, middle, high = [_dealt(bank, holder=holder, level=level) for level in ("初级", "中级", "高级")]
    body = {"account_id": low["account_id"], "programme": programme, "award": "diploma"}

    missing = bank.institution.post("/v1/award-checks", body).json()

    assert (missing["awardable"], missing["is_proven"]) == (False, True)
    assert [(one["check"], one["have"], one["need"]) for one in missing["missing"]] == [("all", 0, 14), ("high", 0, 8)]
    assert missing["smallest_set"] == [middle["certificate_id"], high["certificate_id"]]
    requests = [{"certificate_id": one} for one in missing["smallest_set"]]
    converted = wishes(low["account_id"], *requests, programme=programme)
    assert bank.institution.post("/v1/conversions", converted).status_code == 201
    done = bank.institution.post("/v1/award-checks", body).json()
    assert (done["awardable"], done["missing"], done["smallest_set"]) == (True, [], [])


def test_an_award_that_the_rulebook_lacks_is_pointed_at(bank: ReadyBank) -> None:
    awarded = _dealt(bank)
    body = {"account_id": awarded["account_id"], "programme": wishes("")["programme"], "award": "doctorate"}

    refused = bank.institution.post("/v1/award-checks", body)

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/award")


def test_an_award_check_is_for_who_deals_with_the_account(bank: ReadyBank) -> None:
    body = {"account_id": bank.account(), "programme": wishes("")["programme"], "award": "diploma"}

    assert bank.institution.post("/v1/award-checks", body).status_code == 404


# Rules tried


def _evaluate(bank: ReadyBank, rules: Any, op: str = "convert", given: Any = SITUATION) -> Any:
    return bank.institution.post("/v1/rulebooks:evaluate", {"rules": rules, "op": op, "given": given})


def test_rules_are_tried_on_a_situation(bank: ReadyBank) -> None:
    before = bank.events()
    cap = {"id": "each", "measure": "credits", "limit": 6, "per": ["outcome"], "over": "drop", "reason": "CAP"}

    answer = _evaluate(bank, {"sources": [{"value": {"target": True}}], "caps": [cap]})

    decision = answer.json()
    assert (answer.status_code, decision["granted_total"]) == (200, 4)
    assert decision["refused"] == [
        {"outcome": "X1", "target": "B", "reason": "CAP", "clause": "/caps/0", "measured": 7, "limit": 6}
    ]
    assert decision["caps"] == [{"id": "each", "key": ["X1"], "limit": 6, "before": 0, "after": 4}]
    assert decision["inputs"]["programme"]["courses"]["A"] == {"credits": 4}
    assert bank.events() == before


def test_awards_and_credit_points_are_tried_too(bank: ReadyBank) -> None:
    held = {"award": "diploma", "held": [{"credits": 8, "level": "高级"}]}
    points = {"years": [{"credits": 30, "level": 1}, {"credits": "20.5", "level": 2}]}

    assert _evaluate(bank, AWARDS, "award", held).json() == {
        "awardable": False,
        "missing": [{"check": "all", "have": 8, "need": 14}],
    }
    assert _evaluate(bank, {}, "credit_points", points).json()["total"] == 71


@pytest.mark.parametrize(
    ("rules", "op", "given", "pointer"),
    [
        ({"colour": "red"}, "convert", SITUATION, "/rules/colour"),
        ({"sources": [{"value": {"fixed": "many"}}]}, "convert", SITUATION, "/rules/sources/0/value/fixed"),
        ({"sources": []}, "convert", {**SITUATION, "applied_on": "soon"}, "/given/applied_on"),
        ({"sources": []}, "convert", {"requests": [{"outcome": "?"}]}, "/given/requests/0/outcome"),
        ({"sources": []}, "award", {"award": "diploma", "held": []}, "/given/award"),
        ({}, "credit_points", {"years": [{"credits": 1}]}, "/given/years/0/level"),
        ({}, "lifecycle", {}, "/op"),
        ([], "convert", {}, "/rules"),
        ({}, "convert", [], "/given"),
    ],
)
def test_what_is_wrong_with_rules_or_situation_is_pointed_at(
    bank: ReadyBank, rules: Any, op: str, given: Any, pointer: str
) -> None:
    refused = _evaluate(bank, rules, op, given)

    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert [fault["pointer"] for fault in refused.json()["errors"]] == [pointer]


def test_trying_rules_needs_no_key_and_is_nothing_for_learners_or_the_public(bank: ReadyBank) -> None:
    body = {"rules": {"sources": []}, "op": "convert", "given": {}}
    keyless = bank.client.post("/v1/rulebooks:evaluate", json=body, headers=bank.institution.headers())

    assert keyless.status_code == 200
    assert bank.learner(bank.account()).post("/v1/rulebooks:evaluate", body).status_code == 403
    assert bank.public.post("/v1/rulebooks:evaluate", body).status_code == 401
