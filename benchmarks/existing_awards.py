"""S2: bulk awards to persons who have an account, against the limit: COPY of the same events into one table."""

from __future__ import annotations

from typing import Any

import psycopg

from benchmarks import bank, people, report
from benchmarks.measure import Bound, Result, Sample, Target, alternate
from benchmarks.peers import copying
from benchmarks.running import PATH, post_batches, running
from benchmarks.settings import Database, Settings

NAME = "S2"
TARGET = Target(Bound.AT_LEAST, 0.15, 0.30)
BATCHES = 4  # a round; the first is not timed


def run(settings: Settings) -> list[Result]:
    return [_run(settings, database) for database in settings.among(Database.POSTGRESQL)]


def _run(settings: Settings, database: Database) -> Result:
    size = settings.scaled(bank.BATCH)
    with running(settings, database) as one:
        keys = bank.prepare(one.caller, one.authority)
        for number in range(BATCHES):
            bank.check_batch(one.caller.send(PATH, keys.issuer, bank.batch(number * size, size)), size)
        events = _events(one.url, size * (BATCHES - 1))
        peer_url = one.store.create("peer")

        def product(round_: int) -> Sample:
            bodies = [_further((round_ + 1) * BATCHES + number, number, size) for number in range(BATCHES)]
            return post_batches(one.caller, keys.issuer, one.serving, bodies, size)

        def peer(_: int) -> Sample:
            return Sample(copying.events_per_second(peer_url, events, size))

        return Result(
            benchmark=NAME,
            title=f"bulk awards to existing persons, batches of {size:,}",
            database=database,
            unit="events/s",
            peer="binary COPY of the same events into one table with its primary key",
            target=TARGET,
            rounds=alternate(settings.rounds, product=product, peer=peer, report=report.progress(NAME, database)),
            setup=one.store.setup,
        )


def _further(numbers: int, learners: int, size: int) -> bytes:
    """One more certificate for each learner of a batch that was posted before."""
    return bank.batch_of(people.award(numbers * size + index, learners * size + index) for index in range(size))


def _events(database_url: str, count: int) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as connection:
        statement = "SELECT * FROM event WHERE type LIKE 'certificate-awarded%%' LIMIT %s"
        events = connection.execute(statement, (count,)).fetchall()
    if len(events) < count:
        raise RuntimeError(f"{len(events)} awards in the log, {count} wanted")
    return events
