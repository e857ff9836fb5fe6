"""S10: bytes that one more complete award takes on PostgreSQL, with every table and index, after a vacuum.

Twice: to persons who have an account, and to new ones; the peer's row is the stock library's, measured alike. Those
who have an account get two certificates each: with the first, pages of heads and of indexes over ids in no order
grow by half as much again as they need, with the second they fill up. Either alone would tell half of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg

from benchmarks import bank, people, report
from benchmarks.measure import Bound, Result, Sample, Target, alternate
from benchmarks.peers import library
from benchmarks.running import PATH, running
from benchmarks.settings import Database, Settings

NAME = "S10"
TARGET = Target(Bound.AT_MOST, 1.5, 1.2)
AWARDS = 50_000
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
    with running(settings, database) as one:
        keys = bank.prepare(one.caller, one.authority)
        peer_url = one.store.create("library")

        def award(first: int, *, new: bool) -> None:
            for batch in range(first, first + count, size):
                awards = (people.award(index, None if new else index - first) for index in range(batch, batch + size))
                bank.check_batch(one.caller.send(PATH, keys.issuer, bank.batch_of(awards)), size)

        award(0, new=True)
        opened_accounts = list(people.awards(0, count))
        library.recorded(peer_url, opened_accounts, people.CREDITS)

        def compared(title: str, first: int, rounds: int, *, new: bool, target: Target | None) -> Result:
            starts = range(first, first + rounds * count, count)
            further = [people.award(index, index - start) for start in starts for index in range(start, start + count)]

            def awarded() -> None:
                for start in starts:
                    award(start, new=new)

            return Result(
                benchmark=NAME,
                title=f"a complete award to {title}, {len(further):,} of them",
                database=database,
                unit="bytes",
                peer="the stock library's row of an award, with its indexes",
                target=target,
                rounds=alternate(
                    1,  # nothing here is timed
                    product=lambda _: _grown(one.url, len(further), awarded),
                    peer=lambda _: _grown(
                        peer_url, len(further), lambda: library.recorded(peer_url, further, people.CREDITS)
                    ),
                    report=report.progress(NAME, title),
                ),
                setup=one.store.setup,
            )

        yield compared("a person with an account", count, 2, new=False, target=TARGET)
        yield compared("a new person", 3 * count, 1, new=True, target=None)


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
