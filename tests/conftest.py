"""Fixtures: a migrated database per test, on SQLite and on a real PostgreSQL.

`engine` and `database_url` run a test on both; `sqlite_url` and `postgresql_url` on one of them. The PostgreSQL is
the one that CREDITBANK_TEST_DATABASE_URL names, else one that is started for the session.
"""

from __future__ import annotations

import gc
import os
import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from uuid import uuid4
from zlib import crc32

import pytest
from sqlalchemy import Engine, make_url

from creditbank.ledger.database import open_engine
from tests.database import Make, Ready, Server, copied, embedded_server, migrate, quick_folder, served_by

pytest_plugins = ["tests.leaks"]

# Thousands of tests and all that they import stay until the end: looking whether they are garbage, over and over, takes
# a third of the time of a run.
gc.set_threshold(50_000, 20, 100)

REQUESTS = Path(__file__).parent / "api"
ON_BOTH = {"test_batches.py", "test_concurrency.py", "test_long_lists.py", "test_matrix.py"}
"""About what databases do under many writes; and every route, done by every role that may."""

os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(quick_folder()))
# Nearly no test is about what is published: a bank that should publish beside itself says so.
os.environ.setdefault("CREDITBANK_PUBLISH_PROCESS", "false")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, of each request that is tested on either database, one of both: by its name, so always the same.

    What differs between the databases lies below the API and is tested on both there, and the matrix of access does
    with every route what it is for, on both. `make test-everywhere` leaves out nothing.
    """
    if os.environ.get("CREDITBANK_TEST_EVERYWHERE"):
        return
    of_name: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if isinstance(item, pytest.Function) and item.path.is_relative_to(REQUESTS) and item.path.name not in ON_BOTH:
            of_name[re.sub("sqlite|postgresql", "", item.nodeid)].append(item)
    left_out = {both[crc32(name.encode()) % 2] for name, both in of_name.items() if len(both) == 2}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def worker(request: pytest.FixtureRequest) -> str:
    """Which of several test processes this is."""
    return getattr(request.config, "workerinput", {}).get("workerid", "main")


@pytest.fixture(scope="session")
def postgresql_server(request: pytest.FixtureRequest, worker: str) -> Iterator[Server]:
    if url := os.environ.get("CREDITBANK_TEST_DATABASE_URL"):
        with served_by(url, worker) as server:
            yield server
        return
    # Not below pytest's own folder: whenever a session of the same user begins, and a test starts some, pytest shuts
    # that folder to everybody else, and to root's PostgreSQL, which runs as somebody else.
    run = getattr(request.config, "workerinput", {}).get("testrunuid", os.getpid())
    with embedded_server(quick_folder() / f"creditbank-postgresql-{run}") as url, served_by(url, worker) as server:
        yield server


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: Server) -> Iterator[str]:
    """The name of a template that every PostgreSQL test copies."""
    with postgresql_server.template() as name:
        yield name


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that every SQLite test copies."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def beginning(request: pytest.FixtureRequest) -> Make | None:
    """Who makes a bank ready, once, that the test begins with a copy of: a module names them in BEGINNINGS, by the
    fixtures that a test takes.
    """
    named: dict[str, Make] = getattr(request.module, "BEGINNINGS", {})
    return next((make for name, make in named.items() if name in request.fixturenames), None)


@pytest.fixture(scope="session")
def ready_sqlite(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Make], Ready]:
    @cache
    def ready(make: Make) -> Ready:
        files = tmp_path_factory.mktemp("ready")
        url = copied(migrated_sqlite, tmp_path_factory.mktemp("ready"))
        make(url, files)
        return Ready(url, files)

    return ready


@pytest.fixture(scope="session")
def ready_postgresql(
    postgresql_server: Server, migrated_postgresql: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Make], Ready]]:
    with ExitStack() as stack:

        @cache
        def ready(make: Make) -> Ready:
            files = tmp_path_factory.mktemp("ready")
            url = stack.enter_context(postgresql_server.database(migrated_postgresql))
            make(url, files)
            return Ready(url, files)

        yield ready


@pytest.fixture
def sqlite_url(
    migrated_sqlite: Path, ready_sqlite: Callable[[Make], Ready], beginning: Make | None, tmp_path: Path
) -> str:
    if beginning is None:
        return copied(migrated_sqlite, tmp_path)
    ready = ready_sqlite(beginning)
    ready.put_files(tmp_path)
    return copied(Path(ready.database), tmp_path)


@pytest.fixture
def postgresql_url(
    postgresql_server: Server,
    migrated_postgresql: str,
    ready_postgresql: Callable[[Make], Ready],
    beginning: Make | None,
    tmp_path: Path,
) -> Iterator[str]:
    template = migrated_postgresql
    if beginning is not None:
        ready = ready_postgresql(beginning)
        ready.put_files(tmp_path)
        template = ready.database
    with postgresql_server.database(template) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, backend: str) -> str:
    return str(request.getfixturevalue(f"{backend}_url"))


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, backend: str, tmp_path: Path) -> Iterator[str]:
    """A database without any table."""
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    with request.getfixturevalue("postgresql_server").database() as url:
        yield url


@pytest.fixture
def backup(request: pytest.FixtureRequest, backend: str, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Takes the URL of a database that nobody is connected to, and gives that of a copy as it stands now."""
    with ExitStack() as stack:

        def copy(url: str) -> str:
            database = str(make_url(url).database)
            if backend == "sqlite":
                path = tmp_path / f"backup-{uuid4().hex}.db"
                with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(path)) as target:
                    source.backup(target)
                return f"sqlite:///{path}"
            return str(stack.enter_context(request.getfixturevalue("postgresql_server").database(database)))

        yield copy


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_engine(sqlite_url: str) -> Iterator[Engine]:
    engine = open_engine(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture
def postgresql_engine(postgresql_url: str) -> Iterator[Engine]:
    engine = open_engine(postgresql_url)
    yield engine
    engine.dispose()
