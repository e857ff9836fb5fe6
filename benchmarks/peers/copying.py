"""How fast rows can be had into and out of PostgreSQL at all: binary COPY, and a plain cursor."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

CREATE = """
CREATE TABLE IF NOT EXISTS event (
    partition_id smallint, position bigint, stream_id uuid, version bigint, recorded_at bigint, causation uuid,
    actor text, approved_by text, type text, body bytea, PRIMARY KEY (partition_id, position))
"""
TYPES = ("int2", "int8", "uuid", "int8", "int8", "uuid", "text", "text", "text", "bytea")


def events_per_second(database_url: str, events: Sequence[tuple[Any, ...]], per_commit: int) -> float:
    """COPY events as creditbank stores them into one empty table, so many per transaction."""
    with psycopg.connect(database_url) as connection:
        connection.execute(CREATE)
        connection.execute("TRUNCATE event")
        connection.commit()
        started = time.perf_counter()
        for first in range(0, len(events), per_commit):
            with connection.cursor().copy("COPY event FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(TYPES)
                for event in events[first : first + per_commit]:
                    copy.write_row(event)
            connection.commit()
        return len(events) / (time.perf_counter() - started)


def dump(database_url: str, tables: Sequence[str], directory: Path) -> None:
    """Write the rows of tables to files, as COPY takes them, and make empty tables of the same shape beside them."""
    with psycopg.connect(database_url) as connection:
        connection.execute("DROP SCHEMA IF EXISTS peer CASCADE")
        connection.execute("CREATE SCHEMA peer")
        for table in tables:
            connection.execute(f"CREATE TABLE peer.{table} (LIKE public.{table} INCLUDING ALL)".encode())
            with (
                (directory / table).open("wb") as file,
                connection.cursor().copy(f"COPY {table} TO STDOUT (FORMAT BINARY)".encode()) as copy,
            ):
                for piece in copy:
                    file.write(piece)


def empty(database_url: str, tables: Sequence[str]) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(f"TRUNCATE {', '.join(tables)}".encode())


def read_and_restore(database_url: str, tables: Sequence[str], directory: Path) -> int:
    """Read all events by a plain cursor, do nothing with them, and COPY the dumped rows into their emptied tables."""
    empty(database_url, [f"peer.{table}" for table in tables])
    with psycopg.connect(database_url) as connection:
        with connection.cursor(name="events") as cursor:
            cursor.itersize = 1_000
            cursor.execute("SELECT * FROM event ORDER BY partition_id, position")
            events = sum(1 for _ in cursor)
        for table in tables:
            with (
                (directory / table).open("rb") as file,
                connection.cursor().copy(f"COPY peer.{table} FROM STDIN (FORMAT BINARY)".encode()) as copy,
            ):
                while piece := file.read(1 << 17):
                    copy.write(piece)
    return events
