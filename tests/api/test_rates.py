"""What may be asked in a minute is rationed: by address where nobody has to say who they are."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY

from creditbank.api import problems
from creditbank.api.addresses import Networks, networks
from creditbank.api.middleware import Observability
from creditbank.api.rates import Guesses, Name, Rate, Rates, bucket_of, limit_verification
from creditbank.domain.errors import RateLimited
from tests.api.seconds import Seconds


def rates(proxies: Networks = (), **limits: Rate) -> Rates:
    """No limits but those that are named."""
    none = Rates(
        requests=Rate("requests", 0),
        look_ups=Rate("look-ups", 0),
        guesses=Guesses(Rate("refusals", 0), proxies),
        verifications=Rate("verify", 0),
        sign_ins=Rate("sign-ins", 0),
        proxies=proxies,
    )
    return replace(none, **limits)  # type: ignore[arg-type]


def client(limits: Rates, peer: str = "192.0.2.1") -> TestClient:
    app = FastAPI(openapi_url=None)
    app.add_middleware(Observability)
    problems.install(app)
    app.state.rates = limits

    @app.get("/verify", dependencies=[Depends(limit_verification)])
    async def verify() -> str:
        return "active"

    return TestClient(app, client=(peer, 1))


def scope(peer: str = "192.0.2.1") -> dict[str, Any]:
    return {"client": (peer, 1), "headers": [], "state": {}}


def refused(name: Name) -> float:
    """How many requests the metrics say were refused by a limit."""
    return REGISTRY.get_sample_value("creditbank_rate_limited_total", {"limit": name}) or 0.0


def test_the_request_after_the_last_allowed_one_is_refused_and_told_when_to_come_back() -> None:
    one, before = client(rates(verifications=Rate("verify", 60, Seconds()))), refused("verify")
    answers = [one.get("/verify") for _ in range(61)]
    assert [answer.status_code for answer in answers] == [200] * 60 + [429]
    assert answers[0].headers["ratelimit-policy"] == '"verify";q=60;w=60'
    left = [answer.headers["ratelimit"] for answer in answers]
    assert left == [f'"verify";r={number};t=60' for number in (*range(59, -1, -1), 0)]
    assert answers[60].json()["code"] == "rate_limited"
    assert answers[60].headers["retry-after"] == str(answers[60].json()["retry_after"])
    assert answers[60].headers["content-type"] == "application/problem+json"
    assert refused("verify") == before + 1


@pytest.mark.parametrize("began_at", [600.0, 617.3, 659.9])
@pytest.mark.parametrize("per_minute", [1, 2, 60])
def test_after_the_time_that_was_told_a_request_fits_and_a_second_sooner_it_does_not(
    per_minute: int, began_at: float
) -> None:
    clock = Seconds(began_at)
    rate = Rate("requests", per_minute, clock)
    rate.take(scope(), "a")
    clock.now += 20.5
    for _ in range(per_minute - 1):
        rate.take(scope(), "a")
    with pytest.raises(RateLimited) as answer:
        rate.take(scope(), "a")
    told = answer.value.retry_after
    clock.now += told - 1
    with pytest.raises(RateLimited):
        rate.take(scope(), "a")
    clock.now += 1
    rate.take(scope(), "a")


def test_more_may_be_counted_than_is_left_and_nothing_is_left_then() -> None:
    clock = Seconds()
    rate = Rate("look-ups", 10, clock)
    for amount in (9, 5000):
        rate.require(scope(), "a")
        rate.count("a", amount)
    with pytest.raises(RateLimited):
        rate.require(scope(), "a")
    clock.now += 60
    rate.require(scope(), "a")


def test_those_who_ask_are_counted_apart() -> None:
    rate = Rate("requests", 1, Seconds())
    rate.take(scope(), "a")
    rate.take(scope(), "b")
    with pytest.raises(RateLimited):
        rate.take(scope(), "a")


def test_no_limit_is_no_limit() -> None:
    rate = Rate("requests", 0)
    for _ in range(1000):
        rate.require(scope(), "a")
        rate.take(scope(), "a")


def test_an_address_that_sent_too_many_refused_credentials_is_turned_away_unheard() -> None:
    clock = Seconds()
    guesses = Guesses(Rate("refusals", 3, clock), ())
    for number in range(3):
        guesses.require(scope(), f"guess {number}")
        guesses.refused(scope(), f"guess {number}")
    with pytest.raises(RateLimited):
        guesses.require(scope(), "guess 3")
    guesses.require(scope(), None)
    guesses.require(scope("198.51.100.1"), "guess 3")
    clock.now += 60
    guesses.require(scope(), "guess 3")


def test_credentials_that_were_good_are_heard_whoever_guesses_beside_them() -> None:
    guesses = Guesses(Rate("refusals", 1, Seconds()), ())
    guesses.accepted("good")
    guesses.refused(scope(), "bad")
    guesses.require(scope(), "good")
    with pytest.raises(RateLimited):
        guesses.require(scope(), "bad")
    guesses.refused(scope(), "good")
    with pytest.raises(RateLimited):
        guesses.require(scope(), "good")


def test_an_address_that_anybody_can_write_is_not_believed() -> None:
    one = client(rates(verifications=Rate("verify", 2)))
    answers = [one.get("/verify", headers={"X-Forwarded-For": f"198.51.100.{number}"}) for number in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_a_listed_proxy_is_believed_about_its_clients() -> None:
    one = client(rates(networks(["192.0.2.0/24"]), verifications=Rate("verify", 1)))
    assert one.get("/verify", headers={"X-Forwarded-For": "198.51.100.1"}).status_code == 200
    assert one.get("/verify", headers={"X-Forwarded-For": "198.51.100.2"}).status_code == 200
    assert one.get("/verify", headers={"X-Forwarded-For": "203.0.113.7, 198.51.100.1"}).status_code == 429


def test_neighbours_of_one_ipv6_network_share() -> None:
    assert bucket_of(ip_address("2001:db8:0:1::1")) == bucket_of(ip_address("2001:db8:0:1:ffff::2"))
    assert bucket_of(ip_address("2001:db8:0:1::1")) != bucket_of(ip_address("2001:db8:0:2::1"))
    assert bucket_of(ip_address("192.0.2.1")) != bucket_of(ip_address("192.0.2.2"))
