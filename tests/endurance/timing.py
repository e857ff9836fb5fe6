"""How long answers take that must tell nothing by it: of what is foreign and what is missing, known and unknown.

Each pair is asked in turn over one connection, so that whatever slows the machine slows both sides. Medians are
reported; no test ever rests on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import median, quantiles
from uuid import uuid4

from tests.processes import bank
from tests.processes.bank import Keys
from tests.processes.calls import Answer, Caller

OBJECTS = 50
"""So many of each kind are asked about in turn: one alone would be answered from caches only."""
REASON = {"reason": "timing"}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two ways of asking that should look alike from outside."""

    name: str
    first: Callable[[], Answer]
    second: Callable[[], Answer]


@dataclass(frozen=True, slots=True)
class Timing:
    """Medians in microseconds, and half of the width of the middle half: what a difference has to be seen against."""

    name: str
    first: float
    second: float
    spread: float

    def __str__(self) -> str:
        difference = self.second - self.first
        return f"{self.name:44} {self.first:8.0f} {self.second:8.0f} {difference:+7.0f} {self.spread:7.0f}"


HEADER = f"{'first / second, medians in microseconds':44} {'first':>8} {'second':>8} {'differ':>7} {'spread':>7}"


def measured(pairs: Sequence[Pair], calls: int) -> Iterator[Timing]:
    """Ask each pair so many times on either side, and which comes first by turns."""
    for pair in pairs:
        taken: tuple[list[float], list[float]] = ([], [])
        for number in range(calls):
            order = (0, 1) if number % 2 else (1, 0)
            for side in order:
                taken[side].append((pair.first, pair.second)[side]().seconds * 1e6)
        lower, _, upper = quantiles(taken[0], n=4)
        yield Timing(pair.name, median(taken[0]), median(taken[1]), (upper - lower) / 2)


def pairs(caller: Caller, keys: Keys) -> list[Pair]:
    """Everything that is worth asking about, on a bank that holds some of it."""
    stranger = bank.organisation(caller, keys.authority, "OTHER-UNI", "institution")
    rival = bank.organisation(caller, keys.authority, "OTHER-EVAL", "issuer")
    learners = [bank.shared_account(caller, keys, certificates=2) for _ in range(OBJECTS)]
    accounts = [account_id for account_id, _ in learners]
    certificates = [awarded[0] for _, awarded in learners]
    exemptions = [
        bank.done(caller, "/v1/exemptions", keys.institution, bank.exemption(account_id, awarded[0]))["exemption_id"]
        for account_id, awarded in learners
    ]
    people = [bank.person() for _ in range(OBJECTS)]
    for holder in people:
        bank.done(caller, "/v1/accounts", keys.authority, {"holder": holder})
    posted = [bank.certificate() for _ in range(OBJECTS)]
    for one in posted:
        bank.done(caller, "/v1/certificates", keys.issuer, one)

    def read(path: str, token: str) -> Callable[[str], Answer]:
        return lambda one: caller.get(path.format(one), token)

    def change(path: str, token: str) -> Callable[[str], Answer]:
        return lambda one: caller.post(path.format(one), token, REASON, str(uuid4()))

    def look_up(number: str) -> Answer:
        body = {"document": {"type": "LOCAL", "number": number}}
        return caller.post("/v1/accounts/lookup", keys.authority, body, str(uuid4()))

    def verify(number: str) -> Answer:
        return caller.get(f"/v1/verify/BIM-EVAL/{number}")

    nobody = [str(uuid4()) for _ in range(OBJECTS)]
    numbers = [str(holder["document"]["number"]) for holder in people]
    unknown = [str(bank.person()["document"]["number"]) for _ in range(OBJECTS)]
    verified = [str(one["number"]) for one in posted]
    unheard = [str(bank.certificate()["number"]) for _ in range(OBJECTS)]
    return [
        _pair("account, foreign / missing", read("/v1/accounts/{}", stranger), accounts, nobody),
        _pair("balance, foreign / missing", read("/v1/accounts/{}/balance", stranger), accounts, nobody),
        _pair("history, foreign / missing", read("/v1/accounts/{}/events", rival), accounts, nobody),
        _pair("certificate, foreign / missing", read("/v1/certificates/{}", rival), certificates, nobody),
        _pair("exemption, foreign / missing", read("/v1/exemptions/{}", stranger), exemptions, nobody),
        _pair("hold, foreign / missing", change("/v1/certificates/{}/hold", rival), certificates, nobody),
        _pair("reversal, foreign / missing", change("/v1/exemptions/{}/reversal", stranger), exemptions, nobody),
        _pair("look-up, known / unknown number", look_up, numbers, unknown),
        _pair("verification, known / unknown number", verify, verified, unheard),
    ]


def _pair(name: str, ask: Callable[[str], Answer], first: Sequence[str], second: Sequence[str]) -> Pair:
    firsts, seconds = cycle(first), cycle(second)
    return Pair(name, lambda: ask(next(firsts)), lambda: ask(next(seconds)))
