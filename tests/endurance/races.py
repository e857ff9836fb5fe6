"""Races of 2 to 64 clients for one certificate, one reservation or one key, through two servers: one wins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random
from threading import Barrier
from time import monotonic
from uuid import uuid4

from creditbank.app import clock
from creditbank.domain.instants import instant_text
from creditbank.ledger.database import open_engine
from tests.processes import bank, findings
from tests.processes.bank import Keys, first_key, prepare
from tests.processes.calls import Answer, Caller
from tests.processes.server import Installation

MOST, SIZES = 64, (2, 2, 4, 4, 8, 8, 16, 32, 64)
WAIT_SECONDS = 120.0
TERM = 3_600_000_000

Ask = Callable[[Caller, int], Answer]


@dataclass(slots=True)
class Tally:
    """How many races of each kind were run, and those that had not exactly one winner."""

    races: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    findings: list[str] = field(default_factory=list)


def race(
    installation: Installation,
    *,
    times: int,
    servers: int,
    minutes: float,
    chance: Random,
    progress: Callable[[Tally], None] = lambda _: None,
) -> Tally:
    """Run races until there were so many, or time is over."""
    tally, authority, deadline = Tally(), first_key(installation), monotonic() + minutes * 60
    with ExitStack() as stack:
        addresses = [stack.enter_context(installation.serving()).address for _ in range(servers)]
        callers = [stack.enter_context(Caller(addresses[one % servers])) for one in range(MOST)]
        threads = stack.enter_context(ThreadPoolExecutor(MOST))
        keys = prepare(callers[0], authority)
        while tally.races.total() < times and monotonic() < deadline:
            size, kind = chance.choice(SIZES), chance.choice(tuple(KINDS))
            ask, winners = KINDS[kind](callers[0], keys)
            answers = _at_once(threads, callers[:size], ask)
            tally.races[kind] += 1
            tally.requests += size
            if not winners(answers):
                tally.findings.append(f"{kind}, {size} clients: {Counter(_told(one) for one in answers)}")
            progress(tally)
    engine = open_engine(installation.database_url)
    tally.findings += findings.against_history(engine)
    engine.dispose()
    return tally


def _at_once(threads: ThreadPoolExecutor, callers: Sequence[Caller], ask: Ask) -> list[Answer]:
    together = Barrier(len(callers))

    def run(number: int) -> Answer:
        together.wait(WAIT_SECONDS)
        return ask(callers[number], number)

    return list(threads.map(run, range(len(callers))))


def _told(answer: Answer) -> str:
    return f"{answer.status}{' replayed' if answer.replayed else ''}"


def _one_wins(answers: Sequence[Answer]) -> bool:
    return sorted(answer.is_success for answer in answers) == [False] * (len(answers) - 1) + [True]


def _all_are_told_the_same(answers: Sequence[Answer]) -> bool:
    fresh = [answer for answer in answers if not answer.replayed]
    return len(fresh) == 1 and {(one.status, one.body) for one in answers} == {(201, fresh[0].body)}


def _certificate(caller: Caller, keys: Keys) -> tuple[Ask, Callable[[Sequence[Answer]], bool]]:
    account_id, [certificate_id] = bank.shared_account(caller, keys)

    def ask(one: Caller, number: int) -> Answer:
        wanted = bank.exemption(account_id, certificate_id, number)
        if number % 3 == 0:
            wanted["expires_at"] = instant_text(clock() + TERM)
        path = "/v1/reservations" if number % 3 == 0 else "/v1/exemptions"
        return one.post(path, keys.institution, wanted, str(uuid4()))

    return ask, _one_wins


def _reservation(caller: Caller, keys: Keys) -> tuple[Ask, Callable[[Sequence[Answer]], bool]]:
    account_id, [certificate_id] = bank.shared_account(caller, keys)
    wanted = {**bank.exemption(account_id, certificate_id), "expires_at": instant_text(clock() + TERM)}
    made = bank.done(caller, "/v1/reservations", keys.institution, wanted)
    path = f"/v1/reservations/{made['reservation_id']}"

    def ask(one: Caller, number: int) -> Answer:
        act = "release" if number % 2 else "confirmation"
        return one.send(f"{path}/{act}", keys.institution, b"", str(uuid4()))

    return ask, _one_wins


def _key(caller: Caller, keys: Keys) -> tuple[Ask, Callable[[Sequence[Answer]], bool]]:
    account_id, [certificate_id] = bank.shared_account(caller, keys)
    wanted, key = bank.exemption(account_id, certificate_id), str(uuid4())
    return lambda one, _: one.post("/v1/exemptions", keys.institution, wanted, key), _all_are_told_the_same


KINDS = {"certificate": _certificate, "reservation": _reservation, "key": _key}
