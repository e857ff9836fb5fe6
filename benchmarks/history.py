"""Much history in little time: a learner and a certificate as creditbank wrote them, again and again under new ids.

The database makes the copies by itself, with gapless positions, in the order in which a bank would have written
them. Whatever the tables come to hold, the copies hold too. PostgreSQL 18 or later.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from benchmarks import bank, people, server
from benchmarks.databases import Store, opened
from benchmarks.settings import Database, Settings
from creditbank.domain.values import PARTITIONS

LEARNERS = 500_000  # a million events, as the targets say
QUICK_LEARNERS = 5_000
EVENTS = 2  # of a learner: the account is opened, the certificate awarded
PAGE = 50_000  # learners in a transaction
SAMPLE = 9_999_999  # the index of the learner who is copied; nobody else in a benchmark has it

KEYS = {
    "person": "account_id",
    "person_claim": "blind_index",
    "certificate_claim": "certificate_id",
    "event": "stream_id",
    "account": "account_id",
    "lot": "account_id",
}
"""The tables that are copied, in the order in which the bank writes them, with what tells a row's partition."""

COPIES = """
CREATE TEMPORARY TABLE copies ON COMMIT DROP AS
SELECT number AS place, uuidv7() AS account_id, gen_random_uuid() AS certificate_id,
    sha256(uuid_send(gen_random_uuid())) AS blind_index, substr(md5(random()::text), 1, 13) AS number
FROM generate_series(1, %s) AS number
"""

BUMP = """
UPDATE log_partition SET head = written.head, recorded_at = (SELECT max(recorded_at) FROM event_sample)
FROM (
    SELECT partition_id, (SELECT max(position) FROM event WHERE event.partition_id = heads.partition_id) AS head
    FROM heads
) AS written
WHERE written.partition_id = log_partition.partition_id AND written.head > log_partition.head
"""


@dataclass(frozen=True, slots=True)
class _Sample:
    """The learner who is copied, and what stands of the certificate in the events."""

    account_id: UUID
    certificate_id: str
    number: str


def learners(settings: Settings) -> int:
    """How many an audit of a whole history goes through."""
    return QUICK_LEARNERS if settings.quick else LEARNERS


def filled(database_url: str, directory: Path, learners: int, *, published: bool = True) -> bank.Keys:
    """Make a bank with so many learners, a certificate each, all published or none. Its server has ended."""
    with server.product(database_url, directory) as (serving, authority), closing(bank.Bank(serving.address)) as caller:
        keys = bank.prepare(caller, authority)
        sample = caller.post("/v1/certificates", keys.issuer, people.award(SAMPLE))
    account_id = UUID(sample["account_id"])
    _fill(database_url, _Sample(account_id, sample["certificate_id"], sample["number"]), learners)
    if published:
        server.command(database_url, directory, "publish", "--once")
    return keys


@contextmanager
def past(settings: Settings, database: Database) -> Iterator[tuple[Store, str, Path]]:
    """A bank with a whole history to be audited: the store, its address in it, and its directory."""
    with (
        opened(database, settings) as store,
        tempfile.TemporaryDirectory(dir=settings.directory) as name,
    ):
        url, directory = store.create("creditbank"), Path(name)
        filled(url, directory, learners(settings))
        yield store, url, directory


def count_events(database_url: str) -> int:
    """How many events stand in a bank."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM event").fetchone()
    assert row is not None
    return int(row[0])


def _fill(database_url: str, sample: _Sample, learners: int) -> None:
    """Copy an account and its certificate for so many more learners, and let the database settle."""
    with psycopg.connect(database_url) as connection:
        for table in KEYS:
            column = "stream_id" if table == "event" else "account_id"
            connection.execute(
                f"CREATE TEMPORARY TABLE {table}_sample AS SELECT * FROM {table} WHERE {column} = %s".encode(),
                (sample.account_id,),
            )
        connection.execute("CREATE TEMPORARY TABLE heads AS SELECT partition_id, head FROM log_partition")
        while learners > 0:
            _copy_page(connection, sample, min(learners, PAGE))
            connection.commit()
            learners -= PAGE
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _copy_page(connection: Connection[Any], sample: _Sample, count: int) -> None:
    connection.execute(COPIES, (count,))
    for table, key in KEYS.items():
        described = connection.execute(f"SELECT * FROM {table}_sample LIMIT 0".encode()).description or ()
        connection.execute(_insert(table, key, [column.name for column in described]).encode(), _values(sample))
    connection.execute(BUMP)
    connection.execute("TRUNCATE heads")
    connection.execute("INSERT INTO heads SELECT partition_id, head FROM log_partition")


def _values(sample: _Sample) -> dict[str, str]:
    return {"certificate_id": sample.certificate_id, "number": sample.number}


def _insert(table: str, key: str, columns: list[str]) -> str:
    """The rows of the sample in a table, once for each of the copies."""
    of_copy = {"stream_id": "copies.account_id"}
    of_copy |= {name: f"copies.{name}" for name in ("account_id", "certificate_id", "blind_index", "number")}
    digested = of_copy[key] if key == "blind_index" else f"uuid_send({of_copy[key]})"
    # The last six bits of the first eight bytes of a SHA-256, as the bank takes them.
    partition = f"get_byte(sha256({digested}), 7) & {PARTITIONS - 1}"
    order = "copies.place" if table != "event" else "copies.place, sample.version"
    body = "convert_from(sample.body, 'UTF8')"
    body = f"replace(replace({body}, %(certificate_id)s, copies.certificate_id::text), %(number)s, copies.number)"
    changes = {
        **of_copy,
        "partition_id": partition,
        "position": f"heads.head + row_number() OVER (PARTITION BY {partition} ORDER BY {order})",
        "body": f"convert_to({body}, 'UTF8')",
    }
    values = ", ".join(changes.get(name, f"sample.{name}") for name in columns)
    source = f"copies CROSS JOIN {table}_sample AS sample"
    if table == "event":
        source += f" JOIN heads ON heads.partition_id = ({partition})"
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {source} ORDER BY {order}"
