"""The database fails over in the middle of writes, again and again: with a synchronous standby nothing is lost;
with an asynchronous one the loss is noticed, and nothing is written on top of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from random import Random
from threading import Event
from time import monotonic

from creditbank.ledger.database import open_engine
from tests.endurance.pair import Pair
from tests.processes import findings
from tests.processes.bank import Keys, first_key, person, prepare
from tests.processes.calls import Answer, Caller
from tests.processes.journal import Attempt, Journal, changed_answers, settle
from tests.processes.server import Installation
from tests.processes.warm import PROJECT
from tests.processes.workload import clients

PATIENCE_SECONDS = 60.0
MOST_WRITES = 600


@dataclass(slots=True)
class Outcome:
    """What failovers came to. `gaps` are the seconds from one acknowledged write to the next across a failover."""

    failovers: int = 0
    acknowledged: int = 0
    unknown: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        counts = {name: len(getattr(self, name)) for name in ("lost", "doubled", "differences", "refused")}
        longest = f"longest gap {max(self.gaps):.1f} s" if self.gaps else ""
        numbers = {"failovers": self.failovers, "acknowledged": self.acknowledged, "unknown": self.unknown, **counts}
        return ", ".join(filter(None, [*(f"{number} {name}" for name, number in numbers.items()), longest]))


@contextmanager
def publishing(installation: Installation) -> Iterator[None]:
    """`creditbank publish` beside the server."""
    with (installation.directory / "publish.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "creditbank", "publish"],
            cwd=PROJECT,
            env={**installation.named(), "CREDITBANK_ORIGIN": "bank.example/log"},
            stdout=log,
            stderr=log,
        )
    try:
        glance, deadline = Event(), monotonic() + PATIENCE_SECONDS
        while not (installation.data_dir / "log" / "checkpoint").exists():
            assert monotonic() < deadline, "nothing is published"
            glance.wait(0.1)
        yield
    finally:
        process.kill()
        process.wait()


def fail_over(
    pair: Pair,
    installation: Installation,
    times: int,
    chance: Random,
    silent_seconds: float,
    told: Callable[[Outcome], None],
) -> Outcome:
    """Fail over in the middle of writes; stops at the first one that lost something.

    For `silent_seconds` before the primary dies the standby hears nothing of it.
    """
    outcome, journal = Outcome(), Journal()
    settled: list[Attempt] = []
    authority = first_key(installation)
    with ExitStack() as stack:
        process = stack.enter_context(installation.serving())
        with Caller(process.address) as caller:
            keys = prepare(caller, authority)
        stack.enter_context(publishing(installation))
        while outcome.failovers < times and not outcome.lost:
            journal.attempts = []
            with clients(process.address, keys, journal):
                _wait_for(journal, chance.randint(50, MOST_WRITES))
                pair.fail_over(silent_seconds)
                began = monotonic()
            outcome.failovers += 1
            outcome.acknowledged += len(journal.acknowledged)
            outcome.unknown += len(journal.unknown)
            with Caller(process.address) as caller:
                last = _first_write(caller, journal, keys)
                if last.status == 201:
                    outcome.gaps.append(monotonic() - began)
                    settle(journal.unknown, caller)
                    outcome.lost += [one.path for one in changed_answers(journal.acknowledged, caller)]
                else:
                    outcome.refused.append(f"{last.status} {last.content['code']}")
            settled += journal.acknowledged
            _check(installation, settled, outcome, is_settled=last.status == 201)
            told(outcome)
            if not outcome.lost and outcome.failovers < times:
                pair.swap()
    return outcome


def _check(installation: Installation, settled: list[Attempt], outcome: Outcome, *, is_settled: bool) -> None:
    engine = open_engine(installation.database_url)
    lost, doubled = findings.lost_and_doubled(engine, settled)
    outcome.lost += lost
    outcome.doubled += doubled if is_settled else []  # else there are outcomes that nobody knows
    outcome.differences += [f"{one.where}: {one.what}" for one in findings.differences(engine)]
    engine.dispose()


def _first_write(caller: Caller, journal: Journal, keys: Keys) -> Answer:
    """The first write that is acknowledged after a failover, or what it is answered when patience ends."""
    glance, deadline = Event(), monotonic() + PATIENCE_SECONDS
    while True:
        answer = journal.write(caller, "/v1/accounts", keys.institution, {"holder": person()})
        if answer.is_success or monotonic() > deadline or answer.content["code"] == "history_behind":
            return answer
        glance.wait(0.1)


def _wait_for(journal: Journal, writes: int) -> None:
    glance, deadline = Event(), monotonic() + PATIENCE_SECONDS
    while len(journal.acknowledged) < writes:
        assert monotonic() < deadline, f"{len(journal.acknowledged)} of {writes} writes acknowledged"
        glance.wait(0.01)
