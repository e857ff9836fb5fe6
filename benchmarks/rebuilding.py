"""S7: all projections made from history, in emptied tables, against reading the events and copying the rows in."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks import apart, history, report
from benchmarks.measure import Bound, Result, Sample, Target, alternate
from benchmarks.peers import copying
from benchmarks.settings import Database, Settings
from creditbank import projections
from creditbank.audit.rebuild import rebuild
from creditbank.cli import installation
from creditbank.ledger.database import open_engine

NAME = "S7"
TARGET = Target(Bound.AT_LEAST, 0.5, 0.9)

TABLES = tuple(table.name for table in projections.TABLES)


def run(settings: Settings) -> list[Result]:
    return [_run(settings, database) for database in settings.among(Database.POSTGRESQL)]


def _run(settings: Settings, database: Database) -> Result:
    with history.past(settings, database) as (store, url, directory):
        copying.dump(url, TABLES, directory)

        def product(_: int) -> Sample:
            copying.empty(url, TABLES)
            return apart.measured(_rebuilt, url)

        return Result(
            benchmark=NAME,
            title=f"rebuild all projections of {history.EVENTS * history.learners(settings):,} events",
            database=database,
            unit="events/s",
            peer="a plain cursor over the same events, COPY of the same rows",
            target=TARGET,
            rounds=alternate(
                settings.rounds,
                product=product,
                peer=lambda _: apart.measured(partial(_copied, directory), url),
                report=report.progress(NAME, database),
            ),
            setup=store.setup,
        )


def _rebuilt(database_url: str) -> int:
    engine = open_engine(database_url)
    events = rebuild(engine, processes=installation.processes(engine, None))
    engine.dispose()
    return events


def _copied(directory: Path, database_url: str) -> int:
    return copying.read_and_restore(database_url, TABLES, directory)
