"""Many rows into one table by the fastest way the database has: COPY on PostgreSQL, executemany elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import psycopg
from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.exc import DBAPIError

from creditbank.ledger.database import is_postgresql

_COPY_FROM = 50
"""Below this many rows the round trips of COPY cost more than they save."""


@cache
def _statement(table: Table, marker: str) -> str:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    return f'INSERT INTO "{table.name}" ({columns}) VALUES ({", ".join([marker] * len(table.columns))})'


def _processors(table: Table, dialect: Dialect) -> list[Callable[[Any], Any] | None]:
    return [column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.columns]


def insert(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows given as tuples in the order of the table's columns. Raises IntegrityError on a conflict."""
    if not rows:
        return
    processors = _processors(table, connection.dialect)
    if any(processors):
        rows = [
            tuple(
                value if process is None or value is None else process(value)
                for process, value in zip(processors, row, strict=True)
            )
            for row in rows
        ]
    if is_postgresql(connection) and len(rows) >= _COPY_FROM:
        _copy(connection, table, rows)
    else:
        marker = "%s" if is_postgresql(connection) else "?"
        connection.exec_driver_sql(_statement(table, marker), list(rows))


def _copy(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    cursor = connection.connection.cursor()
    command = f'COPY "{table.name}" ({columns}) FROM STDIN'
    try:
        with cursor.copy(command) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(
            command, None, error, psycopg.Error, connection_invalidated=cursor.connection.closed
        ) from error
