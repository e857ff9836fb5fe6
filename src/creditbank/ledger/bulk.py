"""Many rows at once, by the fastest way each database has.

On PostgreSQL binary COPY, or where they are fewer one JSON text; on SQLite executemany.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
    Select,
    SmallInteger,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.types import UserDefinedType

from creditbank.ledger import trips
from creditbank.ledger.database import is_postgresql

_COPY_FROM = 80
"""Below this many rows a COPY, which wants trips of its own, costs more than it saves."""

_POSTGRESQL_TYPES = {
    SmallInteger: "int2",
    BigInteger: "int8",
    Uuid: "uuid",
    Text: "text",
    LargeBinary: "bytea",
    Date: "date",
}


def insert(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows given as tuples in the order of the table's columns.

    A column's ids may come as their 16 bytes, in all rows that are inserted together. Raises IntegrityError on a
    conflict; where statements go together, perhaps not before the next one.
    """
    if not rows:
        return
    if not is_postgresql(connection):
        connection.exec_driver_sql(_statement(table), _processed(table.columns, connection.dialect, rows))
    elif len(rows) < _COPY_FROM:
        trips.tell(connection, (_statement_of_json(table), [trips.written(rows)]))
    else:
        trips.send(connection)
        _copy(connection, table, rows)


class Update:
    """Changes rows that are found by some columns: given as tuples of these, and then of what is set."""

    def __init__(self, table: Table, found_by: Sequence[Column[Any]], values: Sequence[Column[Any]]) -> None:
        self._columns = [*found_by, *values]
        name, count = table.name, len(found_by)
        numbered = list(enumerate(self._columns))
        changes = ", ".join(f'"{column.name}" = {{}}' for column in values)
        condition = " AND ".join(f'"{name}"."{column.name}" = {{}}' for column in found_by)
        from_json = [_from_json(index, column) for index, column in numbered]
        json_changes, json_condition = changes.format(*from_json[count:]), condition.format(*from_json[:count])
        self._of_json = f'UPDATE "{name}" SET {json_changes} FROM {_ROWS} WHERE {json_condition}'
        of_row = [f"?{index + 1}" for index, _ in numbered]
        self._of_row = (
            f'UPDATE "{name}" SET {changes.format(*of_row[count:])} WHERE {condition.format(*of_row[:count])}'
        )

    def apply(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Change the rows; of several for the same one, none."""
        if not rows:
            return
        if is_postgresql(connection):
            trips.tell(connection, (self._of_json, [trips.written(rows)]))
        else:
            connection.exec_driver_sql(self._of_row, _processed(self._columns, connection.dialect, rows))


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


class Query:
    """A query that is asked again and again: made ready once, and past SQLAlchemy where that is the faster way."""

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
        self._text = ""
        self._names: Sequence[str] = ()
        self._values: Mapping[str, Any] = {}

    def rows(self, connection: Connection, **parameters: Any) -> Sequence[Any]:
        """The rows, whose values have the names of their columns."""
        return self.later(connection, **parameters)()

    def later(self, connection: Connection, **parameters: Any) -> Callable[[], Sequence[Any]]:
        """Asks together with others: gives the rows when it is called, in the same transaction."""
        if not is_postgresql(connection):
            return _known(connection.execute(self._statement, parameters).all())
        if not self._text:
            compiled = self._statement.compile(dialect=_NUMBERED)
            self._names, self._values = compiled.positiontup or (), compiled.params
            self._text = str(compiled)
        values = {**self._values, **parameters}
        return trips.later(connection, (self._text, [values[name] for name in self._names]))


class Lookup:
    """A query for the rows in which a column holds one of many values.

    Built once, since building a statement costs more than answering it. On PostgreSQL the values are one array,
    so that the server prepares one statement, whatever their number. Further parameters go by name.
    """

    def __init__(self, statement: Select[Any], column: Column[Any]) -> None:
        self._of_ids = isinstance(column.type, Uuid)
        self._of_bytes = isinstance(column.type, LargeBinary)
        listed = _Listed("UUID") if self._of_ids else _Listed("BYTEA") if self._of_bytes else ARRAY(column.type)
        self._by_array = Query(statement.where(column == any_(bindparam("values", type_=listed))))
        self._by_list = statement.where(column.in_(bindparam("values", expanding=True)))

    def rows(self, connection: Connection, values: Collection[Any], **parameters: Any) -> Sequence[Any]:
        """The rows, whose values have the names of their columns."""
        return self.later(connection, values, **parameters)()

    def later(self, connection: Connection, values: Collection[Any], **parameters: Any) -> Callable[[], Sequence[Any]]:
        """Asks together with others: gives the rows when it is called, in the same transaction."""
        if not is_postgresql(connection):
            listed = [UUID(bytes=value) if self._of_ids and isinstance(value, bytes) else value for value in values]
            return _known(connection.execute(self._by_list, {"values": listed, **parameters}).all())
        return self._by_array.later(connection, values=self._given(values), **parameters)

    def _given(self, values: Collection[Any]) -> str | list[Any]:
        if self._of_ids:
            return f"{{{','.join(map(_hex, values))}}}"
        if self._of_bytes:
            return "{" + ",".join([f'"\\\\x{value.hex()}"' for value in values]) + "}"
        return list(values)


def _known(rows: Sequence[Any]) -> Callable[[], Sequence[Any]]:
    # Fetched at once: a cursor that is left open on SQLite locks the file.
    return lambda: rows


def _hex(value: UUID | bytes) -> str:
    return value.hex() if isinstance(value, bytes) else value.hex


_NUMBERED: Dialect = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_ROWS = "jsonb_array_elements($1::jsonb) AS given"


def _from_json(index: int, column: Column[Any]) -> str:
    """A column's value in a row of a JSON text, as `trips.written` makes it."""
    kind = _POSTGRESQL_TYPES[type(column.type)]
    return f"decode(given->>{index}, 'hex')" if kind == "bytea" else f"(given->>{index})::{kind}"


@cache
def _statement_of_json(table: Table) -> str:
    values = ", ".join(_from_json(index, column) for index, column in enumerate(table.columns))
    return f'INSERT INTO "{table.name}" ({_names(table)}) SELECT {values} FROM {_ROWS}'


@cache
def _statement(table: Table) -> str:
    return f'INSERT INTO "{table.name}" ({_names(table)}) VALUES ({", ".join("?" * len(table.columns))})'


def _names(table: Table) -> str:
    return ", ".join(f'"{column.name}"' for column in table.columns)


def _processed(
    columns: Iterable[Column[Any]], dialect: Dialect, rows: Sequence[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """The rows as the driver takes them. Bytes, numbers and text go as they are."""
    processors: list[tuple[int, Callable[[Any], Any]]] = []
    for index, column in enumerate(columns):
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


def _type(column: Column[Any], value: Any) -> str:
    # What is bytes goes as it is, whatever its column makes of it.
    return "bytea" if isinstance(value, bytes) else _POSTGRESQL_TYPES[type(column.type)]


def _copy(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    command = f'COPY "{table.name}" ({_names(table)}) FROM STDIN (FORMAT BINARY)'
    cursor = connection.connection.cursor()
    try:
        with cursor.copy(command) as copy:
            copy.set_types([_type(column, value) for column, value in zip(table.columns, rows[0], strict=True)])
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise trips.failure(connection, command, error) from error
