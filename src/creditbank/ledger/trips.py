"""Statements past SQLAlchemy to PostgreSQL, several in one trip where they can go together.

SQLAlchemy takes as long for a statement as the driver does, and asks for a description right after each one, so that
nothing can be sent behind it. Here a statement waits until somebody wants the answer to it or to one behind it, or
speaks to the database otherwise: then all that wait go in their order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from creditbank.ledger import pipeline
from creditbank.ledger.pipeline import Statement

_WAITING = "waiting"
_TOGETHER = "together"


@dataclass(slots=True)
class _Sent:
    """A statement that waits, and its rows when it has gone."""

    statement: Statement
    rows: Sequence[Any] | None = None


def listen(engine: Engine) -> None:
    """Let what waits go before any statement of this engine that does not come by way of this module.

    What still waits when a transaction ends goes with it.
    """
    event.listen(engine, "before_cursor_execute", _let_go)
    event.listen(engine, "begin", _forget)


def _let_go(connection: Connection, cursor: Any, *_: Any) -> None:
    if cursor is not None:
        send(connection)


def _forget(connection: Connection) -> None:
    connection.info[_WAITING] = []


@contextmanager
def together(connection: Connection) -> Iterator[None]:
    """In here, statements that answer nothing may wait for others. Raises what they raise, at the end at the latest."""
    connection.info[_TOGETHER] = True
    try:
        yield
        send(connection)
    finally:
        if not connection.invalidated:  # one that is lost takes with it what it bore
            connection.info[_TOGETHER] = False


def tell(connection: Connection, statement: Statement) -> None:
    """Run a statement that answers nothing: now, or with the others where they go together."""
    connection.info[_WAITING].append(_Sent(statement))
    if not connection.info.get(_TOGETHER):
        send(connection)


def later(connection: Connection, statement: Statement) -> Callable[[], Sequence[Any]]:
    """Ask with whatever goes next: calling what comes back gives the rows. Their values have the names of the columns.

    It has to be called in the transaction in which it was asked.
    """
    asked = _Sent(statement)
    connection.info[_WAITING].append(asked)

    def rows() -> Sequence[Any]:
        if asked.rows is None:
            send(connection)
        assert asked.rows is not None
        return asked.rows

    return rows


def send(connection: Connection) -> None:
    """Let go what waits, in one trip."""
    if waiting := connection.info.get(_WAITING):
        connection.info[_WAITING] = []
        found = _run(connection, [one.statement for one in waiting])
        for one, rows in zip(waiting, found, strict=True):
            one.rows = rows


def _run(connection: Connection, statements: Sequence[Statement]) -> list[Sequence[Any]]:
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
