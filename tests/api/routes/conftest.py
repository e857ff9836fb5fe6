"""Banks for the tests of the HTTP contract, on both databases: copies of two that are set up once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.api.bank import ReadyBank, copied_bank, ready_bank
from tests.database import Ready, Server, copied


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A bank that has been set up and closed, and what stands of it."""

    bank: ReadyBank
    ready: Ready


@pytest.fixture(scope="session")
def sqlite_template(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Template:
    data_dir = tmp_path_factory.mktemp("template") / "data"
    url = copied(migrated_sqlite, data_dir.parent)
    with ready_bank(url, data_dir) as bank:
        pass
    return Template(bank=bank, ready=Ready(url, data_dir))


@pytest.fixture(scope="session")
def postgresql_template(
    postgresql_server: Server, migrated_postgresql: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Template]:
    data_dir = tmp_path_factory.mktemp("template")
    with postgresql_server.database(migrated_postgresql) as url:
        with ready_bank(url, data_dir) as bank:
            pass
        yield Template(bank=bank, ready=Ready(url, data_dir))


@pytest.fixture
def sqlite_url(sqlite_template: Template, tmp_path: Path) -> str:
    """The database of a bank that has been set up, whose key files lie in the test's folder."""
    sqlite_template.ready.put_files(tmp_path)
    return copied(Path(sqlite_template.ready.database), tmp_path)


@pytest.fixture
def postgresql_url(postgresql_server: Server, postgresql_template: Template, tmp_path: Path) -> Iterator[str]:
    """The database of a bank that has been set up, whose key files lie in the test's folder."""
    postgresql_template.ready.put_files(tmp_path)
    with postgresql_server.database(postgresql_template.ready.database) as url:
        yield url


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def bank(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadyBank]:
    """One bank that many tests share: those that bring persons, codes and numbers of their own."""
    with _copied_with_its_database(request, tmp_path_factory.mktemp("bank")) as ready:
        yield ready


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def new_bank(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadyBank]:
    """A bank for the tests of one file, in which nobody else has done anything."""
    with _copied_with_its_database(request, tmp_path_factory.mktemp("bank")) as ready:
        yield ready


@pytest.fixture
def own_bank(request: pytest.FixtureRequest, backend: str, database_url: str, tmp_path: Path) -> Iterator[ReadyBank]:
    """A bank for one test, which may set its clock or look at all that it holds."""
    template: Template = request.getfixturevalue(f"{backend}_template")
    with copied_bank(template.bank, database_url, tmp_path) as ready:
        yield ready


@pytest.fixture
def sqlite_bank(sqlite_template: Template, sqlite_url: str, tmp_path: Path) -> Iterator[ReadyBank]:
    """A bank for one test that says nothing about the database."""
    with copied_bank(sqlite_template.bank, sqlite_url, tmp_path) as ready:
        yield ready


@pytest.fixture
def postgresql_bank(postgresql_template: Template, postgresql_url: str, tmp_path: Path) -> Iterator[ReadyBank]:
    """A bank for one test whose log is published by another process."""
    with copied_bank(postgresql_template.bank, postgresql_url, tmp_path) as ready:
        yield ready


@contextmanager
def _copied_with_its_database(request: pytest.FixtureRequest, folder: Path) -> Iterator[ReadyBank]:
    template: Template = request.getfixturevalue(f"{request.param}_template")
    template.ready.put_files(folder)
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = copied(Path(template.ready.database), folder)
        else:
            server: Server = request.getfixturevalue("postgresql_server")
            url = stack.enter_context(server.database(template.ready.database))
        yield stack.enter_context(copied_bank(template.bank, url, folder))
