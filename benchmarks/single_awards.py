"""S3 and S4: one award per request from many callers, against a bare handler that does one INSERT and its commit."""

from __future__ import annotations

from benchmarks import bank, load, report, server
from benchmarks.measure import Bound, Result, Sample, Target, alternate
from benchmarks.running import running
from benchmarks.settings import Database, Settings

TARGETS = {
    Database.POSTGRESQL: ("S3", Target(Bound.AT_LEAST, 1.0, 1.5)),
    Database.SQLITE: ("S4", Target(Bound.AT_LEAST, 1.0, 2.0)),
}
CONNECTIONS = 32
REQUESTS = 10_000  # a round
WARM_UP = 1_000


def run_on_postgresql(settings: Settings) -> list[Result]:
    return [_run(settings, database) for database in settings.among(Database.POSTGRESQL)]


def run_on_sqlite(settings: Settings) -> list[Result]:
    return [_run(settings, database) for database in settings.among(Database.SQLITE)]


def _run(settings: Settings, database: Database) -> Result:
    name, target = TARGETS[database]
    with (
        running(settings, database) as one,
        server.peer(f"award_{database}", one.store.create("peer"), one.directory) as peer_server,
        load.client() as client,
    ):
        keys = bank.prepare(one.caller, one.authority)

        def drive(serving: server.Server, round_: int) -> Sample:
            return _drive(client, serving, keys.issuer, round_, settings)

        return Result(
            benchmark=name,
            title=f"one award per request, {CONNECTIONS} clients",
            database=database,
            unit="requests/s",
            peer="bare FastAPI handler, one INSERT + commit",
            target=target,
            rounds=alternate(
                settings.rounds,
                product=lambda round_: drive(one.serving, round_),
                peer=lambda round_: drive(peer_server, round_),
                report=report.progress(name, database),
            ),
            setup=one.store.setup,
        )


def _drive(client: load.Client, serving: server.Server, key: str, round_: int, settings: Settings) -> Sample:
    """The same requests go to either side; each round awards to persons of its own."""
    warm_up = settings.scaled(WARM_UP)
    count = warm_up + settings.scaled(REQUESTS)
    requests = [bank.award_request(index, key) for index in range(round_ * count, (round_ + 1) * count)]
    client.drive(serving.port, requests[:warm_up], connections=CONNECTIONS)
    cpu_started = serving.cpu_seconds()
    seen = client.drive(serving.port, requests[warm_up:], connections=CONNECTIONS)
    return seen.sample(serving.cpu_seconds() - cpu_started)
