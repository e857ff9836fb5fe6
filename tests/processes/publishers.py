"""Two publishers of one log, each stopped in its turn while the other goes on, and continued in the middle of it."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Event
from time import monotonic

from creditbank.audit.transparency import notes
from creditbank.audit.transparency.checkpoints import checkpoint_of
from creditbank.ledger import sequence
from creditbank.ledger.database import open_engine, snapshot
from tests.processes.bank import first_key, prepare
from tests.processes.calls import Caller
from tests.processes.journal import Journal
from tests.processes.server import Installation
from tests.processes.warm import forge
from tests.processes.workload import clients

WRITERS = 2
PATIENCE_SECONDS = 120.0
_GLANCE_SECONDS = 0.02
_HEAD = re.compile(r'"size": (\d+),\s*"root": "([0-9a-f]{64})"')


@dataclass(frozen=True, slots=True)
class Publishing:
    """A publisher at work; `told` is what it says that it signed."""

    pid: int
    told: Path

    def signed(self) -> Iterator[tuple[int, str]]:
        """Size and root of each checkpoint that it signed."""
        for size, root in _HEAD.findall(self.told.read_text()):
            yield int(size), root


@dataclass(slots=True)
class Contest:
    """What two publishers came to. Of `findings` there must be none."""

    stops: int
    signed: tuple[int, int]
    seen: int
    findings: list[str]


def contest(installation: Installation, *, stops: int, seconds: float, chance: Random) -> Contest:
    """Stop one of both so many times, each for so long, while others write. The server must not publish itself."""
    authority, journal = first_key(installation), Journal()
    seen: dict[int, set[str]] = {}
    with installation.serving() as process, Caller(process.address) as caller:
        keys = prepare(caller, authority)
        with publishing(installation, "a") as one, publishing(installation, "b") as other:
            both = (one, other)
            with clients(process.address, keys, journal, WRITERS):
                for number in range(stops):
                    stopped, going = both[number % 2], both[1 - number % 2]
                    _look(installation, seen, chance.uniform(0, 2 * seconds))
                    os.kill(stopped.pid, signal.SIGSTOP)
                    _look(installation, seen, seconds, lambda going=going, had=_count(going): _count(going) > had)
                    os.kill(stopped.pid, signal.SIGCONT)
            _look(installation, seen, 0, lambda: all(_count(one) for one in both))
            _until_all_is_published(installation, seen, 4 * seconds)
        found = [*_forks(installation, seen, both), *_verified(installation)]
    return Contest(stops, (_count(one), _count(other)), len(seen), found)


@contextmanager
def publishing(installation: Installation, name: str) -> Iterator[Publishing]:
    """`creditbank publish` beside the server."""
    told = installation.directory / f"publish-{name}.out"
    with told.open("wb") as output, installation.log.open("ab") as errors:
        named = {**installation.named(), "CREDITBANK_ORIGIN": "bank.example/log"}
        words = ["publish", "--json"]
        child = forge().fork(words, named, output.fileno(), errors.fileno(), installation.constants)
    try:
        yield Publishing(child.pid, told)
    finally:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(child.handle, signal.SIGKILL)
        child.exit_code()


def _count(publisher: Publishing) -> int:
    return sum(1 for _ in publisher.signed())


def _look(
    installation: Installation, seen: dict[int, set[str]], seconds: float, holds: Callable[[], bool] = lambda: True
) -> None:
    """Look at the published checkpoint, for so long, and until something holds."""
    glance, began = Event(), monotonic()
    path = installation.data_dir / "log" / "checkpoint"
    while monotonic() < began + seconds or not holds():
        assert monotonic() < began + seconds + PATIENCE_SECONDS, "nothing is published any more"
        if path.exists():
            head = checkpoint_of(notes.parse(path.read_text()).text)
            seen.setdefault(head.size, set()).add(head.root.hex())
        glance.wait(_GLANCE_SECONDS)


def _until_all_is_published(installation: Installation, seen: dict[int, set[str]], seconds: float) -> None:
    engine = open_engine(installation.database_url)

    def holds() -> bool:
        with snapshot(engine) as connection:
            tree = sequence.tree(connection)
        return tree.published == tree.size and max(seen, default=-1) == tree.published

    _look(installation, seen, seconds, holds)
    engine.dispose()


def _forks(installation: Installation, seen: dict[int, set[str]], both: tuple[Publishing, ...]) -> Iterator[str]:
    signed = Counter(size for one in both for size, _ in one.signed())
    yield from (
        f"the checkpoint of {size} leaves is signed {times} times" for size, times in signed.items() if times > 1
    )
    engine = open_engine(installation.database_url)
    with snapshot(engine) as connection:
        stored = {row.size: row.root.hex() for row in sequence.checkpoints(connection)}
    engine.dispose()
    for one in both:
        for size, root in one.signed():
            seen.setdefault(size, set()).add(root)
    for size, roots in seen.items():
        if roots != {stored.get(size)}:
            yield f"there are several checkpoints of {size} leaves"


def _verified(installation: Installation) -> Iterator[str]:
    code, written = installation.run("verify")
    if code:
        yield f"verify: {written}"
