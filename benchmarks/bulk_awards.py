"""S1: bulk awards to new persons, from HTTP to durable, against the stock event sourcing library in process."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

from benchmarks import bank, people, report, server
from benchmarks.databases import opened
from benchmarks.measure import Bound, Result, Sample, Target, alternate
from benchmarks.peers import library
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
        opened(database, settings) as store,
        tempfile.TemporaryDirectory(dir=settings.directory) as directory,
        server.product(store.create("creditbank"), Path(directory)) as (serving, authority),
        closing(bank.Bank(serving.address)) as caller,
        ProcessPoolExecutor(1, mp_context=spawn) as process,
    ):
        peer_url = store.create("library")
        keys = bank.prepare(caller, authority)

        def product(round_: int) -> Sample:
            firsts = [(round_ * BATCHES + number) * size for number in range(BATCHES)]
            return _send(caller, keys.issuer, serving, [bank.batch(first, size) for first in firsts], size)

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
            setup=store.setup,
        )


def _send(caller: bank.Bank, key: str, serving: server.Server, bodies: list[bytes], size: int) -> Sample:
    """Post the batches one after the other, each when the one before is answered."""
    path = "/v1/certificates:batch"
    bank.check_batch(caller.send(path, key, bodies[0]), size)
    cpu_started, started = serving.cpu_seconds(), time.perf_counter()
    answers = [caller.send(path, key, body) for body in bodies[1:]]
    seconds, cpu_seconds = time.perf_counter() - started, serving.cpu_seconds() - cpu_started
    for answer in answers:
        bank.check_batch(answer, size)
    persons = size * len(answers)
    return Sample(persons / seconds, {"server_cpu_us_per_person": 1e6 * cpu_seconds / persons})
