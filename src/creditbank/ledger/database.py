"""The one engine of a process: SQLite as a file, or PostgreSQL through psycopg 3."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from select import POLLIN, poll
from threading import Lock
from typing import Any

from psycopg.types.string import BytesBinaryDumper
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError, TimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from creditbank.ledger import trips
from creditbank.ledger.patience import PatientConnection

STATEMENT_TIMEOUT_MS = 8_000
LONG_STATEMENT_TIMEOUT_MS = 3_600_000
"""Of one statement: of a request, and of work that takes as long as history is long."""

IDLE_TIMEOUT_MS = 30_000
"""After which the server ends a transaction that asks for nothing, and gives its locks back."""

LOCK_TIMEOUT_MS = 5_000
BUSY_TIMEOUT_MS = 5_000
"""Who is kept waiting by a lock is told so in time to ask again: one queues behind another at most."""

CONNECT_TIMEOUT_SECONDS = 4
POOL_SIZE = 16
POOL_TIMEOUT_SECONDS = 5
UNANSWERED = {"keepalives_idle": 4, "keepalives_interval": 2, "keepalives_count": 2, "tcp_user_timeout": 5_000}
"""When a connection whose other end stays silent is given up, by the operating system: some seconds, not minutes."""

_POOLED = "pooled"
_TURN = "turn"


def open_engine(url: str, *, pool_size: int = POOL_SIZE) -> Engine:
    """An engine for `sqlite:///file` or `postgresql://…`. Nothing is connected yet."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(url, pool_size)
    if parsed.get_backend_name() != "postgresql":
        raise ValueError(f"the bank runs on SQLite and PostgreSQL, not on {parsed.get_backend_name()}")
    options = (
        f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS}"
        f" -c idle_in_transaction_session_timeout={IDLE_TIMEOUT_MS} -c timezone=UTC"
    )
    engine = create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        hide_parameters=True,
        connect_args={
            "options": options,
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "prepare_threshold": 1,
            **UNANSWERED,
        },
    )
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "checkin", _mark_as_pooled)
    event.listen(engine, "checkout", _renew_when_cut)
    trips.listen(engine)
    return engine


def _connect(_dialect: Any, _record: Any, arguments: Any, named: Any) -> PatientConnection:
    connection = PatientConnection.connect(*arguments, **named)
    connection.wait_for_statements_of(STATEMENT_TIMEOUT_MS)
    # Who is told the type alone, as COPY is, would take a dumper for bytes that is written in Python.
    connection.adapters.register_dumper(None, BytesBinaryDumper)
    return connection


def _mark_as_pooled(connection: Any, record: ConnectionPoolEntry) -> None:
    record.info[_POOLED] = True
    if connection is not None:
        connection.wait_for_statements_of(STATEMENT_TIMEOUT_MS)


def _renew_when_cut(connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
    """Put a new connection in the place of a pooled one that the server has closed, as after its restart.

    Between two transactions a server says nothing, unless it says farewell. To look costs no round trip.
    """
    if record.info.pop(_POOLED, False) and (connection.closed or _has_word(connection)):
        raise DisconnectionError("the server has closed the connection")


def _has_word(connection: Any) -> bool:
    watch = poll()
    watch.register(connection.fileno(), POLLIN)
    return bool(watch.poll(0))


def _sqlite(url: str, pool_size: int) -> Engine:
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        hide_parameters=True,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
        execution_options={_TURN: Lock()},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # The driver must not open transactions by itself: a reader that turns writer in mid-transaction fails.
        connection.isolation_level = None
        cursor = connection.cursor()
        # What is deleted is overwritten: of an erased person's key nothing stays in the file.
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
            "cache_size=-65536",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that will write: on SQLite it takes the write lock at once.

    Raises sqlalchemy's TimeoutError where it is not this thread's turn in time.
    """
    with _turn(engine), engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """On SQLite one thread of this process after the other: who waits for the file's own lock looks now and then
    whether it is free, and never finds it so beside a thread that takes it again and again.
    """
    turn: Lock | None = engine.get_execution_options().get(_TURN)
    if turn is None:
        yield
        return
    if not turn.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
        raise TimeoutError("another thread is writing")
    try:
        yield
    finally:
        turn.release()


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees the database as it stood at its first question, for however long it takes."""
    with engine.connect() as connection:
        if is_postgresql(connection):
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            allow_long_statements(connection)
            yield connection


def allow_long_statements(connection: Connection) -> None:
    """Give the statements of this transaction, and the pauses between them, the time of long work."""
    if is_postgresql(connection):
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {limit} = {LONG_STATEMENT_TIMEOUT_MS}")
        driver: Any = connection.connection.driver_connection
        driver.wait_for_statements_of(LONG_STATEMENT_TIMEOUT_MS)


def commit_lazily(connection: Connection) -> None:
    """Let this transaction's commit not wait for the disk, where what it did can be done again.

    On PostgreSQL the next commit that waits, of whatever transaction that wrote, makes it durable too.
    """
    if is_postgresql(connection):
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")


def is_postgresql(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"
