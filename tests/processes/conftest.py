"""Banks with 32 clients: served by one process on each database, and by two processes on one PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from creditbank.ledger.database import open_engine
from tests.database import Server, copied
from tests.processes.contenders import Contenders, contending
from tests.processes.server import Installation

DEADLOCK_TIMEOUT = "8s"
"""Longer than any answer may take: a deadlock shows as a stall."""


@pytest.fixture(scope="session", params=["sqlite", "postgresql", "postgresql-two-servers"])
def contenders(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contenders]:
    with ExitStack() as stack:
        directory = tmp_path_factory.mktemp("contenders")
        if request.param == "sqlite":
            template: Path = request.getfixturevalue("migrated_sqlite")
            url = copied(template, directory)
        else:
            server: Server = request.getfixturevalue("postgresql_server")
            url = stack.enter_context(server.database(request.getfixturevalue("migrated_postgresql")))
            _make_deadlocks_slow(url)
        servers = 2 if request.param == "postgresql-two-servers" else 1
        yield stack.enter_context(contending(Installation(url, directory), servers))


def _make_deadlocks_slow(url: str) -> None:
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"ALTER DATABASE \"{engine.url.database}\" SET deadlock_timeout = '{DEADLOCK_TIMEOUT}'"
        )
    engine.dispose()
