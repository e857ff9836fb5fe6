"""The bank that the environment names, reached for one command; what is wrong with it, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfoNotFoundError

from pydantic import ValidationError
from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    InterfaceError,
    NoResultFound,
    OperationalError,
    TimeoutError,
)

from creditbank.audit import crew
from creditbank.audit.crew import Damaged, Ended
from creditbank.cli.outcome import INTEGRITY, Failed
from creditbank.ledger import log, migration
from creditbank.ledger.damage import is_damage
from creditbank.ledger.database import open_engine, writing
from creditbank.settings import Settings
from creditbank.vault import generations, keyfiles
from creditbank.vault.erased import ErasedList, ListDamaged
from creditbank.vault.keyfiles import ForeignKeys, KeyFiles

PERMISSION_DENIED = "42501"
LEAST_BYTES = 512
"""The smallest page of SQLite, which takes a shorter file for a new one and writes into it."""


def settings() -> Settings:
    """The settings of this process. Raises Failed where one of them cannot be used."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        raise Failed(f"the setting CREDITBANK_{str(first['loc'][0]).upper()} cannot be used: {first['msg']}") from None
    except ZoneInfoNotFoundError as error:
        raise Failed(f"the setting CREDITBANK_TIMEZONE cannot be used: {error.args[0]}") from None


@contextmanager
def reached(chosen: Settings) -> Iterator[Engine]:
    """The database as it stands. Raises Failed where it does not answer, also while it is used."""
    try:
        engine = open_engine(chosen.database_url)
    except (ArgumentError, ValueError) as error:
        raise Failed(f"the setting CREDITBANK_DATABASE_URL cannot be used: {error}") from None
    try:
        yield engine
    except Ended as error:
        raise Failed(f"{error}: nothing is known of what it had not done, start again") from None
    except (OperationalError, InterfaceError, TimeoutError) as error:
        raise Failed(f"the database cannot be reached: {reason(error)}") from None
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != PERMISSION_DENIED:
            raise
        raise Failed(f"the database does not allow it: {reason(error)}") from None
    finally:
        engine.dispose()


@contextmanager
def migrated(chosen: Settings) -> Iterator[Engine]:
    """The database with the tables of this version: an SQLite file is brought there, a PostgreSQL must be there."""
    with reached(chosen) as engine:
        if not migration.at_head(engine):
            if engine.dialect.name != "sqlite":
                raise Failed("the database is not at the tables of this version: run `creditbank migrate` first")
            migration.upgrade(engine)
        yield engine


@contextmanager
def existing(chosen: Settings) -> Iterator[Engine]:
    """The database as it is there, for those who check it: nothing is created and nothing brought up to date.

    Raises Failed where there is none, and with the exit code of a contradiction where it is damaged.
    """
    with reached(chosen.model_copy(update={"database_url": _of_existing_file(chosen.database_url)})) as engine:
        try:
            if not migration.at_head(engine):
                raise Failed("the database is not at the tables of this version: run `creditbank migrate` first")
            yield engine
        except NoResultFound:
            raise Failed("the database is damaged: it lacks a row that every bank has", INTEGRITY) from None
        except Damaged as error:
            raise Failed(f"the database is damaged: {error}", INTEGRITY) from None
        except DatabaseError as error:
            if not is_damage(error):
                raise
            raise Failed(f"the database is damaged: {reason(error)}", INTEGRITY) from None


def _of_existing_file(url: str) -> str:
    """The same database; of a file of SQLite in a form that never makes one. Raises Failed where there is none."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise Failed(f"the setting CREDITBANK_DATABASE_URL cannot be used: {error}") from None
    if parsed.get_backend_name() != "sqlite" or not parsed.database or "uri" in parsed.query:
        return url
    file = Path(parsed.database)
    if not file.is_file():
        raise Failed(f"there is no database {file}: set CREDITBANK_DATABASE_URL to that of the bank")
    if file.stat().st_size < LEAST_BYTES:
        raise Failed(f"the database {file} is damaged: it ends before its first page does", INTEGRITY)
    # Not mode=ro: several processes begin to read at the same moment behind the write lock, and who cannot write
    # leaves files of the write-ahead log behind.
    query = {**parsed.query, "mode": "rw", "uri": "true"}
    named = parsed.set(database=f"file:{quote(str(file.absolute()))}", query=query)
    return named.render_as_string(hide_password=False)


def processes(engine: Engine, wanted: int | None) -> int:
    """How many processes an audit takes: as many as are wanted, or as its history is worth."""
    if wanted is not None:
        return wanted
    with engine.connect() as connection, connection.begin():
        return crew.size_for(sum(log.heads(connection).values()))


def bound_keys(chosen: Settings, engine: Engine) -> KeyFiles:
    """The bank's own key files, made at the first start. Raises Failed where they belong to another bank."""
    try:
        keys = keyfiles.load(chosen.data_dir)
        with writing(engine) as connection:
            generations.bind(connection, keys)
    except ForeignKeys as error:
        raise Failed(f"{error}: set CREDITBANK_DATA_DIR to the directory of this bank") from None
    except OSError as error:
        raise Failed(f"the key files cannot be used: {error}") from None
    return keys


def check_erased_list(chosen: Settings) -> None:
    """Raises Failed where the list of erased accounts cannot be read."""
    try:
        ErasedList(chosen.data_dir).read()
    except (ListDamaged, OSError) as error:
        raise Failed(f"the list of erased accounts cannot be used: {error}") from None


def reason(error: Exception) -> str:
    """What the driver says, in one line."""
    said = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    return said.splitlines()[0] if said else type(error).__name__
