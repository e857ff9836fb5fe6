"""A bank that runs on a fresh database, for the length of a benchmark, and batches that are posted to it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import bank, server
from benchmarks.databases import Store, opened
from benchmarks.measure import Sample
from benchmarks.settings import Database, Settings

PATH = "/v1/certificates:batch"


@dataclass(frozen=True, slots=True)
class Running:
    """The server, its database and its first key, one who calls it, and scratch space beside it."""

    store: Store
    url: str
    directory: Path
    serving: server.Server
    authority: str
    caller: bank.Bank


@contextmanager
def running(settings: Settings, database: Database) -> Iterator[Running]:
    with (
        opened(database, settings) as store,
        tempfile.TemporaryDirectory(dir=settings.directory) as name,
        server.product(url := store.create("creditbank"), directory := Path(name)) as (serving, authority),
        closing(bank.Bank(serving.address)) as caller,
    ):
        yield Running(store, url, directory, serving, authority, caller)


def post_batches(caller: bank.Bank, key: str, serving: server.Server, bodies: Sequence[bytes], size: int) -> Sample:
    """Lines a second: the batches one after the other, each when the one before is answered; the first is not timed."""
    bank.check_batch(caller.send(PATH, key, bodies[0]), size)
    cpu_started, started = serving.cpu_seconds(), time.perf_counter()
    answers = [caller.send(PATH, key, body) for body in bodies[1:]]
    seconds, cpu_seconds = time.perf_counter() - started, serving.cpu_seconds() - cpu_started
    for answer in answers:
        bank.check_batch(answer, size)
    lines = size * len(answers)
    return Sample(lines / seconds, {"server_cpu_us_per_line": 1e6 * cpu_seconds / lines})
