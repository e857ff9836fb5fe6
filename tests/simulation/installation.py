"""A bank in memory whose time, ids and bad luck are told to it: two processes on one database, started anew at will."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine

from creditbank.audit.guard import Guard
from creditbank.audit.heads import HeadTrees
from creditbank.audit.publisher import Publisher
from creditbank.commands import catalogue, restored
from creditbank.commands.bank import Bank
from creditbank.commands.desk import Command, Desk, Request, Settled
from creditbank.domain.events import Course, Level, OrganisationRegistered, ProgrammePublished, StandardPublished
from creditbank.ledger import migration
from creditbank.vault.erased import ErasedList
from creditbank.vault.persons import Vault
from tests.simulation.faults import BreakingShelf, Faults
from tests.simulation.memory import Database
from tests.vault.keys import KEYS

BEGINNING = 1_788_220_800_000_000
"""2026-09-01, in microseconds."""
ZONE = ZoneInfo("Asia/Shanghai")
FIRST_DAY = date(2026, 1, 1)
PROCESSES = 2
FURNISHED = UUID(int=1)
"""The cause of what is there at the beginning."""

ISSUERS = ("BIM-EVAL", "CARE-EVAL")
STANDARD = "BIM"
LEVELS = {"初级": 30_000, "中级": 60_000}
COLLEGE, ACADEMY = ("college", "construction"), ("academy", "nursing")
COURSES = {
    COLLEGE: {"CAD": 40_000, "BIM1": 20_000, "WORK": 20_000, "SITE": 30_000},
    ACADEMY: {"CARE": 30_000, "FIRST": 10_000},
}
LIMITS = {COLLEGE: 120_000, ACADEMY: 60_000}
"""What a programme takes in at most, at the beginning. Amounts are ten-thousandths of a credit, as in the domain."""
WANTS_CONSENT = {ACADEMY}


@dataclass(slots=True)
class Clock:
    now: int = BEGINNING

    def __call__(self) -> int:
        return self.now


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids like the bank's own, from a source of chance that can be repeated."""

    chance: Random
    clock: Clock

    def __call__(self) -> UUID:
        number = (self.clock.now // 1_000) << 80 | self.chance.getrandbits(80)
        return UUID(int=number & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One that serves, with an engine and a memory of its own, which are lost with it."""

    bank: Bank
    desk: Desk
    publisher: Publisher


@dataclass(slots=True, kw_only=True)
class Installation:
    """Database, files and processes. What is below `folder`, and what was committed, outlives a process."""

    folder: Path
    clock: Clock
    ids: Callable[[], UUID]
    faults: Faults = field(default_factory=Faults)
    processes: list[Process] = field(default_factory=list)
    database: Database = field(init=False)

    @property
    def engine(self) -> Engine:
        """That of the first process."""
        return self.processes[0].bank.engine

    def begin(self, database: Database) -> None:
        """Start all processes on another database than before."""
        self.database = database
        self.start()

    def start(self) -> None:
        """All processes end, and others begin, which know nothing but what was committed."""
        self.end()
        self.processes = [self._process() for _ in range(PROCESSES)]
        first = self.processes[0]
        restored.reconcile(first.bank, first.desk)

    def end(self) -> None:
        for process in self.processes:
            process.desk.close()
            process.bank.engine.dispose()

    def _process(self) -> Process:
        engine = self.database.engine()
        self.faults.watch(engine)
        bank = _bank(engine, self.folder, self.clock, self.ids)
        shelf = BreakingShelf(self.folder / "log", self.faults)
        publisher = Publisher(
            engine=engine,
            shelf=shelf,
            signing=(Ed25519PrivateKey.from_private_bytes(b"s" * 32),),
            salting=b"l" * 32,
            trees=HeadTrees(self.folder / "log-heads"),
            origin="bank.example/log",
            clock=self.clock,
        )
        return Process(bank=bank, desk=Desk(bank, self.guard(Guard(engine, shelf))), publisher=publisher)

    def guard(self, guard: Guard) -> Callable[[Connection], None]:
        """What a desk asks before it writes."""
        return guard.check


def _bank(engine: Engine, folder: Path, clock: Clock, ids: Callable[[], UUID]) -> Bank:
    return Bank(engine=engine, vault=Vault(KEYS), zone=ZONE, clock=clock, erased=ErasedList(folder), new_id=ids)


@cache
def furnished() -> bytes:
    """A migrated database with the catalogue and nothing else, made once."""
    database, clock = Database(), Clock()
    engine = database.engine()
    migration.upgrade(engine)
    desk = Desk(_bank(engine, Path(), clock, Ids(Random(0), clock)))
    for command in _catalogue():
        [settled] = desk.settle([Request(command=command, actor="authority", causation=FURNISHED)])
        assert isinstance(settled, Settled), settled
    image = database.image()
    engine.dispose()
    database.close()
    return image


def _catalogue() -> Iterator[Command]:
    levels = tuple(
        Level(level=name, rank=rank, credits=credits) for rank, (name, credits) in enumerate(LEVELS.items(), 1)
    )
    yield catalogue.publish_standard(StandardPublished(code=STANDARD, title=STANDARD, scheme="1+X", levels=levels))
    for issuer in ISSUERS:
        yield catalogue.register(OrganisationRegistered(code=issuer, name=issuer, roles=("issuer",)))
        yield catalogue.Accredit(
            organisation=issuer, standard=STANDARD, levels=tuple(LEVELS), valid_from=FIRST_DAY, valid_until=None
        )
    for institution, programme in COURSES:
        yield from _programme(institution, programme)


def _programme(institution: str, code: str) -> Iterator[Command]:
    key = (institution, code)
    yield catalogue.register(OrganisationRegistered(code=institution, name=institution, roles=("institution",)))
    courses = tuple(Course(code=name, name=name, credits=credits) for name, credits in COURSES[key].items())
    yield catalogue.publish_programme(
        ProgrammePublished(
            institution=institution,
            code=code,
            name=code,
            credits=1_000_000,
            courses=courses,
            rulebook=institution,
            consent="required" if key in WANTS_CONSENT else None,
        )
    )
    yield catalogue.PublishRulebook(
        rulebook=institution,
        owner=institution,
        title=None,
        rules=rules(LIMITS[key]),
        cases=(),
        effective_from=FIRST_DAY,
    )


def rules(limit: int) -> dict[str, Any]:
    """A certificate brings its credits, or a whole course once, up to the limit of the programme."""
    return {
        "once": [{"scope": "target", "reason": "COURSE_ALREADY_SATISFIED"}],
        "sources": [
            {"match": {"r.target": {"absent": True}}, "value": {"carry": True}},
            {"value": {"target": True}},
        ],
        "caps": [
            {
                "id": "programme",
                "measure": "credits",
                "limit": limit // 10_000,
                "over": "drop",
                "reason": "CAP_PROGRAMME",
            }
        ],
    }
