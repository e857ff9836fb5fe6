"""`creditbank serve` as an operator starts it: a process that can be killed, and started again on the same database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import IO

from tests.personal import WATCH

PROJECT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60.0


class NotStarted(Exception):
    """The server ended, or said nothing, before it was ready."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A database and a data directory, with the environment that names them."""

    database_url: str
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)

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
        with self.log.open("ab") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "creditbank", "serve", "--port", "0", "--json"],
                cwd=PROJECT,
                env=self.named(),
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert server.stdout is not None
        line = _line(server.stdout)
        if not line:
            server.kill()
            server.wait()
            server.stdout.close()
            raise NotStarted(self.log.read_text()[-4000:])
        return Process(server, json.loads(line)["address"].removeprefix("http://"))

    @contextmanager
    def serving(self) -> Iterator[Process]:
        """A server that is gone at the end."""
        process = self.start()
        try:
            yield process
        finally:
            process.kill()
            WATCH.search("what a server wrote", self.log.read_text())


def _line(output: IO[bytes]) -> bytes:
    with DefaultSelector() as selector:
        selector.register(output, EVENT_READ)
        return output.readline() if selector.select(READY_SECONDS) else b""


@dataclass(frozen=True, slots=True)
class Process:
    """A running server."""

    _process: subprocess.Popen[bytes]
    address: str

    def kill(self) -> str:
        """SIGKILL: it learns nothing of it. What it wrote on standard output since, for the first who asks."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        if self._process.stdout.closed:
            return ""
        with self._process.stdout as output:
            written = output.read().decode()
        WATCH.search("standard output of a server", written)
        return written

    @property
    def pid(self) -> int:
        return self._process.pid
