"""`creditbank serve` as an operator starts it: a process that can be killed, and started again on the same database.

It is forked from a process that has imported the bank already.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from tempfile import TemporaryFile
from typing import IO

from tests.personal import WATCH
from tests.processes.warm import Child, forge, has_ended

READY_SECONDS = 60.0
PUBLISHING = {"CREDITBANK_PUBLISH_PROCESS": "true"}
"""In the environment of a server whose tests are about what it publishes on SQLite, too."""
ATTENTIVE = {
    "creditbank.app.LOOK_SECONDS": 0.05,
    "creditbank.commands.chores.LOOK_SECONDS": 0.05,
    "creditbank.commands.bank.CATALOGUE_FRESH_MICROSECONDS": 50_000,
}
"""Constants of a server that looks for news, and does its chores, twenty times a second, not once."""


class NotStarted(Exception):
    """The server ended, or said nothing, before it was ready."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A database and a data directory, with the environment that names them."""

    database_url: str
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    """Other values of constants of the bank, by `module.NAME`: an interval that would be waited for."""
    preloaded: tuple[tuple[str, str], ...] = ()
    """What a server must have in its environment before it is a Python."""

    @property
    def data_dir(self) -> Path:
        return self.directory / "data"

    @property
    def log(self) -> Path:
        return self.directory / "serve.log"

    def named(self) -> dict[str, str]:
        """The environment of a process that works for this installation."""
        settings = {
            "CREDITBANK_DATABASE_URL": self.database_url,
            "CREDITBANK_DATA_DIR": str(self.data_dir),
            "CREDITBANK_REQUESTS_PER_MINUTE": "0",
            "CREDITBANK_VERIFY_PER_MINUTE": "1000000",
        }
        return {**os.environ, **settings, **self.environment}

    def start(self) -> Process:
        """Start a server and wait until it is ready. Raises NotStarted."""
        reading, writing = os.pipe()
        with self.log.open("ab") as log, os.fdopen(writing, "wb"):
            words = ["serve", "--port", "0", "--json"]
            child = forge(self.preloaded).fork(words, self.named(), writing, log.fileno(), self.constants)
        process = Process(_child=child, _output=os.fdopen(reading, "rb"))
        line = process.line()
        if not line:
            process.kill()
            raise NotStarted(self.log.read_text()[-4000:])
        return replace(process, address=json.loads(line)["address"].removeprefix("http://"))

    def run(self, *words: str) -> tuple[int, str]:
        """Do another command to its end: its exit code, and all that it wrote."""
        with TemporaryFile("w+") as written:
            child = forge().fork(words, self.named(), written.fileno(), written.fileno())
            child.has_ended(None)
            written.seek(0)
            return child.exit_code(), written.read()

    @contextmanager
    def serving(self) -> Iterator[Process]:
        """A server that is gone at the end."""
        process = self.start()
        try:
            yield process
        finally:
            process.kill()
            WATCH.search("what a server wrote", self.log.read_text())


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A running server."""

    address: str = ""
    _child: Child
    _output: IO[bytes]

    @property
    def pid(self) -> int:
        return self._child.pid

    def line(self) -> bytes:
        """The next line of its standard output; nothing where it ends or says nothing."""
        with DefaultSelector() as selector:
            selector.register(self._output, EVENT_READ)
            return self._output.readline() if selector.select(READY_SECONDS) else b""

    def children(self) -> list[int]:
        """The processes that it has started, and that have not ended."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]

    def kill_all(self) -> None:
        """SIGKILL, to the processes that it has started as well; all of them are gone then."""
        children = [os.pidfd_open(child) for child in self.children()]
        self.kill()
        for handle in children:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            has_ended(handle, None)
            os.close(handle)

    def kill(self) -> str:
        """SIGKILL: it learns nothing of it. What it wrote on standard output since, for the first who asks."""
        if self._output.closed:
            return ""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._child.handle, signal.SIGKILL)
        self._child.has_ended(None)
        self._child.exit_code()
        with self._output as output:
            written = output.read().decode()
        WATCH.search("standard output of a server", written)
        return written
