"""`creditbank serve` as a program of its own, which is asked things and told to stop."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import IO

from creditbank.cli import installation
from creditbank.ledger.database import writing
from creditbank.settings import Settings
from creditbank.vault import apikeys
from tests.personal import WATCH
from tests.processes.warm import Child, forge

STOP_SECONDS = 5.0
"""How long a server may take to stop after the signal."""


@dataclass(frozen=True, slots=True)
class Program:
    """A process, with what it writes."""

    child: Child
    out: IO[str]
    err: IO[str]

    def send(self, number: int) -> None:
        """Send it a signal, which finds nobody where it has ended."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.child.handle, number)

    def ended(self) -> tuple[int, str, str]:
        """Its exit code and all that it wrote, which holds nothing personal. It is given some time to end."""
        in_time = self.child.has_ended(STOP_SECONDS)
        if not in_time:
            self.send(signal.SIGKILL)
        code = self.child.exit_code()
        with self.out, self.err:
            out, err = self.out.read(), self.err.read()
        for source, text in (("standard output", out), ("standard error", err)):
            WATCH.search(f"{source} of a server", text)
        assert in_time, "it does not end in time"
        return code, out, err

    def close(self) -> None:
        """Kill it, unless it is known to have ended."""
        if not self.out.closed:
            self.send(signal.SIGKILL)
            self.ended()


def started(words: Sequence[str], environment: Mapping[str, str]) -> Program:
    """`creditbank` with these words, forked from a process that has imported the bank already."""
    (out, its_out), (err, its_err) = os.pipe(), os.pipe()
    with os.fdopen(its_out, "wb"), os.fdopen(its_err, "wb"):
        child = forge().fork(words, environment, its_out, its_err)
    return Program(child, os.fdopen(out), os.fdopen(err))


@dataclass(frozen=True, slots=True)
class Installation:
    """A database and the directory of its key files."""

    database_url: str
    data_dir: Path

    def start(self, *words: str) -> Program:
        named = {"CREDITBANK_DATABASE_URL": self.database_url, "CREDITBANK_DATA_DIR": str(self.data_dir)}
        return started(words, {**os.environ, **named})

    def first_key(self) -> str:
        """The authority's key, made as `creditbank keys create` makes it."""
        chosen = Settings(database_url=self.database_url, data_dir=self.data_dir)
        with installation.migrated(chosen) as engine:
            files = installation.bound_keys(chosen, engine)
            with writing(engine) as connection:
                return apikeys.make(
                    connection,
                    files,
                    role="authority",
                    organisation=None,
                    account_id=None,
                    created_by="test",
                    now=0,
                    expires_at=None,
                )[1]


@dataclass(frozen=True, slots=True)
class Served:
    """A running server, and a key of the authority."""

    process: Program
    line: str
    key: str

    @property
    def address(self) -> tuple[str, int]:
        found = re.search(r"http://([^:]+):([0-9]+)", self.line)
        assert found is not None, self.line
        return found[1], int(found[2])

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[HTTPResponse, bytes]:
        connection = HTTPConnection(*self.address, timeout=10)
        WATCH.remember_request({"authorization": self.key}, body or b"")
        connection.request(method, path, body, {"Authorization": f"Bearer {self.key}", **(headers or {})})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response, content

    def send(self, request: bytes) -> bytes:
        """What comes back for bytes as they are, until the server closes."""
        with socket.create_connection(self.address, timeout=10) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal and wait. A server that does not stop in time fails the test."""
        self.process.send(number)
        return self.process.ended()


@contextmanager
def served(installation: Installation, *options: str) -> Iterator[Served]:
    """A server on a free port, from its ready line on; stopped at the end unless the test has done it."""
    key = installation.first_key()
    process = installation.start("serve", "--port", "0", *options)
    try:
        line = process.out.readline()
        if not line:
            raise AssertionError(process.ended()[2])
        yield Served(process, line, key)
    finally:
        process.close()
