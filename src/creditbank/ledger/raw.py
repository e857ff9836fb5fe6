"""Whole rows as the database keeps them, range by range of ids: for an audit, which reads all that there is.

An id is 16 bytes on PostgreSQL and 32 hexadecimal digits on SQLite, and a day is a date or its text. To make objects
of both costs more than to read the rows, and rows that are right are compared and not looked at any further.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from psycopg.types.string import ByteaBinaryLoader
from sqlalchemy import Connection, Date, Table, Uuid
from sqlalchemy.exc import DBAPIError

from creditbank.ledger.database import is_postgresql

PAGE = 2_000
"""About how many events a range holds; the last stream in it is there to its end."""

_VALUES = 5_000
"""Most values in one question."""

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Range:
    """The ids behind one of them up to another one, that one included; None is without an end."""

    after: UUID | None = None
    upto: UUID | None = None


class RawReader:
    """Reads through one connection, and makes raw rows of others."""

    def __init__(self, connection: Connection) -> None:
        self._is_postgresql = is_postgresql(connection)
        driver: Any = connection.connection.driver_connection
        self._error: type[Exception] = connection.dialect.loaded_dbapi.Error
        if self._is_postgresql:
            self._cursor = driver.cursor(binary=True)
            self._cursor.adapters.register_loader("uuid", ByteaBinaryLoader)
            self._mark, self._raw_id = "%s", _bytes
        else:
            self._cursor, self._mark, self._raw_id = driver.cursor(), "?", _hex

    def within(self, table: Table, key: str, among: Range, order: str = "") -> Rows:
        """The rows of a table whose key lies in a range."""
        bounds = {">": among.after, "<=": among.upto}
        given = {sign: bound for sign, bound in bounds.items() if bound is not None}
        condition = " AND ".join(f'"{key}" {sign} {self._mark}' for sign in given) or "1 = 1"
        ordered = f" ORDER BY {order}" if order else ""
        return self._rows(f"{_select(table)} WHERE {condition}{ordered}", [self._sent(one) for one in given.values()])

    def among(self, table: Table, key: str, values: Collection[UUID]) -> Rows:
        """The rows of a table with one of these keys."""
        asked, found = list(values), Rows()
        for start in range(0, len(asked), _VALUES):
            part = asked[start : start + _VALUES]
            if self._is_postgresql:
                ids = f"{{{','.join([value.hex for value in part])}}}"
                found += self._rows(f'{_select(table)} WHERE "{key}" = ANY(%s::uuid[])', [ids])
            else:
                marks = ", ".join("?" * len(part))
                found += self._rows(f'{_select(table)} WHERE "{key}" IN ({marks})', [value.hex for value in part])
        return found

    def next_bound(self, table: Table, key: str, after: UUID | None, count: int) -> UUID | None:
        """The key of the row that stands so many rows behind an id; None where there are fewer."""
        condition, values = ("1 = 1", []) if after is None else (f'"{key}" > {self._mark}', [self._sent(after)])
        statement = f'SELECT "{key}" FROM "{table.name}" WHERE {condition} ORDER BY "{key}" LIMIT 1 OFFSET {count - 1}'
        rows = self._rows(statement, values)
        return self.uuid_of(rows[0][0]) if rows else None

    def made(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> Rows:
        """Rows of objects, as they would be read."""
        converters: list[tuple[int, Callable[[Any], Any]]] = [(at, self._raw_id) for at in _columns(table, Uuid)]
        if not self._is_postgresql:
            converters += [(at, date.isoformat) for at in _columns(table, Date)]
        ready = []
        for row in rows:
            values = list(row)
            for at, convert in converters:
                if values[at] is not None:
                    values[at] = convert(values[at])
            ready.append(tuple(values))
        return ready

    def id_of(self, value: UUID) -> Any:
        """An id as it would be read."""
        return self._raw_id(value)

    def uuid_of(self, raw: Any) -> UUID:
        return UUID(bytes=raw) if self._is_postgresql else UUID(raw)

    def bytes_of(self, raw: Any) -> bytes:
        """The 16 bytes of an id."""
        return bytes(raw) if self._is_postgresql else bytes.fromhex(raw)

    def text_of(self, raw: Any) -> str:
        """An id as the outside writes it."""
        digits = raw.hex() if self._is_postgresql else raw
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def _sent(self, value: UUID) -> object:
        return value if self._is_postgresql else value.hex

    def _rows(self, statement: str, values: list[Any]) -> Rows:
        try:
            rows: Rows = self._cursor.execute(statement, values).fetchall()
        except self._error as error:
            raise DBAPIError.instance(statement, None, error, self._error) from error
        return rows


def ranges(reader: RawReader, table: Table, key: str) -> Iterator[Range]:
    """All ids there can be, in ranges of about as many rows each."""
    after: UUID | None = None
    while (upto := reader.next_bound(table, key, after, PAGE)) is not None:
        yield Range(after, upto)
        after = upto
    yield Range(after, None)


def _bytes(value: UUID) -> Any:
    return value.int.to_bytes(16, "big")


def _hex(value: UUID) -> Any:
    return value.hex


@cache
def _select(table: Table) -> str:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    return f'SELECT {columns} FROM "{table.name}"'


@cache
def _columns(table: Table, kind: type[Any]) -> list[int]:
    return [at for at, column in enumerate(table.columns) if isinstance(column.type, kind)]
