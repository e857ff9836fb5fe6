"""Answers are lost on their way from the database to the bank, and from the bank to its clients, who ask again."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from random import Random
from threading import Event
from time import monotonic
from typing import Any

from creditbank.ledger.database import open_engine
from tests.processes import findings, proxy
from tests.processes.bank import first_key, prepare
from tests.processes.calls import Answer, Caller, Unanswered
from tests.processes.crash import Verdict
from tests.processes.journal import Attempt, Journal, changed_answers
from tests.processes.server import Installation
from tests.processes.workload import clients

FROM_BANK, FROM_DATABASE = 0.25, 0.1
"""How often an answer is lost."""

PATIENCE_SECONDS = 1800.0
_PAUSE_SECONDS = 0.05


class Persistent(Journal):
    """Whoever is not answered asks again under the same key, until there is an answer."""

    def write(self, caller: Caller, path: str, token: str, body: Any) -> Answer:
        attempt = Attempt(path=path, token=token, body=json.dumps(body).encode(), key=f"journal-{next(self._numbers)}")
        self.attempts.append(attempt)
        while True:
            try:
                answer = attempt.send(caller)
            except Unanswered:
                continue
            if answer.status != 503:
                return answer
            Event().wait(_PAUSE_SECONDS)


def lose_answers(
    installation: Installation, *, times: int, chance: Random, progress: Callable[[int], None] = lambda _: None
) -> Verdict:
    """Lose so many answers in all; `unknown` of the verdict counts them.

    Every write must have one effect, and its answer the same words ever after.
    """
    verdict, journal = Verdict(), Persistent()
    authority, engine = first_key(installation), open_engine(installation.database_url)
    with ExitStack() as stack:
        wires, served = [], installation
        if engine.dialect.name == "postgresql":
            wire, url = stack.enter_context(proxy.before(installation.database_url))
            served = Installation(url, installation.directory)
            wires.append((wire, FROM_DATABASE))
        process = stack.enter_context(served.serving())
        wire, address = stack.enter_context(proxy.facing(process.address))
        wires.append((wire, FROM_BANK))
        with Caller(process.address) as caller:
            keys = prepare(caller, authority)
        for one, share in wires:
            one.swallow(lambda share=share: chance.random() < share)
        with clients(address, keys, journal):
            _wait(lambda: sum(one.swallowed for one, _ in wires), times, progress)
        for one, _ in wires:
            one.swallow(lambda: False)
        verdict.unknown = sum(one.swallowed for one, _ in wires)
        verdict.acknowledged = len(journal.acknowledged)
        answered = ((one.path, one.answer) for one in journal.attempts)
        verdict.refused = [f"{path} {one}" for path, one in answered if one is None or not one.is_success]
        with Caller(process.address) as caller:
            verdict.lost = [f"{one.path} {one.key}" for one in changed_answers(journal.acknowledged, caller)]
    lost, doubled = findings.lost_and_doubled(engine, journal.acknowledged)
    verdict.lost += lost
    verdict.doubled += doubled
    verdict.differences += findings.against_history(engine)
    engine.dispose()
    return verdict


def _wait(lost: Callable[[], int], times: int, progress: Callable[[int], None]) -> None:
    glance, told, deadline = Event(), 0, monotonic() + PATIENCE_SECONDS
    while (found := lost()) < times:
        assert monotonic() < deadline, f"{found} answers lost"
        if found - told >= 100:
            told = found
            progress(found)
        glance.wait(_PAUSE_SECONDS)
