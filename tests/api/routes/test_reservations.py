"""Reservations: credits are held for an application, and nobody else uses them until they are free again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.api.bank import PROGRAMME, RULES, TODAY, ReadyBank, person, wish, wishes

REASON = {"reason": "申请撤回"}
SOON = "2026-12-01T00:00:00Z"
NOWHERE = "0192f0c1-2d3e-7f40-8a5b-6c7d8e9f0a1b"


def _dealt(bank: ReadyBank) -> dict[str, Any]:
    holder = person()
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    return awarded | {"document": holder["document"]}


def _reserve(bank: ReadyBank, awarded: dict[str, Any], target: str | None = "C1", expires_at: str = SOON) -> Any:
    asked = wishes(awarded["account_id"], wish(awarded, target), expires_at=expires_at)
    return bank.institution.post("/v1/reservations", asked)


def test_a_reservation_holds_what_its_decision_granted(bank: ReadyBank) -> None:
    awarded = _dealt(bank)

    answer = _reserve(bank, awarded)

    assert (answer.status_code, answer.json()["status"]) == (201, "open")
    assert answer.json()["granted_total"] == "4"
    assert answer.json()["expires_at"].startswith("2026-12-01T00:00:00")
    balance = bank.balance(awarded["account_id"])
    assert (balance["reserved"], balance["used"], balance["available"]) == ("4", "0", "2")
    read = bank.institution.get(f"/v1/reservations/{answer.json()['reservation_id']}").json()
    assert (read["status"], read["granted"]) == ("open", answer.json()["granted"])


@pytest.mark.parametrize(("target", "kind"), [("C1", "exemption"), (None, "conversion")])
def test_a_confirmation_turns_it_into_what_it_was_decided_as(bank: ReadyBank, target: str | None, kind: str) -> None:
    awarded = _dealt(bank)
    reserved = _reserve(bank, awarded, target).json()
    path = f"/v1/reservations/{reserved['reservation_id']}"

    answer = bank.institution.post(f"{path}/confirmation")

    assert answer.status_code == 201
    assert answer.json()["granted"] == reserved["granted"]
    used = answer.json()[f"{kind}_id"]
    assert bank.institution.get(f"/v1/{kind}s/{used}").json()["status"] == "active"
    assert bank.institution.get(path).json()["status"] == "confirmed"
    balance = bank.balance(awarded["account_id"])
    assert (balance["reserved"], balance["used"]) == ("0", reserved["granted_total"])
    again = bank.institution.post(f"{path}/confirmation")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")


@pytest.mark.parametrize("body", [REASON, {}, None])
def test_a_release_frees_the_credits(bank: ReadyBank, body: Any) -> None:
    awarded = _dealt(bank)
    path = f"/v1/reservations/{_reserve(bank, awarded).json()['reservation_id']}"

    answer = bank.institution.post(f"{path}/release", body)

    assert (answer.status_code, answer.json()["status"]) == (200, "released")
    balance = bank.balance(awarded["account_id"])
    assert (balance["reserved"], balance["available"]) == ("0", "6")
    assert bank.institution.post(f"{path}/confirmation").json()["code"] == "wrong_state"


def test_a_rival_is_told_when_the_credits_may_be_free_and_not_by_whom_they_are_held(bank: ReadyBank) -> None:
    bank.other_institution.post("/v1/rulebooks/whut/versions", {"rules": RULES, "effective_from": "2020-01-01"})
    programme = {"institution": "WHUT", **PROGRAMME, "code": "CIVIL", "rulebook": "whut"}
    bank.other_institution.post("/v1/programmes", programme)
    awarded = _dealt(bank)
    bank.other_institution.post("/v1/accounts/lookup", {"document": awarded["document"]})
    reserved = _reserve(bank, awarded, None).json()
    named = {"institution": "WHUT", "code": "CIVIL"}

    for path, target in (("exemptions", "C1"), ("conversions", None), ("reservations", "C1")):
        more = {"expires_at": SOON} if path == "reservations" else {}
        asked = wishes(awarded["account_id"], wish(awarded, target), programme=named, **more)
        refused = bank.other_institution.post(f"/v1/{path}", asked)
        assert (refused.status_code, refused.json()["code"]) == (409, "outcome_reserved")
        assert refused.json()["lapses_at"] == reserved["expires_at"]
        assert "HBVTC" not in refused.text and reserved["reservation_id"] not in refused.text


def test_a_reservation_lapses_at_its_time(own_bank: ReadyBank) -> None:
    awarded = _dealt(own_bank)
    path = f"/v1/reservations/{_reserve(own_bank, awarded).json()['reservation_id']}"

    own_bank.clock.set(TODAY + timedelta(days=7))

    assert own_bank.institution.get(path).json()["status"] == "lapsed"
    balance = own_bank.balance(awarded["account_id"])
    assert (balance["reserved"], balance["available"]) == ("0", "6")
    for change in ("confirmation", "release"):
        late = own_bank.institution.post(f"{path}/{change}")
        assert (late.status_code, late.json()["code"]) == (409, "wrong_state")
    assert own_bank.institution.post("/v1/conversions", wishes(awarded["account_id"], wish(awarded))).status_code == 201


@pytest.mark.parametrize("expires_at", ["2026-11-24T11:59:59Z", "2026-12-25T12:00:00Z", "0001-01-01T00:00:00Z"])
def test_a_reservation_ends_in_the_future_within_thirty_days(bank: ReadyBank, expires_at: str) -> None:
    refused = _reserve(bank, _dealt(bank), expires_at=expires_at)

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/expires_at")


def test_a_revocation_releases_what_is_reserved(bank: ReadyBank) -> None:
    awarded = _dealt(bank)
    reserved = _reserve(bank, awarded).json()["reservation_id"]

    answer = bank.issuer.post(f"/v1/certificates/{awarded['certificate_id']}/revocation", REASON)

    assert reserved in {one.get("reservation_id") for one in answer.json()["dependants"]}
    assert bank.institution.get(f"/v1/reservations/{reserved}").json()["status"] == "released"
    balance = bank.balance(awarded["account_id"])
    assert (balance["reserved"], balance["shortfall"]) == ("0", "0")


def test_nothing_is_confirmed_on_an_account_that_is_suspended(bank: ReadyBank) -> None:
    awarded = _dealt(bank)
    path = f"/v1/reservations/{_reserve(bank, awarded).json()['reservation_id']}/confirmation"
    bank.authority.post(f"/v1/accounts/{awarded['account_id']}/suspension", REASON)

    refused = bank.institution.post(path)
    bank.authority.post(f"/v1/accounts/{awarded['account_id']}/reinstatement", REASON)

    assert (refused.status_code, refused.json()["code"]) == (409, "account_not_open")
    assert bank.institution.post(path).status_code == 201


def test_a_held_certificate_is_not_confirmed(bank: ReadyBank) -> None:
    awarded = _dealt(bank)
    path = f"/v1/reservations/{_reserve(bank, awarded).json()['reservation_id']}/confirmation"
    bank.issuer.post(f"/v1/certificates/{awarded['certificate_id']}/hold", REASON)

    refused = bank.institution.post(path)

    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    bank.balance(awarded["account_id"])


def test_a_reservation_of_another_institution_is_not_found(bank: ReadyBank) -> None:
    path = f"/v1/reservations/{_reserve(bank, _dealt(bank)).json()['reservation_id']}"

    for answer in (
        bank.other_institution.get(path),
        bank.other_institution.post(f"{path}/confirmation"),
        bank.other_institution.post(f"{path}/release", REASON),
        bank.institution.post(f"/v1/reservations/{NOWHERE}/confirmation"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_repeated_confirmation_gets_its_answer_again(bank: ReadyBank) -> None:
    path = f"/v1/reservations/{_reserve(bank, _dealt(bank)).json()['reservation_id']}/confirmation"
    first = bank.institution.post(path, key="confirm-once")

    again = bank.institution.post(path, key="confirm-once")

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
