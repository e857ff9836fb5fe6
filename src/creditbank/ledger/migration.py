"""Bring a database to the tables of this version of the bank, and tell whether it is there."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from creditbank.ledger.database import allow_long_statements, is_postgresql, writing

_ONE_AT_A_TIME = 0x6372656469746273
"""Names the lock that two starting processes take in turn (PostgreSQL; SQLite has one writer anyway)."""


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Run the migrations that are missing, all of them or up to one, in one transaction.

    Safe when several processes start at once.
    """
    with writing(engine) as connection:
        if is_postgresql(connection):
            allow_long_statements(connection)
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_AT_A_TIME})")
        configuration = _configuration()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, revision)


def at_head(engine: Engine) -> bool:
    """Whether the tables are those of this version: one small query."""
    with engine.connect() as connection:
        return revisions(connection) == _newest()


def revisions(connection: Connection) -> set[str]:
    """The revisions that the database is at; none before the first upgrade."""
    return set(MigrationContext.configure(connection).get_current_heads())


@cache
def _newest() -> set[str]:
    return set(ScriptDirectory.from_config(_configuration()).get_heads())


def _configuration() -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(_scripts()).replace("%", "%%"))
    return configuration


def _scripts() -> Path:
    """Inside the package when it was installed from a wheel; beside `src` in a working copy."""
    package = Path(str(files("creditbank")))
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parents[1] / "migrations"
