"""S9: appending where ten million events stand, against appending where a hundred thousand do.

Or as many as `--events` says; how many stood there is counted and told. Nothing of it is published: that is not in
the way of an award, and would take longer than all the rest.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import bank, history, load, report, server
from benchmarks.databases import Store, opened
from benchmarks.measure import Bound, Result, Sample, Target, alternate
from benchmarks.running import post_batches
from benchmarks.settings import Database, Settings

NAME = "S9"
TARGET = Target(Bound.AT_LEAST, 0.9, 0.97)
MANY = 5_000_000  # learners in a full run, two events each
FEW_TO_ONE = 100  # there are so many times fewer learners in the other bank
BATCHES = 4  # a round; the first is not timed
CONNECTIONS = 32
REQUESTS = 5_000  # a round
WARM_UP = 1_000


def run(settings: Settings) -> list[Result]:
    return [result for database in settings.among(Database.POSTGRESQL) for result in _run(settings, database)]


@dataclass(frozen=True, slots=True)
class _Grown:
    """A bank with a past, and what drives it."""

    serving: server.Server
    caller: bank.Bank
    issuer_key: str
    events: int
    """That stood in it when it was opened."""


def _run(settings: Settings, database: Database) -> Iterator[Result]:
    many = settings.stored(MANY) if settings.events is None else max(settings.events // history.EVENTS, 1)
    few = max(many // FEW_TO_ONE, 1)
    with (
        opened(database, settings) as store,
        _grown(store, "large", settings, many) as large,
        _grown(store, "small", settings, few) as small,
        load.client() as client,
    ):
        title = f"where {large.events:,} events stand"
        peer = f"the same where {small.events:,} stand"
        yield Result(
            benchmark=NAME,
            title=f"bulk awards to new persons {title}",
            database=database,
            unit="persons/s",
            peer=peer,
            target=TARGET,
            rounds=alternate(
                settings.rounds,
                product=lambda round_: _batches(large, round_, settings),
                peer=lambda round_: _batches(small, round_, settings),
                report=report.progress(NAME, "in bulk"),
            ),
            setup=store.setup,
        )
        yield Result(
            benchmark=NAME,
            title=f"one award per request {title}",
            database=database,
            unit="requests/s",
            peer=peer,
            target=TARGET,
            rounds=alternate(
                settings.rounds,
                product=lambda round_: _singles(client, large, round_, settings),
                peer=lambda round_: _singles(client, small, round_, settings),
                report=report.progress(NAME, "one by one"),
            ),
            setup=store.setup,
        )


@contextmanager
def _grown(store: Store, name: str, settings: Settings, learners: int) -> Iterator[_Grown]:
    with tempfile.TemporaryDirectory(dir=settings.directory) as directory:
        url = store.create(name)
        keys = history.filled(url, Path(directory), learners, published=False)
        events = history.count_events(url)
        # Who filled the bank has used the keys of an unnamed caller.
        with server.product(url, Path(directory)) as (serving, _), closing(bank.Bank(serving.address, name)) as caller:
            yield _Grown(serving, caller, keys.issuer, events)


def _batches(grown: _Grown, round_: int, settings: Settings) -> Sample:
    size = settings.scaled(bank.BATCH)
    bodies = [bank.batch((round_ * BATCHES + number) * size, size) for number in range(BATCHES)]
    return post_batches(grown.caller, grown.issuer_key, grown.serving, bodies, size)


def _singles(client: load.Client, grown: _Grown, round_: int, settings: Settings) -> Sample:
    warm_up = settings.scaled(WARM_UP)
    count = warm_up + settings.scaled(REQUESTS)
    first = 1_000_000 + round_ * count  # behind the persons of the batches
    requests = [bank.award_request(index, grown.issuer_key) for index in range(first, first + count)]
    client.drive(grown.serving.port, requests[:warm_up], connections=CONNECTIONS)
    cpu_started = grown.serving.cpu_seconds()
    seen = client.drive(grown.serving.port, requests[warm_up:], connections=CONNECTIONS)
    return seen.sample(grown.serving.cpu_seconds() - cpu_started)
