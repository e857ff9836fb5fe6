"""Many rows at once, by the fastest way each database has: binary COPY on PostgreSQL, executemany on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    Dialect,
    LargeBinary,
    Row,
    Select,
    SmallInteger,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import UserDefinedType

from creditbank.ledger.database import is_postgresql

_COPY_FROM = 4
"""Below this many rows the start of a COPY costs more than it saves."""

_POSTGRESQL_TYPES = {
    SmallInteger: "int2",
    BigInteger: "int8",
    Uuid: "uuid",
    Text: "text",
    LargeBinary: "bytea",
    Date: "date",
}


def insert(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows given as tuples in the order of the table's columns. Raises IntegrityError on a conflict.

    A column's ids may come as their 16 bytes, in all rows that are inserted together.
    """
    if not rows:
        return
    if not is_postgresql(connection):
        connection.exec_driver_sql(_statement(table, "?"), _processed(table, connection.dialect, rows))
    elif len(rows) < _COPY_FROM and not _has_bare_ids(table, rows[0]):
        connection.exec_driver_sql(_statement(table, "%s"), list(rows))
    else:
        _copy(connection, table, rows)


class _Listed(UserDefinedType[str]):
    """An array of ids or of bytes, as text: the driver would make the same of it, one by one, at ten times the cost.

    It has to be the parameter's own type. What is cast from text is cast again for every row of a table that the
    server has not learned to look up by its index yet.
    """

    cache_ok = True
    render_bind_cast = True

    def __init__(self, of: str) -> None:
        self.of = of

    def get_col_spec(self, **_: Any) -> str:
        return f"{self.of}[]"


class Lookup:
    """A query for the rows in which a column holds one of many values.

    Built once, since building a statement costs more than answering it. On PostgreSQL the values are one array,
    so that the server prepares one statement, whatever their number. Further parameters go by name.
    """

    def __init__(self, statement: Select[Any], column: Column[Any]) -> None:
        self._of_ids = isinstance(column.type, Uuid)
        self._of_bytes = isinstance(column.type, LargeBinary)
        listed = _Listed("UUID") if self._of_ids else _Listed("BYTEA") if self._of_bytes else ARRAY(column.type)
        given = bindparam("values", type_=listed)
        self._by_array = statement.where(column == any_(given))
        self._by_list = statement.where(column.in_(bindparam("values", expanding=True)))

    def rows(self, connection: Connection, values: Collection[Any], **parameters: Any) -> Sequence[Row[Any]]:
        if not is_postgresql(connection):
            listed = [UUID(bytes=value) if self._of_ids and isinstance(value, bytes) else value for value in values]
            return connection.execute(self._by_list, {"values": listed, **parameters}).all()
        return connection.execute(self._by_array, {"values": self._given(values), **parameters}).all()

    def _given(self, values: Collection[Any]) -> str | list[Any]:
        if self._of_ids:
            return f"{{{','.join(map(_hex, values))}}}"
        if self._of_bytes:
            return "{" + ",".join([f'"\\\\x{value.hex()}"' for value in values]) + "}"
        return list(values)


def _hex(value: UUID | bytes) -> str:
    return value.hex() if isinstance(value, bytes) else value.hex


@cache
def _statement(table: Table, marker: str) -> str:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    return f'INSERT INTO "{table.name}" ({columns}) VALUES ({", ".join([marker] * len(table.columns))})'


def _processed(table: Table, dialect: Dialect, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows as the driver takes them. Bytes, numbers and text go as they are."""
    processors: list[tuple[int, Callable[[Any], Any]]] = []
    for index, column in enumerate(table.columns):
        process: Callable[[Any], Any] | None = column.type.dialect_impl(dialect).bind_processor(dialect)
        if isinstance(column.type, Uuid):
            process = _hex
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


def _has_bare_ids(table: Table, row: tuple[Any, ...]) -> bool:
    # To COPY sixteen bytes are sixteen bytes; anything else asks of which type they are.
    values = zip(table.columns, row, strict=True)
    return any(isinstance(value, bytes) and isinstance(column.type, Uuid) for column, value in values)


def _type(column: Column[Any], value: Any) -> str:
    # What is bytes goes as it is, whatever its column makes of it.
    return "bytea" if isinstance(value, bytes) else _POSTGRESQL_TYPES[type(column.type)]


def _copy(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    command = f'COPY "{table.name}" ({columns}) FROM STDIN (FORMAT BINARY)'
    cursor = connection.connection.cursor()
    try:
        with cursor.copy(command) as copy:
            copy.set_types([_type(column, value) for column, value in zip(table.columns, rows[0], strict=True)])
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(
            command, None, error, psycopg.Error, connection_invalidated=cursor.connection.closed
        ) from error
