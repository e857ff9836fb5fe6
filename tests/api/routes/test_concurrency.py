"""Many at once: whatever gathers in one transaction, each request gets the answer of some order, and one wins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from tests.api.bank import ReadyBank, certificate, person, wish, wishes

THREADS = 32
REASON = {"reason": "x"}


def _at_once(ask: Callable[[int], Any]) -> list[Any]:
    """What 32 threads are answered that ask at the same moment."""
    start = Barrier(THREADS)

    def one(number: int) -> Any:
        start.wait()
        return ask(number)

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(one, range(THREADS)))


def _tally(answers: list[Any]) -> Counter[tuple[int, str | None]]:
    return Counter((answer.status_code, answer.json().get("code")) for answer in answers)


def test_a_number_goes_to_one_of_many_persons(bank: ReadyBank) -> None:
    posted, people = certificate(), [person() for _ in range(THREADS)]

    answers = _at_once(lambda n: bank.issuer.post("/v1/certificates", {**posted, "holder": people[n]}))

    assert _tally(answers) == {(201, None): 1, (409, "certificate_number_taken"): THREADS - 1}
    opened = [
        one for one in people if bank.authority.post("/v1/accounts/lookup", {"document": one["document"]}).is_success
    ]
    assert len(opened) == 1


def test_a_certificate_of_one_person_is_awarded_once(bank: ReadyBank) -> None:
    posted = certificate()

    answers = _at_once(lambda _: bank.issuer.post("/v1/certificates", posted))

    assert _tally(answers) == {(201, None): 1, (409, "certificate_duplicate"): THREADS - 1}
    assert len({answer.json()["certificate_id"] for answer in answers}) == 1


def test_one_key_is_answered_once_and_repeated(bank: ReadyBank) -> None:
    posted, before = certificate(), bank.events()

    answers = _at_once(lambda _: bank.issuer.post("/v1/certificates", posted, key="at-once"))

    stored = [answer for answer in answers if answer.status_code == 201]
    assert len({(answer.content, answer.headers["Creditbank-Position"]) for answer in stored}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in stored) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code != 201} <= {"idempotency_in_progress"}
    assert bank.events() == before + 2


def test_one_key_with_many_bodies_belongs_to_the_first(bank: ReadyBank) -> None:
    answers = _at_once(lambda _: bank.issuer.post("/v1/certificates", certificate(), key="many-bodies"))

    assert _tally(answers) == {(201, None): 1, (422, "idempotency_key_reused"): THREADS - 1}


def test_a_person_has_one_account_however_many_open_it(bank: ReadyBank) -> None:
    holder = person()

    answers = _at_once(lambda _: bank.authority.post("/v1/accounts", {"holder": holder}))

    assert _tally(answers) == {(201, None): 1, (200, None): THREADS - 1}
    assert len({answer.json()["account_id"] for answer in answers}) == 1


@pytest.mark.parametrize(("path", "target", "won"), [("exemptions", "C1", 1), ("conversions", None, 1)])
def test_credits_are_used_by_one_of_many_requests(bank: ReadyBank, path: str, target: str | None, won: int) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    asked = wishes(awarded["account_id"], wish(awarded, target))

    answers = _at_once(lambda _: bank.institution.post(f"/v1/{path}", asked))

    assert _tally(answers) == {(201, None): won, (422, "not_eligible"): THREADS - won}
    assert bank.balance(awarded["account_id"])["used"] == ("6" if target is None else "4")


def test_one_of_many_reservations_holds_the_credits(bank: ReadyBank) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    asked = wishes(awarded["account_id"], wish(awarded), expires_at="2026-12-01T00:00:00Z")

    answers = _at_once(lambda _: bank.institution.post("/v1/reservations", asked))

    assert _tally(answers) == {(201, None): 1, (409, "outcome_reserved"): THREADS - 1}
    assert bank.balance(awarded["account_id"])["reserved"] == "6"


def test_an_exemption_and_a_revocation_end_in_one_order(bank: ReadyBank) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    asked = wishes(awarded["account_id"], wish(awarded, "C1"))
    revocation = f"/v1/certificates/{awarded['certificate_id']}/revocation"

    def ask(number: int) -> Any:
        return bank.issuer.post(revocation, REASON) if number % 2 else bank.institution.post("/v1/exemptions", asked)

    tally = _tally(_at_once(ask))

    assert tally[200, None] == 1
    assert tally[201, None] <= 1
    balance = bank.balance(awarded["account_id"])
    assert balance["used"] == balance["under_review"] == ("4" if tally[201, None] else "0")


def test_a_suspension_lets_nothing_through_that_comes_after_it(bank: ReadyBank) -> None:
    account_id = bank.account()
    path = f"/v1/accounts/{account_id}/suspension"

    def ask(number: int) -> Any:
        posted = certificate(holder={"account_id": account_id})
        return bank.authority.post(path, REASON) if number == 7 else bank.issuer.post("/v1/certificates", posted)

    tally = _tally(_at_once(ask))

    assert tally[200, None] == 1
    assert tally[201, None] + tally[409, "account_not_open"] == THREADS - 1
    history = bank.authority.get(f"/v1/accounts/{account_id}/events").json()["items"]
    assert history[-1]["type"] == "account-suspended/1"
    assert len(history) == 2 + tally[201, None]


def test_merging_while_certificates_arrive_loses_none(bank: ReadyBank) -> None:
    holder = person()
    moved, survivor = bank.award(holder=holder)["account_id"], bank.account()

    def ask(number: int) -> Any:
        if number == 7:
            return bank.authority.post(f"/v1/accounts/{survivor}/merge", {"merged": moved, "reason": "同一人"})
        return bank.issuer.post("/v1/certificates", certificate(holder=holder))

    assert _tally(_at_once(ask)) == {(200, None): 1, (201, None): THREADS - 1}
    assert bank.balance(survivor)["certificates"] == THREADS
    assert bank.balance(moved)["certificates"] == 0


def test_a_command_that_names_a_version_wins_once(bank: ReadyBank) -> None:
    account_id = bank.account()
    path = f"/v1/accounts/{account_id}"

    answers = _at_once(lambda _: bank.authority.post(f"{path}/suspension", REASON, headers={"If-Match": '"1"'}))

    assert _tally(answers) == {(200, None): 1, (412, "precondition_failed"): THREADS - 1}


def test_batches_that_share_their_lines_write_each_once(bank: ReadyBank) -> None:
    lines = [certificate() for _ in range(10)]
    before = bank.events()

    def ask(number: int) -> Any:
        turned = lines[number % 10 :] + lines[: number % 10]
        return bank.issuer.post("/v1/certificates:batch", {"items": turned})

    answers = _at_once(ask)

    assert {answer.status_code for answer in answers} == {207}
    assert sum(answer.json()["accepted"] for answer in answers) == 10
    assert bank.events() == before + 20
