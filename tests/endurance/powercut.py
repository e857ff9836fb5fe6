"""The power is cut in the middle of writes, again and again: what was acknowledged had reached the disk.

Database, key files and published log lie on a file system that forgets what was not synced, or keeps any part of it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.database import migrate
from tests.endurance.node import Node
from tests.endurance.told import say
from tests.processes.crash import Verdict, crash
from tests.processes.server import PUBLISHING, Installation, Process
from tests.processes.warm import PROJECT

DEVICE = Path("/dev/fuse")
OFTEN_CHECKPOINTS = "checkpoint_timeout = 30s\nmax_wal_size = 64MB\n"
"""So that a cut also falls into one."""


def run(asked: argparse.Namespace, chance: Random) -> list[str]:
    if (reason := impossible()) is not None:
        raise SystemExit(f"the power cannot be cut here: {reason}")
    verdict = cut_power(
        asked.database,
        cuts=asked.cuts,
        most_writes=asked.most_writes,
        chance=chance,
        is_deaf=asked.deaf,
        progress=lambda one: say(str(one)),
    )
    say(str(verdict).replace("kills", "cuts"))
    if asked.deaf:
        return [] if verdict.lost else ["a disk that synced nothing lost nothing that was noticed"]
    return verdict.findings


def impossible() -> str | None:
    """Why no file system can be mounted here; None where it can."""
    if not sys.platform.startswith("linux") or not DEVICE.exists():
        return f"there is no {DEVICE}: it takes a Linux kernel with FUSE"
    if os.geteuid() != 0:
        return "mounting a file system takes root"
    return None


@dataclass(frozen=True, slots=True)
class Disk:
    """A mounted disk whose power can be cut."""

    directory: Path
    _process: subprocess.Popen[str]

    def tell(self, line: str) -> None:
        """Say it to the process behind the disk, and wait until it is done. Raises RuntimeError."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        if self._process.stdout.readline() != "done\n":
            raise RuntimeError(f"the disk did not do it: {line}")


@contextmanager
def mounted(directory: Path) -> Iterator[Disk]:
    """An empty disk that is gone at the end."""
    directory.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.endurance.fuse", str(directory)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        disk = Disk(directory, process)
        disk.tell("on")
        yield disk


@dataclass(frozen=True, slots=True)
class Standing:
    """A bank all of whose files lie on one disk, but for its logs."""

    disk: Disk
    installation: Installation
    node: Node | None

    def cut(self, process: Process, survives: float, chance: Random) -> None:
        """The power goes, with everything that runs, and comes back. Of what was not synced so much survives."""
        self.disk.tell(f"off {survives} {chance.randrange(2**32)}")
        process.kill_all()
        if self.node is not None:
            self.node.kill()
        self.disk.tell("on")
        if self.node is not None:
            self.node.start()


@contextmanager
def standing(database: str) -> Iterator[Standing]:
    """A bank that has just been installed: its database is on the disk, its keys are not made yet."""
    with tempfile.TemporaryDirectory(prefix="creditbank-powercut-") as name, mounted(Path(name) / "disk") as disk:
        directory = Path(name)
        directory.chmod(0o755)
        (disk.directory / "data").mkdir()
        (directory / "data").symlink_to(disk.directory / "data")
        node = Node(disk.directory / "postgresql") if database == "postgresql" else None
        try:
            if node is not None:
                node.initialise()
                node.configure(OFTEN_CHECKPOINTS)
            url = f"sqlite:///{disk.directory / 'bank.db'}" if node is None else node.url
            migrate(url)
            disk.tell("sync")
            yield Standing(disk, Installation(url, directory, PUBLISHING), node)
        finally:
            if node is not None:
                node.stop()


def cut_power(
    database: str,
    *,
    cuts: int,
    most_writes: int,
    chance: Random,
    is_deaf: bool = False,
    progress: Callable[[Verdict], None] | None = None,
) -> Verdict:
    """Cut the power after a random number of acknowledged writes, each time, and check every answer that was given.

    Every other cut forgets all that was not synced; the others let any part of it survive. A deaf disk says that it
    synced and does not: what it lost has to be found.
    """
    with standing(database) as bank:
        if is_deaf:
            bank.disk.tell("deaf")

        def strike(process: Process) -> None:
            bank.cut(process, 0.0 if is_deaf else chance.choice([0.0, chance.random()]), chance)

        return crash(
            bank.installation, kills=cuts, most_writes=most_writes, chance=chance, strike=strike, progress=progress
        )
