"""Revocation after use: conversions fall, exemptions wait for their institution, the balance shows what is missing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.bank import ReadyBank, person, wish, wishes

REASON = {"reason": "成绩造假"}


def _used(bank: ReadyBank) -> tuple[dict[str, Any], str, str]:
    """A certificate of 6 credits of which 2 replace a course, and one of 4 in a conversion, in one account."""
    holder = person()
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    account_id = awarded["account_id"]
    exempted = bank.institution.post("/v1/exemptions", wishes(account_id, wish(awarded, "C2"))).json()
    second = bank.award(holder=holder, level="初级")
    joined = {"certificate_ids": [second["certificate_id"], awarded["certificate_id"]]}
    converted = bank.institution.post("/v1/conversions", wishes(account_id, joined)).json()
    return awarded, exempted["exemption_id"], converted["conversion_id"]


def _revoke(bank: ReadyBank, awarded: dict[str, Any], **changes: Any) -> Any:
    return bank.issuer.post(f"/v1/certificates/{awarded['certificate_id']}/revocation", {**REASON, **changes})


def test_what_rests_on_a_revoked_certificate_follows_in_one_append(bank: ReadyBank) -> None:
    awarded, exempted, converted = _used(bank)

    answer = _revoke(bank, awarded, effective_from="2026-08-01")

    assert (answer.status_code, answer.json()["status"]) == (200, "revoked")
    assert answer.json()["revoked_from"] == "2026-08-01"
    assert {tuple(sorted(one.items())) for one in answer.json()["dependants"]} == {
        (("exemption_id", exempted), ("kind", "exemption"), ("status", "under_review")),
        (("conversion_id", converted), ("kind", "conversion"), ("status", "reversed")),
    }
    assert bank.institution.get(f"/v1/exemptions/{exempted}").json()["status"] == "under_review"
    assert bank.institution.get(f"/v1/conversions/{converted}").json()["status"] == "reversed"
    history = bank.authority.get(f"/v1/accounts/{awarded['account_id']}/events").json()["items"]
    appended = [item for item in history if item["causation"] == history[-1]["causation"]]
    assert {item["type"] for item in appended} == {
        "certificate-revoked/1",
        "conversion-reversed/1",
        "exemption-review-opened/1",
    }
    assert answer.headers["Creditbank-Position"] == history[-1]["position"]


def test_what_was_used_of_a_revoked_certificate_is_shortfall_under_review(bank: ReadyBank) -> None:
    awarded, _, _ = _used(bank)

    _revoke(bank, awarded)

    balance = bank.balance(awarded["account_id"])
    assert (balance["earned"], balance["used"], balance["shortfall"]) == ("4", "2", "2")
    assert (balance["under_review"], balance["available"], balance["certificates"]) == ("2", "4", 1)


@pytest.mark.parametrize(("verdict", "status", "used"), [("upheld", "active", "2"), ("withdrawn", "reversed", "0")])
def test_the_institution_says_whether_its_exemption_stands(
    bank: ReadyBank, verdict: str, status: str, used: str
) -> None:
    awarded, exempted, _ = _used(bank)
    _revoke(bank, awarded)
    path = f"/v1/exemptions/{exempted}/review"

    answer = bank.institution.post(path, {"outcome": verdict, "reason": "学院复议"})

    assert (answer.status_code, answer.json()["status"]) == (200, status)
    balance = bank.balance(awarded["account_id"])
    assert (balance["used"], balance["shortfall"], balance["under_review"]) == (used, used, "0")
    again = bank.institution.post(path, {"outcome": verdict, "reason": "学院复议"})
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")


def test_a_review_has_two_outcomes(bank: ReadyBank) -> None:
    awarded, exempted, _ = _used(bank)
    _revoke(bank, awarded)

    refused = bank.institution.post(f"/v1/exemptions/{exempted}/review", {"outcome": "maybe", "reason": "x"})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/outcome")


def test_an_exemption_under_review_may_be_reversed(bank: ReadyBank) -> None:
    awarded, exempted, _ = _used(bank)
    _revoke(bank, awarded)

    answer = bank.institution.post(f"/v1/exemptions/{exempted}/reversal", REASON)

    assert (answer.status_code, answer.json()["status"]) == (200, "reversed")
    assert bank.balance(awarded["account_id"])["shortfall"] == "0"


def test_an_unused_certificate_is_revoked_without_dependants(bank: ReadyBank) -> None:
    awarded = bank.award()

    answer = bank.authority.post(f"/v1/certificates/{awarded['certificate_id']}/revocation", REASON)

    assert (answer.status_code, answer.json()["dependants"]) == (200, [])
    assert answer.json()["revoked_from"] == "2026-11-24"
    assert bank.balance(awarded["account_id"])["earned"] == "0"


def test_a_held_certificate_may_be_revoked(bank: ReadyBank) -> None:
    awarded = bank.award()
    bank.issuer.post(f"/v1/certificates/{awarded['certificate_id']}/hold", REASON)

    assert _revoke(bank, awarded).json()["status"] == "revoked"


def test_a_revocation_does_not_take_effect_before_issue(bank: ReadyBank) -> None:
    refused = _revoke(bank, bank.award(), effective_from="2026-06-30")

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/effective_from")


def test_another_issuer_cannot_even_see_what_it_would_revoke(bank: ReadyBank) -> None:
    path = f"/v1/certificates/{bank.award()['certificate_id']}"

    for change in ("revocation", "hold", "hold-release"):
        refused = bank.other_issuer.post(f"{path}/{change}", REASON)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    amendment = bank.other_issuer.post(f"{path}/amendment", {"changes": {"level": "高级"}, **REASON})
    assert amendment.status_code == 404
    assert bank.other_issuer.get(path).status_code == 404


def test_the_balance_adds_up_at_every_step_of_a_long_story(bank: ReadyBank) -> None:
    holder = person()
    first = bank.award(holder=holder)
    bank.deal(holder)
    account_id = first["account_id"]
    second = bank.award(holder=holder, level="高级", expires_on="2026-10-01")
    third = bank.award(holder=holder, level="初级")
    exempted = bank.institution.post("/v1/exemptions", wishes(account_id, wish(second, "C1"))).json()["exemption_id"]
    converted = bank.institution.post("/v1/conversions", wishes(account_id, wish(third))).json()["conversion_id"]
    amounts = []
    for caller, path, body in (
        (bank.issuer, f"certificates/{first['certificate_id']}/hold", REASON),
        (bank.issuer, f"certificates/{second['certificate_id']}/amendment", {"changes": {"level": "初级"}, **REASON}),
        (bank.issuer, f"certificates/{third['certificate_id']}/revocation", REASON),
        (bank.issuer, f"certificates/{second['certificate_id']}/revocation", REASON),
        (bank.institution, f"exemptions/{exempted}/review", {"outcome": "upheld", **REASON}),
        (bank.issuer, f"certificates/{first['certificate_id']}/hold-release", REASON),
        (bank.institution, f"exemptions/{exempted}/reversal", REASON),
    ):
        answer = caller.post(f"/v1/{path}", body)
        assert answer.status_code == 200, answer.text
        balance = bank.balance(account_id)
        amounts.append(tuple(balance[name] for name in ("earned", "used", "available", "expired", "held", "shortfall")))

    assert amounts == [
        ("18", "8", "0", "4", "6", "0"),
        ("14", "8", "0", "0", "6", "0"),
        ("10", "4", "0", "0", "6", "0"),
        ("6", "4", "0", "0", "6", "4"),
        ("6", "4", "0", "0", "6", "4"),
        ("6", "4", "6", "0", "0", "4"),
        ("6", "0", "6", "0", "0", "0"),
    ]
    assert bank.institution.get(f"/v1/conversions/{converted}").status_code == 200
