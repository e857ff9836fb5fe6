"""Many clients change a few accounts at once, and every version of those accounts is looked at afterwards.

The versions of an account say in which order everything happened. So whether that order was legal is not guessed
from the answers but recomputed: after each event, and by each decision made anew on what stood before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from threading import Thread
from uuid import UUID, uuid4

from sqlalchemy import Engine

from creditbank.audit.replay import account_at
from creditbank.clock import clock
from creditbank.domain.events import CoursesExempted, ExemptionReversed
from creditbank.domain.instants import instant_text
from creditbank.ledger.database import snapshot
from creditbank.projections import catalogue
from tests.processes import bank
from tests.processes.bank import Keys
from tests.processes.calls import Answer, Caller
from tests.processes.legality import illegal

COURSES = 8
RECENT = 3
LONGEST_TERM = 2_000_000
"""Microseconds: reservations lapse while others ask for what they hold."""


@dataclass(slots=True)
class Shared:
    """An account that everybody works on."""

    account_id: str
    certificate_ids: list[str]
    exemption_ids: list[str] = field(default_factory=list)
    reservation_ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Outcomes:
    """How often each answer came, and what was told to have been recorded."""

    told: Counter[str] = field(default_factory=Counter)
    exempted: Counter[str] = field(default_factory=Counter)
    reversed: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    @property
    def operations(self) -> int:
        return self.told.total()


def work(
    addresses: Sequence[str], keys: Keys, shared: Sequence[Shared], *, clients: int, operations: int, seed: int
) -> Outcomes:
    """Let clients of one or several servers exempt, reserve, reverse, hold and revoke, and count the answers."""
    ran: list[Outcomes] = [Outcomes() for _ in range(clients)]
    threads = [
        Thread(
            target=_client,
            args=(addresses[number % len(addresses)], keys, shared, operations // clients, Random(seed + number), own),
        )
        for number, own in enumerate(ran)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = Outcomes(slowest=max(own.slowest for own in ran))
    for own in ran:
        together.told += own.told
        together.exempted += own.exempted
        together.reversed += own.reversed
    return together


def _client(address: str, keys: Keys, shared: Sequence[Shared], operations: int, chance: Random, own: Outcomes) -> None:
    with Caller(address) as caller:
        for _ in range(operations):
            account = chance.choice(shared)
            name, answer = _operation(caller, keys, account, chance)
            own.told[f"{name} {answer.status if answer.is_success else answer.code}"] += 1
            own.slowest = max(own.slowest, answer.seconds)
            if answer.is_success and name in ("exempt", "confirm"):
                account.exemption_ids.append(answer.content["exemption_id"])
                own.exempted[answer.content["exemption_id"]] += 1
            elif answer.is_success and name == "reserve":
                account.reservation_ids.append(answer.content["reservation_id"])
            elif answer.is_success and name == "reverse":
                own.reversed[answer.content["exemption_id"]] += 1


def _operation(caller: Caller, keys: Keys, account: Shared, chance: Random) -> tuple[str, Answer]:
    certificate = f"/v1/certificates/{chance.choice(account.certificate_ids)}"
    reason, key = {"reason": "test"}, str(uuid4())
    wanted = bank.exemption(account.account_id, certificate.rpartition("/")[2], chance.randrange(COURSES))
    drawn = chance.random()
    if drawn < 0.35 or not account.exemption_ids:
        return "exempt", caller.post("/v1/exemptions", keys.institution, wanted, key)
    if drawn < 0.65:
        use = chance.choice(account.exemption_ids[-COURSES:])
        return "reverse", caller.post(f"/v1/exemptions/{use}/reversal", keys.institution, reason, key)
    if drawn < 0.75 or not account.reservation_ids:
        ends = instant_text(clock() + chance.randint(1, LONGEST_TERM))
        return "reserve", caller.post("/v1/reservations", keys.institution, {**wanted, "expires_at": ends}, key)
    reservation = f"/v1/reservations/{chance.choice(account.reservation_ids[-RECENT:])}"
    if drawn < 0.83:
        return "confirm", caller.send(f"{reservation}/confirmation", keys.institution, b"", key)
    if drawn < 0.89:
        return "give up", caller.post(f"{reservation}/release", keys.institution, reason, key)
    if drawn < 0.94:
        return "hold", caller.post(f"{certificate}/hold", keys.issuer, reason, key)
    if drawn < 0.99:
        return "release", caller.post(f"{certificate}/hold-release", keys.issuer, reason, key)
    return "revoke", caller.post(f"{certificate}/revocation", keys.issuer, reason, key)


def anomalies(engine: Engine, shared: Sequence[Shared], outcomes: Outcomes) -> list[str]:
    """Every event that was not legal where it stands, and every answer that history does not bear out."""
    with snapshot(engine) as connection:
        reference = catalogue.read(connection)
    found: list[str] = []
    exempted: Counter[str] = Counter()
    reversed_: Counter[str] = Counter()
    for one in shared:
        _, history = account_at(engine, UUID(one.account_id))
        found += [f"account {one.account_id}: {anomaly}" for anomaly in illegal(history, reference)]
        exempted.update(str(item.event.exemption_id) for item in history if isinstance(item.event, CoursesExempted))
        reversed_.update(str(item.event.exemption_id) for item in history if isinstance(item.event, ExemptionReversed))
    if exempted != outcomes.exempted:
        found.append(f"{exempted.total()} exemptions in history, {outcomes.exempted.total()} told")
    if reversed_ != outcomes.reversed:
        found.append(f"{reversed_.total()} reversals in history, {outcomes.reversed.total()} told")
    return found
