"""Keys that are rotated under a bank at work: processes that serve, people who come, and what must be so afterwards."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event, Lock, Thread
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select

from creditbank.audit import replay
from creditbank.commands.accounts import LookUp, OpenAccount, OpenAccounts
from creditbank.commands.bank import Bank
from creditbank.commands.desk import Command, Desk
from creditbank.commands.presence import Presence
from creditbank.commands.rotation import Progress, Rotation
from creditbank.domain.errors import BankError, Unavailable
from creditbank.ledger.database import open_engine, writing
from creditbank.vault import generations, keyfiles
from creditbank.vault.erased import ErasedList
from creditbank.vault.persons import Holder, Person, Vault
from creditbank.vault.tables import person, person_claim
from tests.commands.bank import award, body, furnish, tell

BATCH = 1_000
REPORT_SECONDS = 0.02


def clock() -> int:
    return time.time_ns() // 1_000


def holder(name: str) -> Holder:
    return Holder(person=Person(name=f"王{name}", document_type="LOCAL", number=f"HB-{name}"))


def opening(one: Holder) -> OpenAccount:
    return OpenAccount(holder=one, opened_by="authority", institution=None)


@dataclass(frozen=True, slots=True)
class Process:
    """A serving process of the bank, as far as writing goes: own connections, own key files, and its word on them."""

    bank: Bank
    desk: Desk


@contextmanager
def serving(url: str, data_dir: Path) -> Iterator[Process]:
    engine = open_engine(url)
    keys = keyfiles.load(data_dir)
    with writing(engine) as connection:
        generations.bind(connection, keys)
    bank = Bank(
        engine=engine, vault=Vault(keys), zone=ZoneInfo("Asia/Shanghai"), clock=clock, erased=ErasedList(data_dir)
    )
    desk, presence, ended = Desk(bank), Presence(bank), Event()
    presence.report()

    def report() -> None:
        while not ended.wait(REPORT_SECONDS):
            with suppress(Unavailable):  # who cannot read what is current stands still, and says nothing
                presence.report()

    reporter = Thread(target=report)
    reporter.start()
    try:
        yield Process(bank, desk)
    finally:
        ended.set()
        reporter.join()
        presence.leave()
        desk.close()
        engine.dispose()


@contextmanager
def rotation(url: str, data_dir: Path, progress: Progress | None = None, patience: float = 20.0) -> Iterator[Rotation]:
    """A rotation as the command line begins it, in a process of its own."""
    engine = open_engine(url)
    keys = keyfiles.load(data_dir)
    with writing(engine) as connection:
        generations.bind(connection, keys)
    try:
        yield Rotation(
            engine=engine, data_dir=data_dir, keys=keys, clock=clock, progress=progress, patience_seconds=patience
        )
    finally:
        engine.dispose()


def populate(process: Process, persons: int) -> dict[str, UUID]:
    """The account of every person who was there before, by name."""
    furnish(process.desk)
    opened: dict[str, UUID] = {}
    names = [f"old{number}" for number in range(persons)]
    for first in range(0, persons, BATCH):
        some = names[first : first + BATCH]
        command = OpenAccounts(
            holders=[holder(name) for name in some],
            opened_by="authority",
            institution=None,
            render=lambda refusal: (500, {"code": str(refusal)}),
        )
        results = body(tell(process.desk, command))["results"]
        opened.update({name: UUID(result["account_id"]) for name, result in zip(some, results, strict=True)})
    return opened


@dataclass(slots=True)
class Crowd:
    """People who come while keys are rotated: each newcomer to every desk at once, and some who were there before."""

    processes: list[Process]
    before: dict[str, UUID]
    answers: dict[str, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    acts: int = 0
    refused: list[str] = field(default_factory=list)
    _stopped: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def coming(self, threads: int) -> Iterator[None]:
        """Until the end of the block, by so many threads at each desk."""
        everybody = [
            Thread(target=self._come, args=(process, f"{number}-{thread}"))
            for number, process in enumerate(self.processes)
            for thread in range(threads)
        ]
        for one in everybody:
            one.start()
        try:
            yield
        finally:
            self._stopped.set()
            for one in everybody:
                one.join()

    def _come(self, process: Process, who: str) -> None:
        known = list(self.before)
        for number in count():
            if self._stopped.is_set():
                return
            newcomer, old = f"new{number}", known[hash((who, number)) % len(known)]
            try:
                self._note(newcomer, process, opening(holder(newcomer)))
                self._note(old, process, award(f"{who}-{number}", holder(old)))
                self._note(old, process, LookUp(holder=holder(old), institution=None))
            except BankError as refusal:
                with self._lock:
                    self.refused.append(type(refusal).__name__)

    def _note(self, name: str, process: Process, command: Command) -> None:
        account_id = UUID(body(tell(process.desk, command))["account_id"])
        with self._lock:
            self.answers[name].add(account_id)
            self.acts += 1

    def findings(self) -> list[str]:
        """What must not be: somebody with two accounts, lost, or not to be opened; in words."""
        found = [f"{len(self.refused)} refused: {set(self.refused)}"] if self.refused else []
        for name, account_id in self.before.items():
            self.answers[name].add(account_id)
        found += [f"{name} has {len(ids)} accounts" for name, ids in self.answers.items() if len(ids) != 1]
        bank = self.processes[0].bank
        expected = {name: next(iter(ids)) for name, ids in self.answers.items()}
        with bank.engine.connect() as connection, connection.begin():
            opened = {one: bank.vault.open(connection, [one]).get(one) for one in expected.values()}
            behind = bank.vault.accounts_of(connection, [holder(name).document for name in expected])
        found += [f"{name} does not open" for name, one in expected.items() if opened[one] != holder(name).person]
        found += [f"{name} is not found" for name, one in expected.items() if behind.get(holder(name).document) != one]
        found += [str(difference) for difference in replay.differences(bank.engine)]
        return found


def stored(engine: Engine) -> tuple[list[int], list[int]]:
    """The generations of every wrapped key, and of every claim."""
    with engine.connect() as connection, connection.begin():
        wrapped = connection.execute(select(person.c.wrapping)).scalars().all()
        claimed = connection.execute(select(person_claim.c.generation)).scalars().all()
    return list(wrapped), list(claimed)


def rotate_under_a_crowd(
    url: str, data_dir: Path, *, persons: int, processes: int, threads: int, progress: Progress | None = None
) -> tuple[list[str], dict[str, float]]:
    """Rotate and retire every key once while people come: what is wrong afterwards, and figures."""
    figures: dict[str, float] = {}
    with ExitStack() as stack:
        serving_ones = [stack.enter_context(serving(url, data_dir)) for _ in range(processes)]
        crowd = Crowd(serving_ones, populate(serving_ones[0], persons))
        with crowd.coming(threads), rotation(url, data_dir, progress) as turning:
            for name in keyfiles.RINGS:
                began, acts = time.monotonic(), crowd.acts
                changed = turning.rotate(name).changed
                figures[f"{name} rotated, s"] = round(time.monotonic() - began, 2)
                figures[f"{name} changed"] = changed
                figures[f"{name} acts meanwhile"] = crowd.acts - acts
            began = time.monotonic()
            for name in ("wrapping", "blind-index"):
                turning.retire(name)
            figures["retired, s"] = round(time.monotonic() - began, 2)
        figures["acts in all"] = crowd.acts
        found = crowd.findings()
        wrapped, claimed = stored(serving_ones[0].bank.engine)
        figures["persons in the end"] = len(wrapped)
        if set(wrapped) != {2} or set(claimed) != {2} or len(claimed) != len(wrapped):
            found.append(f"keys of {set(wrapped)}, claims of {set(claimed)}, {len(claimed)} for {len(wrapped)} persons")
    files = {path.name for path in keyfiles.folder_of(data_dir).glob("*.*.*")}
    if files != {"api-keys.1.key", "api-keys.2.key", "blind-index.2.key", "wrapping.2.key"}:
        found.append(f"files {sorted(files)}")
    return found, figures
