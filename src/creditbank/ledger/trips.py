"""Statements past SQLAlchemy to PostgreSQL, several in one trip where they can go together.

SQLAlchemy takes as long for a statement as the driver does, and asks for a description right after each one, so that
nothing can be sent behind it. Here a statement that answers nothing waits until the next one that does, or until
somebody else speaks to the database: then all of them go in their order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from creditbank.ledger import pipeline
from creditbank.ledger.pipeline import Statement

_WAITING = "waiting"


def listen(engine: Engine) -> None:
    """Let what waits go before any statement of this engine that does not come by way of this module."""
    event.listen(engine, "before_cursor_execute", _let_go)


def _let_go(connection: Connection, cursor: Any, *_: Any) -> None:
    if cursor is not None:
        send(connection)


@contextmanager
def together(connection: Connection) -> Iterator[None]:
    """In here, statements that answer nothing may wait for others. Raises what they raise, at the end at the latest."""
    connection.info[_WAITING] = []
    try:
        yield
        send(connection)
    finally:
        connection.info[_WAITING] = None


def tell(connection: Connection, statement: Statement) -> None:
    """Run a statement that answers nothing: now, or with the others where they go together."""
    waiting = connection.info.get(_WAITING)
    if waiting is None:
        _run(connection, [statement])
    else:
        waiting.append(statement)


def ask(connection: Connection, statement: Statement) -> Sequence[Any]:
    """The rows that a statement answers with, behind whatever waits. Their values have the names of the columns."""
    waiting = connection.info.get(_WAITING) or []
    rows = _run(connection, [*waiting, statement])
    waiting.clear()
    return rows


def send(connection: Connection) -> None:
    """Let go what waits."""
    if waiting := connection.info.get(_WAITING):
        connection.info[_WAITING] = []
        _run(connection, waiting)


def _run(connection: Connection, statements: Sequence[Statement]) -> Sequence[Any]:
    driver: Any = connection.connection.driver_connection
    for text, values in statements:
        # Whoever listens to the engine hears of these as of all others, without a cursor.
        for hear in connection.dispatch.before_cursor_execute:
            hear(connection, None, text, values, None, False)
    try:
        return pipeline.run(driver, statements)
    except psycopg.Error as error:
        raise failure(connection, statements[-1][0], error) from error


def failure(connection: Connection, statement: str, error: psycopg.Error) -> DBAPIError:
    """What SQLAlchemy would have raised. A connection that is lost goes back to no pool."""
    is_lost: bool = connection.connection.driver_connection.closed  # type: ignore[union-attr]  # it is psycopg's
    if is_lost:
        connection.invalidate(error)
    raised = DBAPIError.instance(
        statement, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=is_lost
    )
    assert isinstance(raised, DBAPIError)
    return raised


def written(rows: Sequence[tuple[Any, ...]]) -> str:
    """Rows as one JSON text, bytes in hexadecimal digits: of all ways to pass several the cheapest below some forty."""
    return _write(rows)


def _plain(value: UUID | date | bytes) -> str:
    return value.isoformat() if isinstance(value, date) else value.hex if isinstance(value, UUID) else value.hex()


_write = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), default=_plain).encode
