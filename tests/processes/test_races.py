"""32 clients want the same thing in the same instant: exactly one gets it, and the others learn why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from threading import Event
from time import monotonic
from uuid import uuid4

from tests.processes import bank
from tests.processes.bank import done
from tests.processes.calls import Answer
from tests.processes.contenders import CLIENTS, Contenders

ROUNDS = 3
STALL_SECONDS = 5.0
"""Long on a quiet machine, and short of what a deadlock costs here."""


def outcomes(answers: Sequence[Answer]) -> dict[str, int]:
    """How often each outcome came: the status of a success, the code of a refusal."""
    assert max(answer.seconds for answer in answers) < STALL_SECONDS
    return dict(Counter(str(answer.status) if answer.is_success else answer.code for answer in answers))


def test_one_number_goes_to_one_of_many_persons(contenders: Contenders) -> None:
    for _ in range(ROUNDS):
        number = uuid4().hex
        answers = contenders.at_once(
            lambda caller, _, number=number: caller.post(
                "/v1/certificates", contenders.keys.issuer, bank.certificate(number=number), str(uuid4())
            )
        )
        assert outcomes(answers) == {"201": 1, "certificate_number_taken": CLIENTS - 1}


def test_a_new_person_gets_one_account_and_a_certificate_once(contenders: Contenders) -> None:
    for _ in range(ROUNDS):
        posted = bank.certificate()
        answers = contenders.at_once(
            lambda caller, _, posted=posted: caller.post(
                "/v1/certificates", contenders.keys.issuer, posted, str(uuid4())
            )
        )
        assert outcomes(answers) == {"201": 1, "certificate_duplicate": CLIENTS - 1}


def test_the_same_key_at_once_gets_the_one_answer(contenders: Contenders) -> None:
    for _ in range(ROUNDS):
        posted, key = bank.certificate(), str(uuid4())
        answers = contenders.at_once(
            lambda caller, _, posted=posted, key=key: caller.post(
                "/v1/certificates", contenders.keys.issuer, posted, key
            )
        )
        assert_one_and_its_repetitions(answers)


def test_the_same_key_at_once_exempts_once(contenders: Contenders) -> None:
    keys = contenders.keys
    for _ in range(ROUNDS):
        account_id, [certificate_id] = bank.shared_account(contenders.first, keys)
        wanted, key = bank.exemption(account_id, certificate_id), str(uuid4())
        answers = contenders.at_once(
            lambda caller, _, wanted=wanted, key=key: caller.post("/v1/exemptions", keys.institution, wanted, key)
        )
        assert_one_and_its_repetitions(answers)


def assert_one_and_its_repetitions(answers: Sequence[Answer]) -> None:
    assert outcomes(answers) == {"201": CLIENTS}
    assert len({answer.body for answer in answers}) == 1
    assert Counter(answer.replayed for answer in answers) == {False: 1, True: CLIENTS - 1}


def test_credits_of_a_certificate_are_spent_once(contenders: Contenders) -> None:
    keys = contenders.keys
    for _ in range(ROUNDS):
        account_id, [certificate_id] = bank.shared_account(contenders.first, keys)
        answers = contenders.at_once(
            lambda caller, course, account_id=account_id, certificate_id=certificate_id: caller.post(
                "/v1/exemptions", keys.institution, bank.exemption(account_id, certificate_id, course), str(uuid4())
            )
        )
        assert outcomes(answers) == {"201": 1, "not_eligible": CLIENTS - 1}
        reasons = {answer.content["refused"][0]["reason"] for answer in answers if not answer.is_success}
        assert reasons == {"CREDITS_USED"}
        balance = contenders.last.get(f"/v1/accounts/{account_id}/balance", keys.authority).content
        assert (balance["used"], balance["available"]) == ("4", "2")


def test_batches_that_share_numbers_award_each_of_them_once(contenders: Contenders) -> None:
    keys = contenders.keys
    numbers = [uuid4().hex for _ in range(20)]
    answers = contenders.at_once(
        lambda caller, client: caller.post(
            "/v1/certificates:batch",
            keys.issuer,
            {"items": [bank.certificate(number=one) for one in numbers[client % 20 :] + numbers[: client % 20]]},
            str(uuid4()),
        )
    )
    assert outcomes(answers) == {"207": CLIENTS}
    assert sum(answer.content["accepted"] for answer in answers) == len(numbers)


def test_uses_of_many_accounts_are_reversed_without_a_stall(contenders: Contenders) -> None:
    keys, half = contenders.keys, CLIENTS // 2
    accounts = [bank.shared_account(contenders.first, keys) for _ in range(half)]
    for _ in range(ROUNDS):
        exempted = [
            done(contenders.first, "/v1/exemptions", keys.institution, bank.exemption(account_id, certificate_id))
            for account_id, [certificate_id] in accounts
        ]
        # One half of the clients meets the accounts in one order, the other half in the other.
        paths = [f"/v1/exemptions/{one['exemption_id']}/reversal" for one in exempted]
        orders = [*paths, *paths[::-1]]
        answers = contenders.at_once(
            lambda caller, client, orders=orders: caller.post(
                orders[client], keys.institution, {"reason": "error"}, str(uuid4())
            )
        )
        assert outcomes(answers) == {"200": half, "wrong_state": half}


def test_what_one_server_learns_every_server_knows_within_two_seconds(contenders: Contenders) -> None:
    keys, first, last = contenders.keys, contenders.first, contenders.last
    code = f"NEW-{uuid4().hex[:8]}"
    token = bank.organisation(first, keys.authority, code, "issuer")
    posted = bank.certificate(issuer=code)
    assert last.post("/v1/certificates", token, posted, str(uuid4())).code == "organisation_not_accredited"
    accreditations = f"/v1/organisations/{code}/accreditations"
    assert last.get(accreditations, keys.authority).content["items"] == []

    done(first, accreditations, keys.authority, {"standard": "BIM", "levels": ["中级"], "valid_from": "2019-04-01"})
    assert last.post("/v1/certificates", token, posted, str(uuid4())).status == 201
    within_two_seconds(lambda: len(last.get(accreditations, keys.authority).content["items"]) == 1)

    versions = f"/v1/rulebooks/{code}/versions"
    rules = {"sources": [{"match": {"o.kind": "x-cert"}, "value": {"target": True}}]}
    done(first, versions, keys.institution, {"rules": rules})
    within_two_seconds(lambda: last.get(f"{versions}/1", keys.institution).status == 200)

    key_id = token.split("_")[1]
    assert first.delete(f"/v1/keys/{key_id}", keys.authority).status == 204
    within_two_seconds(lambda: last.get(accreditations, token).status == 401)


def within_two_seconds(holds: Callable[[], bool]) -> None:
    """Ask until something holds; no question later than two seconds from now may find that it does not."""
    glance, began = Event(), monotonic()
    asked = began
    while not holds():
        assert asked - began < 2.0
        glance.wait(0.05)
        asked = monotonic()
