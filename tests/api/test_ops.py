"""What operators ask: alive, ready, how it goes; and who may ask."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from creditbank.api import ops, problems
from creditbank.api.middleware import Observability


def client(peer: str = "127.0.0.1", failed: tuple[str, ...] = (), listed: Any = (), proxies: Any = ()) -> TestClient:
    app = FastAPI(openapi_url=None)
    app.add_middleware(Observability)
    problems.install(app)
    app.include_router(ops.router)
    app.state.settings = SimpleNamespace(metrics_addresses=listed, trusted_proxies=proxies)
    app.state.readiness = lambda: list(failed)
    return TestClient(app, client=(peer, 50_000))


def test_a_living_process_says_so_whatever_the_database_does() -> None:
    answer = client(failed=("database",)).get("/livez")
    assert (answer.status_code, answer.text) == (200, "ok")


def test_a_ready_bank_says_so() -> None:
    assert client().get("/readyz").status_code == 200


def test_a_bank_that_is_not_ready_names_what_failed() -> None:
    answer = client(failed=("database", "schema")).get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.json()["failed"] == ["database", "schema"]
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"])
def test_metrics_are_for_this_machine(peer: str) -> None:
    one = client(peer)
    one.get("/livez")
    answer = one.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'creditbank_http_requests_total{method="GET",route="/livez",status="200"}' in answer.text


@pytest.mark.parametrize("peer", ["192.0.2.1", "::2", "testclient", "10.0.0.1"])
def test_nobody_else_learns_that_there_are_metrics(peer: str) -> None:
    assert client(peer).get("/metrics").status_code == 404


def test_listed_addresses_and_networks_may_read_metrics() -> None:
    assert client("10.1.2.3", listed=("10.1.0.0/16",)).get("/metrics").status_code == 200
    assert client("2001:db8::1", listed=("10.1.0.0/16", "2001:db8::1")).get("/metrics").status_code == 200
    assert client("10.2.2.3", listed=("10.1.0.0/16", "2001:db8::1")).get("/metrics").status_code == 404


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_stranger_behind_a_proxy_on_this_machine_is_not_local(header: str) -> None:
    assert client().get("/metrics", headers={header: "127.0.0.1"}).status_code == 404


def test_a_listed_proxy_speaks_for_its_client() -> None:
    proxied = client(listed=("10.1.2.3",), proxies=("127.0.0.1",))
    assert proxied.get("/metrics", headers={"X-Forwarded-For": "10.1.2.3"}).status_code == 200
    assert proxied.get("/metrics", headers={"X-Forwarded-For": "10.1.2.3, 192.0.2.9"}).status_code == 404
    assert proxied.get("/metrics", headers={"X-Forwarded-For": "192.0.2.9, 10.1.2.3"}).status_code == 200
    assert proxied.get("/metrics", headers={"X-Forwarded-For": "nonsense"}).status_code == 404
