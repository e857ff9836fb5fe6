"""Answers as of a day and as known at a moment: asked of the balance, the transcript and eligibility."""

from __future__ import annotations

from datetime import date

import pytest

from tests.api.bank import ReadyBank, person, wish, wishes


def test_the_bank_says_what_it_knew_before_a_correction(own_bank: ReadyBank) -> None:
    awarded = own_bank.award(issued_on="2026-07-01")
    own_bank.clock.set(date(2027, 1, 15))
    revocation = {"reason": "误发", "effective_from": "2026-12-01"}
    own_bank.issuer.post(f"/v1/certificates/{awarded['certificate_id']}/revocation", revocation)

    def earned(query: str) -> str:
        answer = own_bank.authority.get(f"/v1/accounts/{awarded['account_id']}/balance?{query}")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["earned"])

    assert earned("as_of=2026-06-30") == "0"
    assert earned("as_of=2026-07-01") == "6"
    assert earned("as_of=2026-11-30") == "6"
    assert earned("as_of=2026-12-01") == "0"
    assert earned("known_at=2027-01-14T00:00:00Z") == "6"
    assert earned("as_of=2026-12-01&known_at=2027-01-14T00:00:00Z") == "6"
    assert earned("known_at=2026-11-23T00:00:00Z") == "0"
    assert own_bank.balance(awarded["account_id"])["earned"] == "0"


def test_the_question_stands_in_the_answer(bank: ReadyBank) -> None:
    path = f"/v1/accounts/{bank.award()['account_id']}"

    for answer in ("balance", "transcript"):
        asked = bank.authority.get(f"{path}/{answer}?as_of=2026-08-01&known_at=2026-11-24T08:00:00%2B08:00").json()
        assert (asked["as_of"], asked["known_at"]) == ("2026-08-01", "2026-11-24T00:00:00.000000Z")


@pytest.mark.parametrize(
    "query",
    [
        "as_of=9999-12-31",
        "as_of=0001-01-01",
        "known_at=9999-12-31T23:59:59Z",
        "known_at=0001-01-01T00:00:00Z",
        "as_of=0001-01-01&known_at=9999-12-31T23:59:59Z",
    ],
)
def test_the_ends_of_the_calendar_have_an_answer(bank: ReadyBank, query: str) -> None:
    path = f"/v1/accounts/{bank.award()['account_id']}"

    for answer in ("balance", "transcript"):
        asked = bank.authority.get(f"{path}/{answer}?{query}")
        assert asked.status_code == 200
        known_at = asked.json()["known_at"]
        assert known_at is None or len(known_at) == len("2026-11-24T00:00:00.000000Z")


@pytest.mark.parametrize("query", ["as_of=x", "as_of=", "as_of=2026-02-30", "known_at=1", "known_at=2026-11-24"])
def test_what_is_no_day_or_instant_is_a_fault_of_the_parameter(bank: ReadyBank, query: str) -> None:
    path = f"/v1/accounts/{bank.award()['account_id']}"

    for answer in ("balance", "transcript"):
        refused = bank.authority.get(f"{path}/{answer}?{query}")
        assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
        assert refused.json()["errors"][0]["parameter"] == query.partition("=")[0]


@pytest.mark.parametrize("moment", [{"as_of": "9999-12-31"}, {"known_at": "9999-12-31T23:59:59Z"}])
def test_eligibility_takes_its_moment_in_the_body(bank: ReadyBank, moment: dict[str, str]) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    asked = wishes(awarded["account_id"], wish(awarded, "C1"))

    answer = bank.institution.post("/v1/eligibility", {**asked, **moment})

    assert (answer.status_code, answer.json()["granted_total"]) == (200, "4")
