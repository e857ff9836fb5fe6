"""Balance, transcript and eligibility as of a day, and as the bank knew things at an instant."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.api.bank import Caller, ReadyBank, person, wish, wishes

REASON = {"reason": "成绩造假"}
AMOUNTS = ("earned", "used", "reserved", "available", "expired", "held", "shortfall", "under_review")


def _story(bank: ReadyBank) -> str:
    """A certificate of July, exempted from in September, revoked in November back to October; one posted late.

    All of it after the bank was set up: what is recorded never stands before what was recorded earlier.
    """
    holder = person()
    bank.clock.set(date(2027, 7, 15))
    awarded = bank.award(holder=holder, issued_on="2027-07-01", expires_on="2028-06-30")
    account_id = str(awarded["account_id"])
    bank.deal(holder)
    bank.clock.set(date(2027, 9, 1))
    exempted = bank.institution.post("/v1/exemptions", wishes(account_id, wish(awarded, "C1")))
    assert exempted.status_code == 201, exempted.text
    bank.clock.set(date(2027, 10, 15))
    bank.award(holder=holder, level="初级", issued_on="2027-08-01")
    bank.clock.set(date(2027, 11, 1))
    path = f"/v1/certificates/{awarded['certificate_id']}/revocation"
    assert bank.issuer.post(path, {**REASON, "effective_from": "2027-10-01"}).status_code == 200
    bank.clock.set(date(2027, 11, 24))
    return account_id


def _balance(caller: Caller, account_id: str, **moment: str) -> dict[str, Any]:
    answer = caller.get(f"/v1/accounts/{account_id}/balance", params=moment)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    amounts = {name: int(found[name]) for name in AMOUNTS}
    taken = sum(amounts[name] for name in ("used", "reserved", "expired", "held"))
    assert amounts["earned"] - taken + amounts["shortfall"] == amounts["available"]
    return found


def _standing(found: dict[str, Any]) -> dict[str, str]:
    return {name: found[name] for name in AMOUNTS if found[name] != "0"}


# One bank has them all: to set one up takes longer than to ask it for every moment.
STANDINGS: list[tuple[dict[str, str], dict[str, str]]] = [
    ({}, {"earned": "4", "used": "4", "available": "4", "shortfall": "4", "under_review": "4"}),
    ({"as_of": "2027-06-30"}, {}),
    ({"as_of": "2027-07-01"}, {"earned": "6", "available": "6"}),
    ({"as_of": "2027-08-01"}, {"earned": "10", "available": "10"}),
    ({"as_of": "2027-09-01"}, {"earned": "10", "used": "4", "available": "6"}),
    ({"as_of": "2027-10-01"}, {"earned": "4", "used": "4", "available": "4", "shortfall": "4"}),
    ({"known_at": "2027-07-14T12:00:00Z"}, {}),
    ({"known_at": "2027-08-31T12:00:00Z"}, {"earned": "6", "available": "6"}),
    ({"known_at": "2027-10-31T12:00:00Z"}, {"earned": "10", "used": "4", "available": "6"}),
    ({"as_of": "2027-08-15", "known_at": "2027-09-30T12:00:00Z"}, {"earned": "6", "available": "6"}),
    (
        {"as_of": "2027-10-01", "known_at": "2027-10-31T12:00:00Z"},
        {"earned": "10", "used": "4", "available": "6"},
    ),
    (
        {"as_of": "2028-07-01", "known_at": "2027-10-31T12:00:00Z"},
        {"earned": "10", "used": "4", "expired": "2", "available": "4"},
    ),
]


def test_a_balance_is_that_of_the_moment(own_bank: ReadyBank) -> None:
    bank, account_id = own_bank, _story(own_bank)

    auditor = bank.caller("auditor", "AUDIT")  # the key from a year before has ended
    for caller in (bank.institution, auditor, bank.learner(account_id)):
        found = [(moment, _standing(_balance(caller, account_id, **moment))) for moment, _ in STANDINGS]
        assert found == STANDINGS


def test_the_answer_names_the_moment_and_the_state_of_knowledge(sqlite_bank: ReadyBank) -> None:
    bank, account_id = sqlite_bank, _story(sqlite_bank)

    then = _balance(bank.institution, account_id, as_of="2027-07-01", known_at="2027-08-31T12:00:00+08:00")

    assert (then["as_of"], then["known_at"]) == ("2027-07-01", "2027-08-31T04:00:00.000000Z")
    assert then["version"] == 3
    assert _balance(bank.institution, account_id)["version"] == 7


def test_a_past_balance_has_no_entity_tag(sqlite_bank: ReadyBank) -> None:
    """Its version would not tell it from the balance of another day."""
    bank, account_id = sqlite_bank, _story(sqlite_bank)

    then = bank.institution.get(
        f"/v1/accounts/{account_id}/balance", {"If-None-Match": '"7"'}, params={"as_of": "2027-07-01"}
    )

    assert then.status_code == 200
    assert "ETag" not in then.headers


def test_a_transcript_is_that_of_the_moment(sqlite_bank: ReadyBank) -> None:
    bank, account_id = sqlite_bank, _story(sqlite_bank)

    def entries(**moment: str) -> list[tuple[str, str]]:
        answer = bank.institution.get(f"/v1/accounts/{account_id}/transcript", params=moment)
        assert answer.status_code == 200
        return [(one["kind"], one["status"]) for one in answer.json()["entries"]]

    now = [("certificate", "revoked"), ("exemption", "under_review"), ("certificate", "active")]
    assert entries() == now
    assert entries(as_of="2027-10-31") == [now[0], ("exemption", "active"), now[2]]
    assert entries(as_of="2027-08-01") == [("certificate", "active"), ("certificate", "active")]
    assert entries(known_at="2027-09-30T00:00:00Z") == [("certificate", "active"), ("exemption", "active")]
    assert entries(as_of="2029-01-01", known_at="2027-09-30T00:00:00Z")[0] == ("certificate", "expired")


def test_eligibility_is_judged_at_the_moment(sqlite_bank: ReadyBank) -> None:
    bank, account_id = sqlite_bank, _story(sqlite_bank)

    def proposed(**moment: str) -> tuple[str, int]:
        body = {**wishes(account_id), "requests": None, **moment}
        answer = bank.institution.post("/v1/eligibility", body)
        assert answer.status_code == 200, answer.text
        return answer.json()["granted_total"], answer.json()["version_of_account"]

    assert proposed() == ("3", 7)
    assert proposed(known_at="2027-08-31T00:00:00Z") == ("6", 3)
    assert proposed(as_of="2027-08-15") == ("9", 7)
    assert proposed(as_of="2027-06-30") == ("0", 7)


def test_a_reservation_is_seen_until_its_time_was_over(sqlite_bank: ReadyBank) -> None:
    bank, holder = sqlite_bank, person()
    bank.clock.set(date(2027, 9, 1))
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    body = wishes(awarded["account_id"], wish(awarded, "C1"), expires_at="2027-09-10T12:00:00Z")
    assert bank.institution.post("/v1/reservations", body).status_code == 201
    bank.clock.set(date(2027, 11, 24))

    def reserved(**moment: str) -> str:
        return str(_balance(bank.institution, awarded["account_id"], **moment)["reserved"])

    assert reserved() == "0"
    assert (reserved(as_of="2027-08-31"), reserved(as_of="2027-09-09"), reserved(as_of="2027-09-10")) == ("0", "4", "0")
    assert reserved(known_at="2027-09-10T11:59:59Z") == "4"
    assert reserved(known_at="2027-09-10T12:00:00Z") == "0"


def test_who_may_not_see_the_account_today_does_not_see_its_past(sqlite_bank: ReadyBank) -> None:
    bank, account_id = sqlite_bank, _story(sqlite_bank)

    for read in ("balance", "transcript"):
        answer = bank.other_institution.get(f"/v1/accounts/{account_id}/{read}", params={"as_of": "2027-09-01"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
