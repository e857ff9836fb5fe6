"""Public questions are rationed by the address that asks, whoever it says it is."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from creditbank.api import problems
from creditbank.api.addresses import networks
from creditbank.api.middleware import Observability
from creditbank.api.rates import RateLimit, bucket_of, limit_verification
from creditbank.domain.errors import RateLimited


class Clock:
    def __init__(self, now: float = 600.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def client(limit: RateLimit, peer: str = "192.0.2.1") -> TestClient:
    app = FastAPI(openapi_url=None)
    app.add_middleware(Observability)
    problems.install(app)
    app.state.verification_limit = limit

    @app.get("/verify", dependencies=[Depends(limit_verification)])
    async def verify() -> str:
        return "active"

    return TestClient(app, client=(peer, 1))


def test_the_request_after_the_last_allowed_one_is_refused_and_told_when_to_come_back() -> None:
    one = client(RateLimit("verify", 60, clock=Clock()))
    answers = [one.get("/verify") for _ in range(61)]
    assert [answer.status_code for answer in answers] == [200] * 60 + [429]
    assert answers[0].headers["ratelimit-policy"] == '"verify";q=60;w=60'
    assert [answer.headers["ratelimit"].split(";")[1] for answer in answers[:2] + answers[59:]] == [
        "r=59",
        "r=58",
        "r=0",
        "r=0",
    ]
    assert answers[60].json()["code"] == "rate_limited"
    assert answers[60].headers["retry-after"] == str(answers[60].json()["retry_after"])
    assert answers[60].headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("spent_at", [600.0, 617.3, 659.9])
@pytest.mark.parametrize("per_minute", [1, 2, 60])
def test_after_the_time_that_was_told_a_request_fits_and_a_moment_sooner_it_does_not(
    per_minute: int, spent_at: float
) -> None:
    clock = Clock(spent_at)
    limit = RateLimit("verify", per_minute, clock=clock)
    for _ in range(per_minute):
        limit.hit("a")
    with pytest.raises(RateLimited) as refused:
        limit.hit("a")
    clock.now = spent_at + refused.value.retry_after - 1.01
    with pytest.raises(RateLimited):
        limit.hit("a")
    clock.now = spent_at + refused.value.retry_after
    limit.hit("a")


def test_no_sixty_seconds_see_more_than_the_limit_when_requests_come_evenly() -> None:
    clock, admitted = Clock(), []
    limit = RateLimit("verify", 60, clock=clock)
    for tick in range(6000):
        clock.now = 600.0 + tick / 10
        try:
            limit.hit("a")
        except RateLimited:
            continue
        admitted.append(clock.now)
    busiest = max(sum(1 for each in admitted if start <= each < start + 60) for start in admitted)
    assert busiest <= 75  # the window is estimated from two counters, not kept exactly
    assert len(admitted) >= 500


def test_addresses_are_counted_apart_and_an_old_minute_is_forgotten() -> None:
    clock = Clock()
    limit = RateLimit("verify", 1, clock=clock)
    for number in range(1000):
        limit.hit(str(number))
    clock.now += 180
    limit.hit("0")
    assert limit._last == {}
    assert limit._this == {"0": 1}


def test_an_address_that_anybody_can_write_is_not_believed() -> None:
    one = client(RateLimit("verify", 2, clock=Clock()))
    answers = [one.get("/verify", headers={"X-Forwarded-For": f"198.51.100.{number}"}) for number in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_a_listed_proxy_is_believed_about_its_clients() -> None:
    one = client(RateLimit("verify", 1, networks(["192.0.2.0/24"]), Clock()))
    assert one.get("/verify", headers={"X-Forwarded-For": "198.51.100.1"}).status_code == 200
    assert one.get("/verify", headers={"X-Forwarded-For": "198.51.100.2"}).status_code == 200
    assert one.get("/verify", headers={"X-Forwarded-For": "203.0.113.7, 198.51.100.1"}).status_code == 429


def test_neighbours_of_one_ipv6_network_share() -> None:
    assert bucket_of(ip_address("2001:db8:0:1::1")) == bucket_of(ip_address("2001:db8:0:1:ffff::2"))
    assert bucket_of(ip_address("2001:db8:0:1::1")) != bucket_of(ip_address("2001:db8:0:2::1"))
    assert bucket_of(ip_address("192.0.2.1")) != bucket_of(ip_address("192.0.2.2"))
