"""`kill -9` in the middle of writes, again and again, and what the clients find when the server is back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from threading import Event
from time import monotonic

from sqlalchemy import Engine

from creditbank.ledger.database import open_engine
from tests.processes import findings
from tests.processes.bank import first_key, prepare
from tests.processes.calls import Caller
from tests.processes.journal import Attempt, Journal, changed_answers, settle
from tests.processes.server import Installation, Process
from tests.processes.workload import clients

PATIENCE_SECONDS = 60.0
_GLANCE_SECONDS = 0.002


@dataclass(slots=True)
class Verdict:
    """What many kills came to. Everything from `refused` on must be empty."""

    kills: int = 0
    acknowledged: int = 0
    unknown: int = 0
    refused: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def findings(self) -> list[str]:
        return [*self.refused, *self.lost, *self.doubled, *self.differences]

    @property
    def is_clean(self) -> bool:
        return not self.findings

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.acknowledged} acknowledged, {self.unknown} unknown,"
            f" {len(self.refused)} refused, {len(self.lost)} lost, {len(self.doubled)} doubled,"
            f" {len(self.differences)} differences"
        )


def crash(
    installation: Installation,
    *,
    kills: int,
    most_writes: int,
    chance: Random,
    strike: Callable[[Process], None] = Process.kill,
    progress: Callable[[Verdict], None] | None = None,
) -> Verdict:
    """Kill the server after a random number of acknowledged writes, each time, and check every answer that was given.

    `strike` is what happens in the middle of the writes, where it is something else.
    """
    verdict, journal = Verdict(), Journal()
    authority, keys = first_key(installation), None
    settled: list[Attempt] = []
    while True:
        with installation.serving() as process:
            with Caller(process.address) as caller:
                keys = keys or prepare(caller, authority)
                _check_answers(caller, journal, verdict)
            settled += journal.acknowledged
            if progress:
                progress(verdict)
            if verdict.kills == kills:
                break
            journal.attempts = []
            with clients(process.address, keys, journal):
                _wait_for(journal, chance.randint(1, most_writes))
                strike(process)
            verdict.kills += 1
    engine = open_engine(installation.database_url)
    _check_history(engine, settled, verdict)
    engine.dispose()
    return verdict


def _wait_for(journal: Journal, writes: int) -> None:
    glance, deadline = Event(), monotonic() + PATIENCE_SECONDS
    while len(journal.acknowledged) < writes:
        assert monotonic() < deadline, f"{len(journal.acknowledged)} of {writes} writes acknowledged"
        glance.wait(_GLANCE_SECONDS)


def _check_answers(caller: Caller, journal: Journal, verdict: Verdict) -> None:
    acknowledged, unknown = journal.acknowledged, journal.unknown
    verdict.acknowledged += len(acknowledged)
    verdict.unknown += len(unknown)
    verdict.lost += [f"{one.path} {one.key}" for one in changed_answers(acknowledged, caller)]
    settle(unknown, caller)
    # Nothing in this work contradicts anything else in it: whatever is refused was refused wrongly.
    for attempt in journal.attempts:
        assert attempt.answer is not None
        if not attempt.answer.is_success:
            verdict.refused.append(f"{attempt.path} {attempt.answer.status} {attempt.answer.body.decode()}")


def _check_history(engine: Engine, settled: list[Attempt], verdict: Verdict) -> None:
    lost, doubled = findings.lost_and_doubled(engine, settled)
    verdict.lost += lost
    verdict.doubled += doubled
    verdict.differences += findings.against_history(engine)
