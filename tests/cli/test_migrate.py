"""`creditbank migrate` brings any database to the newest tables, and tells whether it is there."""

from __future__ import annotations

from sqlalchemy import Engine

from creditbank.ledger import migration
from creditbank.ledger.database import open_engine
from tests.cli.conftest import Command


def test_a_database_is_behind_until_it_is_migrated(empty_url: str, creditbank: Command) -> None:
    behind = creditbank("migrate", "--check", url=empty_url)
    assert (behind.code, behind.err) == (1, "the database is behind: run `creditbank migrate`\n")
    assert creditbank("migrate").code == 0
    engine = open_engine(empty_url)
    assert migration.at_head(engine)
    engine.dispose()
    assert creditbank("migrate", "--check").code == 0


def test_migrating_twice_changes_nothing(database_url: str, creditbank: Command) -> None:
    ended = creditbank("migrate", "--json", url=database_url)
    assert ended.code == 0
    assert ended.json["at_head"]
    assert ended.json["before"] == ended.json["after"] != []


def test_a_check_changes_nothing(empty_url: str, creditbank: Command) -> None:
    behind = creditbank("migrate", "--check", "--json", url=empty_url)
    assert behind.json == {"at_head": False, "before": [], "after": []}


def test_commands_refuse_a_postgresql_that_is_behind(postgresql_engine: Engine, creditbank: Command) -> None:
    with postgresql_engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM alembic_version")
    url = postgresql_engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    for command in (["serve", "--port", "0"], ["keys", "create", "--role", "authority"], ["rebuild"]):
        refused = creditbank(*command, url=url)
        assert refused.code == 1
        assert "run `creditbank migrate` first" in refused.err


def test_commands_migrate_an_sqlite_file_by_themselves(creditbank: Command) -> None:
    assert creditbank("keys", "create", "--role", "authority", url="sqlite:///new.db").code == 0
    assert creditbank("migrate", "--check").code == 0
