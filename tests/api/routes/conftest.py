"""Banks for the tests of the HTTP contract, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.bank import ReadyBank, ready_bank
from tests.database import copied


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def bank(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadyBank]:
    """One bank that many tests share: those that bring persons, codes and numbers of their own."""
    folder = tmp_path_factory.mktemp("bank")
    if request.param == "sqlite":
        with ready_bank(copied(request.getfixturevalue("migrated_sqlite"), folder), folder) as ready:
            yield ready
        return
    template = request.getfixturevalue("migrated_postgresql")
    with request.getfixturevalue("postgresql_server").database(template) as url, ready_bank(url, folder) as ready:
        yield ready


@pytest.fixture
def own_bank(database_url: str, tmp_path: Path) -> Iterator[ReadyBank]:
    """A bank for one test, which may set its clock or look at all that it holds."""
    with ready_bank(database_url, tmp_path) as ready:
        yield ready


@pytest.fixture
def sqlite_bank(sqlite_url: str, tmp_path: Path) -> Iterator[ReadyBank]:
    """A bank for one test that says nothing about the database."""
    with ready_bank(sqlite_url, tmp_path) as ready:
        yield ready


@pytest.fixture
def postgresql_bank(postgresql_url: str, tmp_path: Path) -> Iterator[ReadyBank]:
    """A bank for one test whose log is published by another process."""
    with ready_bank(postgresql_url, tmp_path) as ready:
        yield ready
