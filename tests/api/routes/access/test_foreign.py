"""What is foreign is answered like what is missing: in the same words, and after the same work.

The work is what the database is asked, statement by statement. Clocks are left out of it: they prove nothing in a test.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread
from typing import Any

import pytest
from sqlalchemy import event

from tests.api.bank import Caller, ReadyBank, person
from tests.api.routes.access.calls import CALLS, FORBIDDEN_NAMES, TARGETLESS
from tests.api.routes.access.test_matrix import ASKED, EXPECTED, SEES_ALL, _foreign
from tests.api.routes.access.world import Case, Nothing, World

VOLATILE = {"instance", "request_id"}
BACKGROUND = ("chores", "jobs", "imports", "publisher")
"""Threads that ask the database of their own accord."""

OF_THE_GUARD = ("FROM log_tree", "FROM log_seal", "FROM log_checkpoint", "log_partition.head \nFROM log_partition")
"""What is asked once through every new connection, by whoever comes to use it first."""

COUNTED = {"GET /v1/events/{position}/proof"}
"""Positions are counted up without a gap: that one is there is no secret."""

OUT_OF_REACH = [
    (route, role)
    for route, operation in ASKED.items()
    for role, reach in EXPECTED[operation].items()
    if route not in TARGETLESS | FORBIDDEN_NAMES | COUNTED and reach not in SEES_ALL
]


@pytest.fixture(scope="module")
def world(bank: ReadyBank) -> World:
    return World(bank=bank, prefix="WORK")


@pytest.fixture(scope="module")
def shared(world: World) -> tuple[Case, Case]:
    return Case(side=world.own), Case(side=world.other)


@contextmanager
def statements(bank: ReadyBank) -> Iterator[list[str]]:
    """What the database is asked meanwhile on behalf of requests."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not current_thread().name.startswith(BACKGROUND) and not any(one in statement for one in OF_THE_GUARD):
            asked.append(statement)

    engine = bank.core.engine
    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


def _told(answer: Any) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name not in VOLATILE}


@pytest.mark.parametrize(("route", "role"), OUT_OF_REACH)
def test_foreign_and_missing_are_refused_alike_after_the_same_work(
    world: World, shared: tuple[Case, Case], route: str, role: str
) -> None:
    own, foreign = shared
    caller = own.learner if role == "learner" else world.caller(role)
    calls = [_foreign(route, world, foreign, role), CALLS[route](Nothing(), world.own, role)]
    for call in calls:
        call.by(caller, route)  # what is looked up once in a while has been

    answers, work = [], []
    for call in calls:
        with statements(world.bank) as asked:
            answers.append(call.by(caller, route))
        work.append(asked)

    assert [answer.status_code for answer in answers] == [404, 404]
    assert _told(answers[0]) == _told(answers[1])
    assert sorted(work[0]) == sorted(work[1])


def test_a_document_that_is_known_and_one_that_is_not_take_the_same_work(bank: ReadyBank) -> None:
    known = person()
    assert bank.authority.post("/v1/accounts", {"holder": known}).status_code == 201

    def work(holder: dict[str, Any]) -> list[str]:
        with statements(bank) as asked:
            bank.authority.post("/v1/accounts/lookup", {"document": holder["document"]})
        return asked

    work(known)
    assert work(known) == work(person())


def test_a_certificate_that_is_known_and_one_that_is_not_are_verified_by_the_same_work(bank: ReadyBank) -> None:
    awarded, caller = bank.award(), Caller(bank.client)

    def work(number: str) -> list[str]:
        with statements(bank) as asked:
            assert caller.get(f"/v1/verify/BIM-EVAL/{number}").status_code == 200
        return asked

    assert work(awarded["number"]) == work("NO-SUCH-NUMBER")
