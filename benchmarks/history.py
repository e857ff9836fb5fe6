"""Much history in little time: a learner and a certificate as creditbank wrote them, again and again under new ids.

Rows go in by binary COPY, with gapless positions, in the order in which a bank would have written them. Whatever
the tables come to hold, the copies hold too. PostgreSQL only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import uuid_utils.compat as uuids
from psycopg import Connection

from benchmarks import bank, people, server
from benchmarks.settings import Settings
from creditbank.domain.values import partition_of

LEARNERS = 500_000  # a million events, as the targets say
QUICK_LEARNERS = 5_000
EVENTS = 2  # of a learner: the account is opened, the certificate awarded
PAGE = 5_000  # learners in a transaction
SAMPLE = 9_999_999  # the index of the learner who is copied; nobody else in a benchmark has it


@dataclass(frozen=True, slots=True)
class Copy:
    """The ids and the number of one more learner and certificate."""

    account_id: UUID
    certificate_id: UUID
    blind_index: bytes
    number: str


@dataclass(frozen=True, slots=True)
class _Rows:
    """The sample's rows in one table, with where each one's values change from copy to copy."""

    table: str
    columns: tuple[str, ...]
    types: tuple[int, ...]
    rows: Sequence[tuple[Any, ...]]

    @property
    def command(self) -> str:
        return f"COPY {self.table} ({', '.join(self.columns)}) FROM STDIN (FORMAT BINARY)"

    @property
    def key(self) -> str:
        """The column whose value says in which partition a row stands."""
        keys = {"event": "stream_id", "certificate_claim": "certificate_id", "person_claim": "blind_index"}
        return keys.get(self.table, "account_id")


def learners(settings: Settings) -> int:
    """How many an audit of a whole history goes through."""
    return QUICK_LEARNERS if settings.quick else LEARNERS


def filled(database_url: str, directory: Path, learners: int) -> bank.Keys:
    """Make a bank with so many learners, a certificate each, all published. Its server has ended."""
    with server.product(database_url, directory) as (serving, authority), closing(bank.Bank(serving.address)) as caller:
        keys = bank.prepare(caller, authority)
        sample = caller.post("/v1/certificates", keys.issuer, people.award(SAMPLE))
    _fill(database_url, UUID(sample["account_id"]), learners)
    server.command(database_url, directory, "publish", "--once")
    return keys


def _fill(database_url: str, sample: UUID, learners: int) -> None:
    """Copy the account `sample` and its certificate for so many more learners, and let the database settle."""
    with psycopg.connect(database_url) as connection:
        tables = _sampled(connection, sample)
        certificate_id, number = _certificate(connection, sample)
        while learners > 0:
            _copy_page(connection, tables, (certificate_id, number), min(learners, PAGE))
            connection.commit()
            learners -= PAGE
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _certificate(connection: Connection[Any], sample: UUID) -> tuple[UUID, str]:
    row = connection.execute("SELECT certificate_id, number FROM lot WHERE account_id = %s", (sample,)).fetchone()
    assert row is not None
    return row[0], row[1]


def _sampled(connection: Connection[Any], sample: UUID) -> list[_Rows]:
    return [
        _rows(connection, table, f"{column} = %s ORDER BY {order}", sample)
        for table, column, order in (
            ("person", "account_id", "1"),
            ("person_claim", "account_id", "1"),
            ("certificate_claim", "account_id", "1"),
            ("event", "stream_id", "version"),
            ("account", "account_id", "1"),
            ("lot", "account_id", "1"),
        )
    ]


def _rows(connection: Connection[Any], table: str, condition: str, sample: UUID) -> _Rows:
    cursor = connection.execute(f"SELECT * FROM {table} WHERE {condition}".encode(), (sample,))
    described = cursor.description or ()
    names, types = (tuple(getattr(column, what) for column in described) for what in ("name", "type_code"))
    return _Rows(table, names, types, cursor.fetchall())


def _copy_page(connection: Connection[Any], tables: Sequence[_Rows], certificate: tuple[UUID, str], count: int) -> None:
    copies = [
        Copy(uuids.uuid7(), UUID(bytes=os.urandom(16)), os.urandom(32), os.urandom(7).hex()[:13]) for _ in range(count)
    ]
    heads = dict(connection.execute("SELECT partition_id, head FROM log_partition").fetchall())
    before = dict(heads)
    for one in tables:
        with connection.cursor().copy(one.command.encode()) as copy:
            copy.set_types(one.types)
            for row in _copied(one, copies, certificate, heads):
                copy.write_row(row)
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE log_partition SET head = %s, recorded_at = %s WHERE partition_id = %s",
            [(head, _recorded_at(tables), partition) for partition, head in heads.items() if head != before[partition]],
        )


def _copied(
    table: _Rows, copies: Iterable[Copy], certificate: tuple[UUID, str], heads: dict[int, int]
) -> Iterable[tuple[Any, ...]]:
    certificate_id, number = (str(value).encode() for value in certificate)
    changes: dict[str, Callable[[Copy, Any], Any]] = {
        "account_id": lambda copy, _: copy.account_id,
        "stream_id": lambda copy, _: copy.account_id,
        "certificate_id": lambda copy, _: copy.certificate_id,
        "blind_index": lambda copy, _: copy.blind_index,
        "number": lambda copy, _: copy.number,
        "body": lambda copy, body: body.replace(certificate_id, str(copy.certificate_id).encode()).replace(
            number, copy.number.encode()
        ),
    }
    own = [(index, changes[name]) for index, name in enumerate(table.columns) if name in changes]
    key, partition_at = table.columns.index(table.key), table.columns.index("partition_id")
    position_at = table.columns.index("position") if table.table == "event" else None
    for copy in copies:
        for row in table.rows:
            values = list(row)
            for index, change in own:
                values[index] = change(copy, values[index])
            partition = values[partition_at] = partition_of(values[key])
            if position_at is not None:
                values[position_at] = heads[partition] = heads[partition] + 1
            yield tuple(values)


def _recorded_at(tables: Sequence[_Rows]) -> int:
    """The ledger time of the sample's events, which were recorded at once."""
    (events,) = (one for one in tables if one.table == "event")
    latest: int = max(row[events.columns.index("recorded_at")] for row in events.rows)
    return latest
