"""Many rows at once, by the fastest way each database has: binary COPY on PostgreSQL, executemany on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any

import psycopg
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Date,
    Dialect,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    any_,
    literal,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError

from creditbank.ledger.database import is_postgresql

_COPY_FROM = 50
"""Below this many rows the round trips of COPY cost more than they save."""

_POSTGRESQL_TYPES = {
    SmallInteger: "int2",
    BigInteger: "int8",
    Uuid: "uuid",
    Text: "text",
    LargeBinary: "bytea",
    Date: "date",
}


def insert(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows given as tuples in the order of the table's columns. Raises IntegrityError on a conflict."""
    if not rows:
        return
    if not is_postgresql(connection):
        connection.exec_driver_sql(_statement(table, "?"), _processed(table, connection.dialect, rows))
    elif len(rows) < _COPY_FROM:
        connection.exec_driver_sql(_statement(table, "%s"), list(rows))
    else:
        _copy(connection, table, rows)


def among(connection: Connection, column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """That a column holds one of many values; on PostgreSQL as one array, which no number of values makes slow."""
    if is_postgresql(connection):
        return column == any_(literal(list(values), ARRAY(column.type)))
    return column.in_(list(values))


@cache
def _statement(table: Table, marker: str) -> str:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    return f'INSERT INTO "{table.name}" ({columns}) VALUES ({", ".join([marker] * len(table.columns))})'


def _processed(table: Table, dialect: Dialect, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows as the driver takes them. Bytes, numbers and text go as they are."""
    processors: list[tuple[int, Callable[[Any], Any]]] = []
    for index, column in enumerate(table.columns):
        process: Callable[[Any], Any] | None = column.type.dialect_impl(dialect).bind_processor(dialect)
        if process is not None and not isinstance(column.type, LargeBinary):
            processors.append((index, process))
    ready = []
    for row in rows:
        values = list(row)
        for index, convert in processors:
            if values[index] is not None:
                values[index] = convert(values[index])
        ready.append(tuple(values))
    return ready


def _copy(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    command = f'COPY "{table.name}" ({columns}) FROM STDIN (FORMAT BINARY)'
    cursor = connection.connection.cursor()
    try:
        with cursor.copy(command) as copy:
            copy.set_types([_POSTGRESQL_TYPES[type(column.type)] for column in table.columns])
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(
            command, None, error, psycopg.Error, connection_invalidated=cursor.connection.closed
        ) from error
