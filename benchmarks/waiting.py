"""How long a single award waits while another caller posts batches of 5,000, against the same without batches.

Figures are the 99th percentiles. What is asked for is absolute, no ratio: 100 ms at most beside batches.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing, contextmanager
from threading import Event, Semaphore

from benchmarks import bank, load, report
from benchmarks.measure import Result, Sample, alternate
from benchmarks.running import running
from benchmarks.settings import Database, Settings

NAME = "waiting"
CONNECTIONS = 4
REQUESTS = 2_000  # a round, at least
BATCH = 5_000
CALLERS = 2  # who post batches at the same time
PERSONS_OF_BATCHES = 5_000_000  # from this index on, so that they are others than those of single awards
PERSONS_OF_CALLER = 2_000_000


def run(settings: Settings) -> list[Result]:
    return [_run(settings, database) for database in settings.among(Database.POSTGRESQL, Database.SQLITE)]


def _run(settings: Settings, database: Database) -> Result:
    with (
        running(settings, database) as one,
        load.client() as client,
    ):
        keys = bank.prepare(one.caller, one.authority)

        def singles(number: int) -> Sample:
            count = settings.scaled(REQUESTS)
            requests = [bank.award_request(number * count + index, keys.issuer) for index in range(count)]
            seen = client.drive(one.serving.port, requests, connections=CONNECTIONS)
            return Sample(seen.p99, {"p50_ms": seen.p50, "requests_per_second": seen.rate})

        def beside_batches(round_: int) -> Sample:
            with _batches(one.serving.address, keys.issuer, round_) as posted:
                sample = singles(2 * round_ + 1)
            return Sample(sample.figure, {**sample.details, "batches": float(sum(one.result() for one in posted))})

        return Result(
            benchmark=NAME,
            title=f"a single award beside {CALLERS} callers with batches of {BATCH:,}, {CONNECTIONS} clients",
            database=database,
            unit="ms at p99",
            peer="the same without batches",
            target=None,
            rounds=alternate(
                settings.rounds,
                product=beside_batches,
                peer=lambda round_: singles(2 * round_),
                report=report.progress(NAME, database),
            ),
            setup=one.store.setup,
        )


@contextmanager
def _batches(address: str, key: str, round_: int) -> Iterator[list[Future[int]]]:
    """Callers that post one batch after the other, from when each has begun until the block ends."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(CALLERS, mp_context=context) as processes:
        begun, over = manager.Semaphore(0), manager.Event()
        first = PERSONS_OF_BATCHES + round_ * 100 * BATCH
        posted = [
            processes.submit(_post, address, key, first + number * PERSONS_OF_CALLER, begun, over)
            for number in range(CALLERS)
        ]
        for _ in range(CALLERS):
            begun.acquire()
        yield posted
        over.set()


def _post(address: str, key: str, first: int, begun: Semaphore, over: Event) -> int:
    posted = 0
    with closing(bank.Bank(address, name=f"batches-{first}")) as caller:
        body = bank.batch(first, BATCH)
        begun.release()
        while not over.is_set():
            bank.check_batch(caller.send("/v1/certificates:batch", key, body), BATCH)
            posted += 1
            body = bank.batch(first + posted * BATCH, BATCH)
    return posted
