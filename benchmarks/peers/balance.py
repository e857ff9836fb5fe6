"""The balance row of the bare read handlers: the figures of creditbank's answer, ready in one row per account."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from decimal import Decimal
from uuid import UUID

import psycopg
from pydantic import BaseModel

CREATE = """
CREATE TABLE balance (
    account_id {id} PRIMARY KEY, version integer NOT NULL, earned {number} NOT NULL, used {number} NOT NULL,
    reserved {number} NOT NULL, available {number} NOT NULL, expired {number} NOT NULL, held {number} NOT NULL,
    certificates integer NOT NULL)
"""


class Balance(BaseModel):
    account_id: UUID
    version: int
    earned: Decimal
    used: Decimal
    reserved: Decimal
    available: Decimal
    expired: Decimal
    held: Decimal
    certificates: int


def fill(database_url: str, account_ids: Sequence[str], credits: str) -> None:
    """Make the table and give every account one certificate's credits."""
    if database_url.startswith("sqlite"):
        _fill_sqlite(database_url.removeprefix("sqlite:///"), account_ids, credits)
        return
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute(CREATE.format(id="uuid", number="numeric(12, 4)"))
        with cursor.copy("COPY balance FROM STDIN") as copy:
            for row in _rows(account_ids, credits):
                copy.write_row(row)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE balance")


def _fill_sqlite(path: str, account_ids: Sequence[str], credits: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    with connection:
        connection.execute(CREATE.format(id="text", number="text"))
        connection.executemany("INSERT INTO balance VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", _rows(account_ids, credits))
    connection.close()


def _rows(account_ids: Sequence[str], credits: str) -> Iterator[tuple[str | int, ...]]:
    return ((account_id, 2, credits, "0", "0", credits, "0", "0", 1) for account_id in account_ids)
