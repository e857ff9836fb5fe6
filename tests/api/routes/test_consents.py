"""Consents over HTTP: what a learner allows opens and closes the account for an institution at once."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.api.bank import PROGRAMME, Caller, ReadyBank, person, wish, wishes

NOWHERE = "0192f0c1-2d3e-7f40-8a5b-6c7d8e9f0a1b"
UNTIL = "2027-08-31"


def _give(bank: ReadyBank, account_id: str, institution: str = "HBVTC", **changes: Any) -> dict[str, Any]:
    body = {"institution": institution, "purpose": "升学", "until": UNTIL, **changes}
    answer = bank.learner(account_id).post(f"/v1/accounts/{account_id}/consents", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def _withdraw(bank: ReadyBank, consent: dict[str, Any]) -> Any:
    account_id = consent["account_id"]
    path = f"/v1/accounts/{account_id}/consents/{consent['consent_id']}/withdrawal"
    return bank.learner(account_id).post(path)


def _strict_programme(bank: ReadyBank) -> dict[str, Any]:
    """A programme of the institution that asks for consent; the wishes name it."""
    body = {"institution": "HBVTC", **PROGRAMME, "code": "STRICT", "consent": "required"}
    assert bank.institution.post("/v1/programmes", body).status_code in (200, 201)
    return {"programme": {"institution": "HBVTC", "code": "STRICT"}}


def test_a_consent_says_to_whom_for_what_and_until_when(bank: ReadyBank) -> None:
    account_id = bank.account()

    given = _give(bank, account_id)

    assert {name: given[name] for name in ("account_id", "institution", "status", "purpose", "until")} == {
        "account_id": account_id,
        "institution": "HBVTC",
        "status": "active",
        "purpose": "升学",
        "until": UNTIL,
    }
    listed = bank.learner(account_id).get(f"/v1/accounts/{account_id}/consents").json()
    assert listed == {"items": [given], "next_cursor": None}


def test_a_repeated_request_gives_one_consent_and_keeps_no_purpose(bank: ReadyBank) -> None:
    account_id = bank.account()
    learner, path = bank.learner(account_id), f"/v1/accounts/{account_id}/consents"
    body = {"institution": "HBVTC", "purpose": "升学", "until": UNTIL}

    first, again = (learner.post(path, body, key=f"consent-of-{account_id}") for _ in range(2))

    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json() | {"purpose": None}
    assert len(learner.get(path).json()["items"]) == 1


def test_a_consent_opens_the_account_for_reads_and_a_withdrawal_closes_it_at_once(bank: ReadyBank) -> None:
    awarded = bank.award()
    path = f"/v1/accounts/{awarded['account_id']}/balance"
    assert bank.institution.get(path).status_code == 404

    consent = _give(bank, awarded["account_id"])
    assert bank.institution.get(path).status_code == 200
    assert bank.other_institution.get(path).status_code == 404
    withdrawn = _withdraw(bank, consent)

    assert (withdrawn.status_code, withdrawn.json()["status"]) == (200, "withdrawn")
    assert bank.institution.get(path).status_code == 404
    again = _withdraw(bank, consent)
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")


def test_a_consent_ends_with_its_last_day(own_bank: ReadyBank) -> None:
    awarded = own_bank.award()
    _give(own_bank, awarded["account_id"], until="2026-11-30")
    path = f"/v1/accounts/{awarded['account_id']}"

    own_bank.clock.set(date(2026, 11, 30))
    assert own_bank.institution.get(path).status_code == 200
    own_bank.clock.set(date(2026, 12, 1))
    assert own_bank.institution.get(path).status_code == 404
    listed = own_bank.learner(awarded["account_id"]).get(f"{path}/consents").json()["items"]
    assert [one["status"] for one in listed] == ["expired"]


def test_what_was_used_stays_when_a_consent_is_taken_back(bank: ReadyBank) -> None:
    awarded = bank.award()
    consent = _give(bank, awarded["account_id"])
    asked = wishes(awarded["account_id"], wish(awarded, "C1"))
    exempted = bank.institution.post("/v1/exemptions", asked)
    assert exempted.status_code == 201

    _withdraw(bank, consent)

    # The use itself lets its institution deal with the account, as long as it stands.
    assert bank.institution.get(f"/v1/exemptions/{exempted.json()['exemption_id']}").json()["status"] == "active"
    assert bank.balance(awarded["account_id"])["used"] == "4"


@pytest.mark.parametrize("path", ["/v1/exemptions", "/v1/eligibility", "/v1/reservations"])
def test_a_programme_may_ask_for_consent_also_of_who_deals_already(bank: ReadyBank, path: str) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    asked = wishes(awarded["account_id"], wish(awarded, "C1"), **_strict_programme(bank))
    asked |= {"expires_at": "2026-12-01T00:00:00Z"} if path == "/v1/reservations" else {}

    refused = bank.institution.post(path, asked)
    assert (refused.status_code, refused.json()["code"]) == (422, "consent_required")

    consent = _give(bank, awarded["account_id"])
    assert bank.institution.post(path, asked).status_code in (200, 201)
    _withdraw(bank, consent)
    assert bank.institution.post(path, asked).json()["code"] == "consent_required"


def test_who_deals_with_nobody_learns_nothing_of_consents(bank: ReadyBank) -> None:
    awarded = bank.award()
    asked = wishes(awarded["account_id"], wish(awarded, "C1"), **_strict_programme(bank))

    refused = bank.institution.post("/v1/exemptions", asked)

    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


def test_a_reservation_is_not_confirmed_without_the_consent(bank: ReadyBank) -> None:
    awarded = bank.award()
    consent = _give(bank, awarded["account_id"])
    asked = wishes(awarded["account_id"], wish(awarded, "C1"), **_strict_programme(bank))
    reserved = bank.institution.post("/v1/reservations", {**asked, "expires_at": "2026-12-01T00:00:00Z"}).json()
    _withdraw(bank, consent)
    path = f"/v1/reservations/{reserved['reservation_id']}"

    refused = bank.institution.post(f"{path}/confirmation")

    assert (refused.status_code, refused.json()["code"]) == (422, "consent_required")
    assert bank.institution.post(f"{path}/release", {}).status_code == 200


def test_the_bank_may_ask_for_consent_in_every_programme(own_bank: ReadyBank) -> None:
    own_bank.core.consent_required = True
    holder = person()
    awarded = own_bank.award(holder=holder)
    own_bank.deal(holder)
    asked = wishes(awarded["account_id"], wish(awarded, "C1"))

    assert own_bank.institution.post("/v1/exemptions", asked).json()["code"] == "consent_required"
    _give(own_bank, awarded["account_id"])
    assert own_bank.institution.post("/v1/exemptions", asked).status_code == 201


def test_each_sees_of_consents_what_is_theirs(bank: ReadyBank) -> None:
    account_id = bank.account()
    own, other = _give(bank, account_id), _give(bank, account_id, "WHUT")
    path = f"/v1/accounts/{account_id}/consents"

    def seen(caller: Caller) -> list[tuple[str, str | None]]:
        return [(one["consent_id"], one["purpose"]) for one in caller.get(path).json()["items"]]

    assert seen(bank.institution) == [(own["consent_id"], "升学")]
    assert seen(bank.auditor) == [(own["consent_id"], None), (other["consent_id"], None)]
    assert bank.learner(bank.account()).get(path).status_code == 404
    events = [item["type"] for item in bank.institution.get(f"/v1/accounts/{account_id}/events").json()["items"]]
    assert events == ["consent-given/1"]


def test_a_learner_gives_and_takes_back_on_the_own_account_only(bank: ReadyBank) -> None:
    consent, stranger = _give(bank, bank.account()), bank.learner(bank.account())
    body = {"institution": "HBVTC", "purpose": "升学", "until": UNTIL}
    path = f"/v1/accounts/{consent['account_id']}/consents"

    for answer in (
        stranger.post(path, body),
        stranger.post(f"{path}/{consent['consent_id']}/withdrawal"),
        bank.learner(consent["account_id"]).post(f"{path}/{NOWHERE}/withdrawal"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_consent_names_an_institution_and_a_day_to_come(bank: ReadyBank) -> None:
    account_id = bank.account()
    learner, path = bank.learner(account_id), f"/v1/accounts/{account_id}/consents"
    body = {"institution": "HBVTC", "purpose": "升学", "until": UNTIL}

    assert learner.post(path, {**body, "institution": "BIM-EVAL"}).json()["code"] == "organisation_unknown"
    refused = learner.post(path, {**body, "until": "2026-11-23"}).json()
    assert [(one["code"], one["pointer"]) for one in refused["errors"]] == [("out_of_range", "/until")]


def test_a_consent_is_decided_on_the_version_that_is_named(bank: ReadyBank) -> None:
    account_id = bank.account()
    learner, path = bank.learner(account_id), f"/v1/accounts/{account_id}/consents"
    body = {"institution": "HBVTC", "purpose": "升学", "until": UNTIL}

    assert learner.post(path, body, headers={"If-Match": '"1"'}).status_code == 201
    assert learner.post(path, body, headers={"If-Match": '"1"'}).status_code == 412
