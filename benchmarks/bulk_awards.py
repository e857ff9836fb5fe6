"""S1: bulk awards to new persons, from HTTP to durable, against the stock event sourcing library in process."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from benchmarks import bank, people, report
from benchmarks.measure import Bound, Result, Sample, Target, alternate
from benchmarks.peers import library
from benchmarks.running import post_batches, running
from benchmarks.settings import Database, Settings

NAME = "S1"
TARGET = Target(Bound.AT_LEAST, 1.0, 2.0)
BATCHES = 4  # a round; the first is not timed


def run(settings: Settings) -> list[Result]:
    return [_run(settings, database) for database in settings.among(Database.POSTGRESQL, Database.SQLITE)]


def _run(settings: Settings, database: Database) -> Result:
    size = settings.scaled(bank.BATCH)
    spawn = multiprocessing.get_context("spawn")
    with (
        running(settings, database) as one,
        ProcessPoolExecutor(1, mp_context=spawn) as process,
    ):
        peer_url = one.store.create("library")
        keys = bank.prepare(one.caller, one.authority)

        def product(round_: int) -> Sample:
            firsts = [(round_ * BATCHES + number) * size for number in range(BATCHES)]
            return post_batches(
                one.caller, keys.issuer, one.serving, [bank.batch(first, size) for first in firsts], size
            )

        def peer(round_: int) -> Sample:
            awards = list(people.awards(round_ * BATCHES * size, BATCHES * size))
            rate = process.submit(library.persons_per_second, peer_url, awards, people.CREDITS, warm_up=size)
            return Sample(rate.result())

        return Result(
            benchmark=NAME,
            title=f"bulk awards to new persons, batches of {size:,}",
            database=database,
            unit="persons/s",
            peer=f"stock eventsourcing, in process, {library.PER_SAVE} persons per save",
            target=TARGET if database is Database.POSTGRESQL else None,
            rounds=alternate(settings.rounds, product=product, peer=peer, report=report.progress(NAME, database)),
            setup=one.store.setup,
        )
