"""One moment of the database for several processes: each reads what the others read, whatever is written meanwhile.

PostgreSQL hands a snapshot on by its name. SQLite cannot: there the write lock is held for as long as it takes
all of them, which are connected and ready, to begin to read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext

from sqlalchemy import Connection, Engine

from creditbank.ledger.database import allow_long_statements, is_postgresql, snapshot, writing


@contextmanager
def standing_still(engine: Engine) -> Iterator[tuple[Connection, ExitStack, str]]:
    """A snapshot, what to close once all others have joined it, and the name by which they do."""
    with ExitStack() as lock, ExitStack() as stack:
        is_sqlite = engine.dialect.name == "sqlite"
        lock.enter_context(writing(engine) if is_sqlite else nullcontext())
        connection = stack.enter_context(snapshot(engine))
        name = ""
        if is_sqlite:
            _begin_to_read(connection)
        else:
            name = str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one())
        yield connection, lock, name


@contextmanager
def joined(engine: Engine, name: str) -> Iterator[Connection]:
    """The snapshot of this name, in another process; nothing can be written through it."""
    with engine.connect() as connection:
        if not is_postgresql(connection):
            connection.exec_driver_sql("PRAGMA query_only = ON")
            connection.rollback()
            with connection.begin():
                _begin_to_read(connection)
                yield connection
            return
        connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            quoted = name.replace("'", "''")
            connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{quoted}'")
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            allow_long_statements(connection)
            yield connection


def _begin_to_read(connection: Connection) -> None:
    connection.exec_driver_sql("SELECT head FROM log_partition LIMIT 1").all()
