"""S10: bytes that one more complete award takes on PostgreSQL, with every table and index, after a vacuum.

Twice: to a person who has an account, and to a new one; the peer's row is the stock library's, measured alike. The
persons have been awarded something since their accounts were opened: the first change of all heads on a page makes
the table of heads grow once, and the room is used from then on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg

from benchmarks import bank, people, report, server
from benchmarks.databases import opened
from benchmarks.measure import Bound, Result, Sample, Target, alternate
from benchmarks.peers import library
from benchmarks.settings import Database, Settings

NAME = "S10"
TARGET = Target(Bound.AT_MOST, 1.5, 1.2)
AWARDS = 50_000
PATH = "/v1/certificates:batch"
SIZES = """
SELECT relname, pg_table_size(oid) FROM pg_class
WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace
"""

Sizes = dict[str, int]
"""Bytes of each table with what it keeps out of line, and of each index."""


def run(settings: Settings) -> list[Result]:
    return [result for database in settings.among(Database.POSTGRESQL) for result in _run(settings, database)]


def _run(settings: Settings, database: Database) -> Iterator[Result]:
    size = settings.scaled(bank.BATCH)
    count = settings.scaled(AWARDS)
    with (
        opened(database, settings) as store,
        tempfile.TemporaryDirectory(dir=settings.directory) as directory,
        server.product(product_url := store.create("creditbank"), Path(directory)) as (serving, authority),
        closing(bank.Bank(serving.address)) as caller,
    ):
        keys = bank.prepare(caller, authority)
        peer_url = store.create("library")

        def award(first: int, *, new: bool) -> None:
            for batch in range(first, first + count, size):
                awards = (people.award(index, None if new else index - first) for index in range(batch, batch + size))
                bank.check_batch(caller.send(PATH, keys.issuer, bank.batch_of(awards)), size)

        award(0, new=True)
        award(count, new=False)
        opened_accounts = list(people.awards(0, count))
        library.recorded(peer_url, opened_accounts, people.CREDITS)

        def compared(title: str, first: int, *, new: bool, target: Target | None) -> Result:
            further = [people.award(index, index - first) for index in range(first, first + count)]
            return Result(
                benchmark=NAME,
                title=f"a complete award to {title}, {count:,} of them",
                database=database,
                unit="bytes",
                peer="the stock library's row of an award, with its indexes",
                target=target,
                rounds=alternate(
                    1,  # nothing here is timed
                    product=lambda _: _grown(product_url, count, lambda: award(first, new=new)),
                    peer=lambda _: _grown(peer_url, count, lambda: library.recorded(peer_url, further, people.CREDITS)),
                    report=report.progress(NAME, title),
                ),
                setup=store.setup,
            )

        yield compared("a person with an account", 2 * count, new=False, target=TARGET)
        yield compared("a new person", 3 * count, new=True, target=None)


def _grown(database_url: str, count: int, work: Callable[[], object]) -> Sample:
    """By how many bytes the database grew per award, and which tables and indexes by how many."""
    before = _sizes(database_url)
    work()
    after = _sizes(database_url)
    details = {table: (after[table] - before.get(table, 0)) / count for table in after}
    return Sample(sum(details.values()), {table: grown for table, grown in details.items() if grown})


def _sizes(database_url: str) -> Sizes:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        return dict(connection.execute(SIZES).fetchall())
