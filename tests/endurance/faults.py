"""A disk that fills up, a database that is away, connections that are cut in the middle: refused, resumed, not lost."""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from threading import Event
from time import monotonic

from creditbank.ledger.database import open_engine
from tests.database import migrate
from tests.endurance.databases import installed
from tests.endurance.node import Node
from tests.endurance.told import say
from tests.processes import findings, proxy
from tests.processes.bank import Keys, first_key, prepare, shared_account
from tests.processes.calls import Caller
from tests.processes.crash import Verdict
from tests.processes.journal import Journal, changed_answers, settle
from tests.processes.server import Installation
from tests.processes.workload import CLIENTS, clients

SIZE = "120m"
WRITES = 40
PATIENCE_SECONDS = 120.0
AWAY_SECONDS = 60.0
LONGEST_PAUSE = 0.2
BLOCK = bytes(1 << 16)


def run(asked: argparse.Namespace, chance: Random) -> list[str]:
    if os.geteuid() != 0:
        raise SystemExit("no disk of a fixed size can be mounted here: it takes root")
    found: list[str] = []
    for database in ("sqlite", "postgresql"):
        found += _told(f"disk full, {database}", disk_full(database, asked.times))
    found += _told("database away for a minute", away(asked.away, AWAY_SECONDS))
    found += _told("connections cut", cut(asked.times * 10, chance))
    return found


def _told(name: str, verdict: Verdict) -> list[str]:
    say(f"{name}: {str(verdict).replace('kills', 'times')}")
    return verdict.findings


def disk_full(database: str, times: int) -> Verdict:
    """Fill the disk under writes, and empty it when a write was refused; `kills` counts how often."""
    verdict, journal = Verdict(), Journal()
    with _small_disk() as disk, _standing(database, disk) as (installation, node):
        authority = first_key(installation)
        with installation.serving() as process, Caller(process.address) as caller:
            keys = prepare(caller, authority)
            account_id, _ = shared_account(caller, keys)
            # Who looks again is on record already, which takes no room.
            balance = f"/v1/accounts/{account_id}/balance"
            assert caller.get(balance, keys.authority).status == 200
            known = _effects(installation)
            for _ in range(times):
                begun = len(journal.attempts)
                with clients(process.address, keys, journal):
                    _wait(lambda had=len(journal.acknowledged): len(journal.acknowledged) >= had + WRITES)
                    _fill(disk / "ballast")
                    _wait(lambda begun=begun: _has_been_refused(journal, begun))
                    read = caller.get(balance, keys.authority)
                    if node is None and read.status != 200:
                        verdict.refused.append(f"a read on a full disk: {read.status} {read.body.decode()}")
                    (disk / "ballast").unlink()
                    if node is not None and not node.runs:
                        say("PostgreSQL itself had ended on the full disk, and is started")
                        node.start()
                    _wait(lambda had=len(journal.acknowledged): len(journal.acknowledged) >= had + WRITES)
                verdict.kills += 1
            _conclude(installation, caller, journal, known, verdict)
    return verdict


def _has_been_refused(journal: Journal, begun: int) -> bool:
    """Whether a write since then is without an answer although as many as there are clients came after it."""
    return any(one.answer is None for one in journal.attempts[begun:-CLIENTS])


def away(times: int, seconds: float) -> Verdict:
    """The database cannot be reached for so long; `kills` counts how often."""

    def strike(wire: proxy.Proxy) -> None:
        wire.go_down()
        Event().wait(seconds)
        wire.come_up()

    return _struck(times, strike)


def cut(times: int, chance: Random) -> Verdict:
    """All connections to the database are cut at a random moment; `kills` counts how often."""

    def strike(wire: proxy.Proxy) -> None:
        Event().wait(chance.uniform(0, LONGEST_PAUSE))
        wire.cut()

    return _struck(times, strike)


def _struck(times: int, strike: Callable[[proxy.Proxy], None]) -> Verdict:
    verdict, journal = Verdict(), Journal()
    with installed("postgresql") as (installation, _), proxy.before(installation.database_url) as (wire, url):
        authority, known = first_key(installation), _effects(installation)
        with Installation(url, installation.directory).serving() as process, Caller(process.address) as caller:
            keys: Keys = prepare(caller, authority)
            with clients(process.address, keys, journal):
                for _ in range(times):
                    strike(wire)
                    _wait(lambda had=len(journal.acknowledged): len(journal.acknowledged) >= had + WRITES)
                    verdict.kills += 1
            _conclude(installation, caller, journal, known, verdict)
    return verdict


def _conclude(
    installation: Installation, caller: Caller, journal: Journal, known: Counter[str], verdict: Verdict
) -> None:
    verdict.unknown = len(journal.unknown)
    settle(journal.unknown, caller)
    verdict.acknowledged = len(journal.acknowledged)
    answers = ((one.path, one.answer) for one in journal.attempts)
    verdict.refused += [f"{path} {answer}" for path, answer in answers if answer is None or not answer.is_success]
    verdict.lost += [one.path for one in changed_answers(journal.acknowledged, caller)]
    engine = open_engine(installation.database_url)
    lost, doubled = findings.lost_and_doubled(engine, journal.acknowledged, known)
    verdict.lost += lost
    verdict.doubled += doubled
    verdict.differences += findings.against_history(engine)
    engine.dispose()


def _effects(installation: Installation) -> Counter[str]:
    engine = open_engine(installation.database_url)
    found = findings.effects(engine)
    engine.dispose()
    return found


@contextmanager
def _small_disk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="creditbank-full-") as name:
        Path(name).chmod(0o755)
        disk = Path(name) / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "full", str(disk)], check=True)
        try:
            yield disk
        finally:
            subprocess.run(["umount", "--lazy", str(disk)], check=True)


@contextmanager
def _standing(database: str, disk: Path) -> Iterator[tuple[Installation, Node | None]]:
    directory = disk.parent
    if database == "sqlite":
        url = f"sqlite:///{disk / 'bank.db'}"
        migrate(url)
        yield Installation(url, directory), None
        return
    node = Node(disk / "postgresql")
    try:
        node.initialise()
        migrate(node.url)
        yield Installation(node.url, directory), node
    finally:
        node.stop()


def _fill(path: Path) -> None:
    with suppress(OSError), path.open("ab", buffering=0) as file:
        while True:
            file.write(BLOCK)


def _wait(holds: Callable[[], bool]) -> None:
    glance, deadline = Event(), monotonic() + PATIENCE_SECONDS
    while not holds():
        assert monotonic() < deadline, "nothing goes on"
        glance.wait(0.01)
