"""The database goes away and comes back: nothing is answered wrongly meanwhile, and nothing needs a restart."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from threading import Event
from time import monotonic
from uuid import uuid4

import pytest
from sqlalchemy import make_url

from creditbank.ledger.database import open_engine
from tests.database import Server
from tests.processes import bank, findings
from tests.processes.bank import Keys, first_key, prepare
from tests.processes.calls import Answer, Caller
from tests.processes.journal import Journal, changed_answers, settle
from tests.processes.proxy import Proxy, before
from tests.processes.server import Installation
from tests.processes.workload import clients

LONGEST_ANSWER_SECONDS = 10.0
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    """A bank whose wire to its PostgreSQL can be cut. `url` goes to the database directly."""

    proxy: Proxy
    url: str
    address: str
    keys: Keys


@pytest.fixture(scope="module")
def bank_behind_a_proxy(
    postgresql_server: Server, migrated_postgresql: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Wired]:
    directory = tmp_path_factory.mktemp("outage")
    with postgresql_server.database(migrated_postgresql) as direct, before(direct) as (proxy, url):
        authority = first_key(Installation(direct, directory))
        with Installation(url, directory).serving() as process:
            with Caller(process.address) as caller:
                keys = prepare(caller, authority)
            yield Wired(proxy=proxy, url=direct, address=process.address, keys=keys)


@pytest.fixture
def wired(bank_behind_a_proxy: Wired) -> Iterator[Wired]:
    """The bank with its wire whole, as it is found again by the next test."""
    yield bank_behind_a_proxy
    bank_behind_a_proxy.proxy.swallow(lambda: False)
    bank_behind_a_proxy.proxy.come_up()
    with Caller(bank_behind_a_proxy.address) as caller:
        until(lambda: caller.get("/readyz"), 200)


def until(question: Callable[[], Answer], status: int) -> Answer:
    """Ask until the answer has a status."""
    glance, deadline = Event(), monotonic() + PATIENCE_SECONDS
    while (answer := question()).status != status:
        assert monotonic() < deadline, answer
        glance.wait(0.05)
    return answer


def assert_unavailable(answer: Answer) -> None:
    assert answer.status == 503, answer
    assert answer.code == "unavailable"
    assert int(answer.retry_after or "") > 0
    assert answer.seconds < LONGEST_ANSWER_SECONDS


def test_a_bank_without_its_database_says_so_and_resumes_by_itself(wired: Wired) -> None:
    with Caller(wired.address) as caller:
        account_id, [certificate_id] = bank.shared_account(caller, wired.keys)
        posted, key = bank.certificate(), str(uuid4())
        reads = [
            f"/v1/accounts/{account_id}/balance",
            f"/v1/accounts/{account_id}",
            f"/v1/accounts/{account_id}/transcript",
            f"/v1/accounts/{account_id}/events",
            f"/v1/certificates/{certificate_id}",
            "/v1/events",
        ]
        wired.proxy.go_down()
        for path in reads:
            assert_unavailable(caller.get(path, wired.keys.authority))
        assert_unavailable(caller.post("/v1/certificates", wired.keys.issuer, posted, key))
        assert_unavailable(caller.get("/v1/verify/BIM-EVAL/none"))
        assert caller.get("/livez").status == 200
        assert caller.get("/readyz").status == 503

        wired.proxy.come_up()
        until(lambda: caller.get("/readyz"), 200)
        awarded = caller.post("/v1/certificates", wired.keys.issuer, posted, key)
        assert (awarded.status, awarded.replayed) == (201, False)
        for path in reads:
            assert caller.get(path, wired.keys.authority).status == 200


def test_the_first_request_after_a_restart_of_the_database_is_answered(wired: Wired) -> None:
    with Caller(wired.address) as caller:
        account_id, _ = bank.shared_account(caller, wired.keys)
        balance = f"/v1/accounts/{account_id}/balance"
        for ask in (
            lambda: caller.get(balance, wired.keys.authority),
            lambda: caller.post("/v1/certificates", wired.keys.issuer, bank.certificate(), str(uuid4())),
            lambda: caller.get("/v1/events", wired.keys.authority),
        ):
            assert ask().is_success
            wired.proxy.cut()
            assert ask().is_success


def test_an_answer_to_a_commit_that_is_lost_is_found_under_the_key(wired: Wired) -> None:
    keys = wired.keys
    with Caller(wired.address) as caller:
        account_id, [certificate_id] = bank.shared_account(caller, keys)
        swallowed = wired.proxy.swallowed
        for path, token, body in (
            ("/v1/certificates", keys.issuer, bank.certificate()),
            ("/v1/exemptions", keys.institution, bank.exemption(account_id, certificate_id)),
            ("/v1/accounts", keys.institution, {"holder": bank.person()}),
        ):
            key, once = str(uuid4()), iter([True])
            wired.proxy.swallow(lambda once=once: next(once, False))
            answer = caller.post(path, token, body, key)
            assert answer.status in (201, 503), answer
            again = caller.post(path, token, body, key)
            assert (again.status, again.replayed) == (201, True)
            assert answer.status == 503 or answer.body == again.body
    assert wired.proxy.swallowed == swallowed + 3


def test_lost_answers_and_cuts_under_load_lose_and_double_nothing(wired: Wired) -> None:
    engine = open_engine(wired.url)
    journal, commits, known = Journal(), count(1), findings.effects(engine)
    wired.proxy.swallow(lambda: next(commits) % 7 == 0)
    glance, deadline = Event(), monotonic() + PATIENCE_SECONDS
    with clients(wired.address, wired.keys, journal):
        for wanted in (40, 80, 120):
            while len(journal.acknowledged) < wanted:
                assert monotonic() < deadline, f"{len(journal.acknowledged)} acknowledged"
                glance.wait(0.01)
            wired.proxy.cut()
    wired.proxy.swallow(lambda: False)
    with Caller(wired.address) as caller:
        settle(journal.unknown, caller)
        assert [one.answer for one in journal.attempts if one.answer and not one.answer.is_success] == []
        assert changed_answers(journal.acknowledged, caller) == []
    lost, doubled = findings.lost_and_doubled(engine, journal.acknowledged, known)
    assert not lost
    assert not doubled
    assert findings.against_history(engine) == []
    engine.dispose()
    assert wired.proxy.swallowed > 0


def test_many_clients_wait_for_a_missing_database_no_longer_than_one(wired: Wired) -> None:
    wired.proxy.go_down()

    def ask(number: int) -> Answer:
        with Caller(wired.address) as caller:
            if number % 2:
                return caller.get(f"/v1/accounts/{uuid4()}/balance", wired.keys.authority)
            return caller.post("/v1/certificates", wired.keys.issuer, bank.certificate(), str(uuid4()))

    with ThreadPoolExecutor(32) as threads:
        for answer in threads.map(ask, range(64)):
            assert_unavailable(answer)


def test_a_wire_that_swallows_everything_is_given_up_within_seconds(wired: Wired) -> None:
    behind = make_url(wired.url).set(host="127.0.0.1", port=wired.proxy.port, query={})
    engine = open_engine(behind.render_as_string(hide_password=False))
    with engine.connect() as connection:
        descriptor = connection.connection.driver_connection.fileno()
        with socket.socket(fileno=os.dup(descriptor)) as wire:
            unanswered = wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            idle = wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
    engine.dispose()
    assert 0 < unanswered / 1000 < LONGEST_ANSWER_SECONDS
    assert 0 < idle < LONGEST_ANSWER_SECONDS
