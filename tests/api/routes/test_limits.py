"""Nobody asks without end: neither who has a key, nor who has none, nor who looks for persons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from httpx2 import Response

from creditbank.api.rates import Guesses, Rate
from tests.api.bank import Caller, ReadyBank, certificate, on_one_database, person
from tests.api.seconds import Seconds

pytestmark = on_one_database


@pytest.fixture(autouse=True)
def no_limit_afterwards(bank: ReadyBank) -> Iterator[None]:
    rates = bank.client.app.state.rates
    yield
    bank.client.app.state.rates = rates


def limit(bank: ReadyBank, **limits: Rate | Guesses) -> None:
    state = bank.client.app.state
    state.rates = replace(state.rates, **limits)


def assert_limited(answer: Response, name: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["RateLimit"].startswith(f'"{name}";r=0;')


def test_a_key_may_ask_so_often_in_a_minute(bank: ReadyBank) -> None:
    limit(bank, requests=Rate("requests", 3, Seconds()))
    for _ in range(3):
        assert bank.authority.get("/v1/standards").status_code == 200
    assert_limited(bank.authority.get("/v1/standards"), "requests")
    assert_limited(bank.authority.post("/v1/accounts", {"holder": person()}), "requests")
    assert bank.issuer.get("/v1/standards").status_code == 200


def test_what_is_forbidden_counts_too(bank: ReadyBank) -> None:
    limit(bank, requests=Rate("requests", 2, Seconds()))
    assert [bank.auditor.post("/v1/standards", {}).status_code for _ in range(3)] == [403, 403, 429]


def test_keys_cannot_be_guessed_without_end(bank: ReadyBank) -> None:
    limit(bank, guesses=Guesses(Rate("refusals", 5, Seconds()), ()))
    guesses = [Caller(bank.client, f"cb_{number:08}_{'x' * 43}").get("/v1/standards") for number in range(6)]
    assert [answer.status_code for answer in guesses] == [401] * 5 + [429]
    assert_limited(guesses[5], "refusals")
    assert_limited(bank.auditor.get("/v1/standards"), "refusals")
    assert bank.public.get("/v1/standards").status_code == 401


def test_who_was_known_before_is_heard_beside_a_guesser(bank: ReadyBank) -> None:
    limit(bank, guesses=Guesses(Rate("refusals", 5, Seconds()), ()))
    assert bank.auditor.get("/v1/standards").status_code == 200
    for number in range(6):
        Caller(bank.client, f"cb_{number:08}_{'x' * 43}").get("/v1/standards")
    assert bank.auditor.get("/v1/standards").status_code == 200


def test_persons_cannot_be_looked_up_without_end(bank: ReadyBank) -> None:
    limit(bank, look_ups=Rate("look-ups", 3, Seconds()))
    known = bank.award(holder=person())
    asked = {"document": person()["document"]}
    statuses = [bank.institution.post("/v1/accounts/lookup", asked).status_code for _ in range(4)]
    assert statuses == [404, 404, 404, 429]
    assert bank.other_institution.post("/v1/accounts/lookup", asked).status_code == 404
    assert bank.authority.get(f"/v1/accounts/{known['account_id']}").status_code == 200


def test_a_dry_run_is_a_look_up_for_each_of_its_lines(bank: ReadyBank) -> None:
    limit(bank, look_ups=Rate("look-ups", 3, Seconds()))
    opened = {"items": [{"holder": person()} for _ in range(4)], "dry_run": True}
    assert bank.institution.post("/v1/accounts:batch", opened).status_code == 207
    assert_limited(bank.institution.post("/v1/accounts:batch", opened), "look-ups")
    assert bank.institution.post("/v1/accounts:batch", {**opened, "dry_run": False}).status_code == 207
    awarded = {"items": [certificate() for _ in range(4)], "dry_run": True}
    assert bank.issuer.post("/v1/certificates:batch", awarded).status_code == 207
    assert_limited(bank.issuer.post("/v1/certificates:batch", awarded), "look-ups")
