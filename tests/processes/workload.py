"""Many clients at work at once: each opens accounts, posts certificates one by one and in batches, and exempts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

from tests.processes import bank
from tests.processes.bank import Keys
from tests.processes.calls import Answer, Caller, Unanswered
from tests.processes.journal import Journal

CLIENTS = 8
BATCH_LINES = 20
PAUSE_SECONDS = 0.1
"""Before a client goes on that was told that the bank is unavailable."""

_ROUNDS_BETWEEN_BATCHES = 4


@dataclass(frozen=True, slots=True)
class Work:
    """What clients do against one server until it is gone or they are told to stop."""

    address: str
    keys: Keys
    journal: Journal
    stopped: Event

    def run(self) -> None:
        with Caller(self.address) as caller:
            done = 0
            while not self.stopped.is_set():
                try:
                    self._round(caller, with_batch=done % _ROUNDS_BETWEEN_BATCHES == 0)
                except Unanswered:
                    return
                done += 1

    def _round(self, caller: Caller, with_batch: bool) -> None:
        opened = self._write(caller, "/v1/accounts", self.keys.institution, {"holder": bank.person()})
        if not opened.is_success:
            return
        account_id = opened.content["account_id"]
        posted = bank.certificate(holder={"account_id": account_id})
        awarded = self._write(caller, "/v1/certificates", self.keys.issuer, posted)
        if awarded.is_success:
            wanted = bank.exemption(account_id, awarded.content["certificate_id"])
            self._write(caller, "/v1/exemptions", self.keys.institution, wanted)
        if with_batch:
            lines = [bank.certificate() for _ in range(BATCH_LINES)]
            self._write(caller, "/v1/certificates:batch", self.keys.issuer, {"items": lines})

    def _write(self, caller: Caller, path: str, token: str, body: Any) -> Answer:
        answer = self.journal.write(caller, path, token, body)
        if answer.status == 503:
            self.stopped.wait(PAUSE_SECONDS)
        return answer


@contextmanager
def clients(address: str, keys: Keys, journal: Journal, number: int = CLIENTS) -> Iterator[None]:
    """Clients that work for as long as the block lasts."""
    work = Work(address, keys, journal, Event())
    threads = [Thread(target=work.run) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        work.stopped.set()
        for thread in threads:
            thread.join()
