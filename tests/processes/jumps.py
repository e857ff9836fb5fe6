"""The clock of a server is set back and forward while reservations are held and others write.

What has lapsed stays lapsed, the ledger's time never falls, and whoever took what was free again keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine

from creditbank.app import clock
from creditbank.audit.replay import account_at
from creditbank.domain.instants import instant_text
from creditbank.ledger import log
from creditbank.ledger.database import open_engine, snapshot
from creditbank.projections import catalogue
from tests.processes import bank, findings
from tests.processes.bank import Keys, first_key, prepare
from tests.processes.calls import Answer, Caller
from tests.processes.clocks import FalseClock
from tests.processes.crash import Verdict
from tests.processes.journal import Journal, changed_answers, settle
from tests.processes.legality import illegal
from tests.processes.server import Installation
from tests.processes.workload import clients

HOUR, DAY = 3_600, 86_400
BACK = (2 * HOUR, DAY)
FORWARD = 30 * DAY
SHORT_TERM, LONG_TERM = 60, 10 * DAY
WRITERS = 2
PATIENCE_SECONDS = 60.0


@dataclass(slots=True)
class Jumps:
    """One bank under a clock that jumps. `base` is how many seconds the ledger's time is ahead of the true one."""

    caller: Caller
    keys: Keys
    clock: FalseClock
    found: list[str]
    accounts: list[str]
    base: int = 0

    def round(self) -> None:
        """Two reservations: one lapses and is taken over by an exemption, one is outlived by a clock gone forward."""
        short, taken_from = self._reserved(SHORT_TERM)
        long, _ = self._reserved(LONG_TERM)
        self._set(SHORT_TERM + 1)
        self._expect("what lapsed is free", self._exempt(*taken_from), 201)
        for seconds in BACK:
            self.clock.set(self.base - seconds)
            self._expect("what lapsed is confirmed after all", self._confirm(short), 409)
            self._expect("what is used up is used again", self._exempt(*taken_from), 422)
            self._until(f"/v1/accounts/{taken_from[0]}/balance", lambda one: one["shortfall"] == one["reserved"] == "0")
            self._until(f"/v1/reservations/{short}", lambda one: one["status"] == "lapsed")
        self.clock.set(self.base + FORWARD)
        self._expect("a write under a clock gone forward", self._award(), 201)
        self.clock.set(self.base)
        self._expect("what lapsed under a clock gone forward is confirmed", self._confirm(long), 409)
        self._set(FORWARD)  # the ledger has been there

    def _set(self, seconds: int) -> None:
        self.base += seconds
        self.clock.set(self.base)

    def _reserved(self, term: int) -> tuple[str, tuple[str, str]]:
        account_id, [certificate_id] = bank.shared_account(self.caller, self.keys)
        self.accounts.append(account_id)
        ends = instant_text(clock() + (self.base + term) * 1_000_000)
        wanted = {**bank.exemption(account_id, certificate_id), "expires_at": ends}
        made = bank.done(self.caller, "/v1/reservations", self.keys.institution, wanted)
        return str(made["reservation_id"]), (account_id, certificate_id)

    def _exempt(self, account_id: str, certificate_id: str) -> Answer:
        wanted = bank.exemption(account_id, certificate_id, course=1)
        return self.caller.post("/v1/exemptions", self.keys.institution, wanted, str(uuid4()))

    def _confirm(self, reservation_id: str) -> Answer:
        path = f"/v1/reservations/{reservation_id}/confirmation"
        return self.caller.send(path, self.keys.institution, b"", str(uuid4()))

    def _award(self) -> Answer:
        return self.caller.post("/v1/certificates", self.keys.issuer, bank.certificate(), str(uuid4()))

    def _expect(self, what: str, answer: Answer, status: int) -> None:
        if answer.status != status:
            self.found.append(f"{what}: {answer.status} {answer.body.decode()}")

    def _until(self, path: str, holds: Callable[[Any], bool]) -> None:
        glance, deadline = Event(), monotonic() + PATIENCE_SECONDS
        while not holds(found := self.caller.get(path, self.keys.institution).content):
            if monotonic() > deadline:
                self.found.append(f"{path} stays {found}")
                return
            glance.wait(0.05)


def jump(
    installation: Installation,
    *,
    rounds: int,
    writers: int = WRITERS,
    progress: Callable[[Verdict], None] = lambda _: None,
) -> Verdict:
    """Rounds of jumps under writes of others. `kills` of the verdict counts the jumps."""
    verdict, journal, accounts = Verdict(), Journal(), list[str]()
    false_clock = FalseClock(Path(installation.directory) / "clock")
    false_clock.set(0)
    authority, engine = first_key(installation), open_engine(installation.database_url)
    with false_clock.over(installation).serving() as process, Caller(process.address) as caller:
        jumps = Jumps(caller, prepare(caller, authority), false_clock, verdict.differences, accounts)
        with clients(process.address, jumps.keys, journal, writers):
            for _ in range(rounds):
                jumps.round()
                verdict.kills += len(BACK) + 2
                verdict.acknowledged = len(journal.acknowledged)
                progress(verdict)
        settle(journal.unknown, caller)
        verdict.lost += [one.path for one in changed_answers(journal.acknowledged, caller)]
        verdict.refused += [f"{one.path} {one.answer}" for one in journal.attempts if not _is_done(one.answer)]
    verdict.lost += findings.lost_and_doubled(engine, journal.acknowledged)[0]
    verdict.differences += [*_falls(engine), *_illegal(engine, accounts), *findings.against_history(engine)]
    engine.dispose()
    return verdict


def _is_done(answer: Answer | None) -> bool:
    return answer is not None and answer.is_success


def _falls(engine: Engine) -> Iterator[str]:
    """Where the time of an event is before that of the one before it in its partition."""
    latest: dict[int, int] = {}
    with snapshot(engine) as connection:
        for page in log.everything(connection):
            for item in page:
                if item.recorded_at < latest.get(item.partition_id, 0):
                    yield f"the time falls at {item.at}"
                latest[item.partition_id] = item.recorded_at


def _illegal(engine: Engine, accounts: list[str]) -> Iterator[str]:
    with snapshot(engine) as connection:
        reference = catalogue.read(connection)
    for one in accounts:
        yield from (f"account {one}: {fault}" for fault in illegal(account_at(engine, UUID(one))[1], reference))
