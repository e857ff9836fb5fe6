"""S8: the audit of all of history, against decoding the same events and hashing them once.

`WORK` is what the audit consists of, in order; each part goes through everything.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import psycopg
from sqlalchemy import Engine

from benchmarks import apart, history, report
from benchmarks.databases import opened
from benchmarks.measure import Bound, Result, Target, alternate
from benchmarks.settings import Database, Settings
from creditbank.audit import replay
from creditbank.ledger import codec
from creditbank.ledger.database import open_engine

NAME = "S8"
TARGET = Target(Bound.AT_LEAST, 0.5, 0.8)
LEARNERS = 500_000  # in a full run
PAGE = 1_000


def run(settings: Settings) -> list[Result]:
    return [_run(settings, database) for database in settings.among(Database.POSTGRESQL)]


def _run(settings: Settings, database: Database) -> Result:
    with (
        opened(database, settings) as store,
        tempfile.TemporaryDirectory(dir=settings.directory) as directory,
    ):
        url = history.filled(store.create("creditbank"), Path(directory), settings.stored(LEARNERS))
        return Result(
            benchmark=NAME,
            title=f"audit {history.EVENTS * settings.stored(LEARNERS):,} events",
            database=database,
            unit="events/s",
            peer="decode the same events and hash them once",
            target=TARGET,
            rounds=alternate(
                settings.rounds,
                product=lambda _: apart.measured(audited, url),
                peer=lambda _: apart.measured(_decoded, url),
                report=report.progress(NAME, database),
            ),
            setup=store.setup,
        )


def _replayed(engine: Engine) -> None:
    for difference in replay.differences(engine):
        raise RuntimeError(f"the audit found {difference}")


WORK: tuple[Callable[[Engine], None], ...] = (_replayed,)


def audited(database_url: str) -> int:
    """All of WORK; the number of events. Raises RuntimeError where it finds fault."""
    engine = open_engine(database_url)
    for work in WORK:
        work(engine)
    with engine.connect() as connection, connection.begin():
        events: int = connection.exec_driver_sql("SELECT count(*) FROM event").scalar_one()
    engine.dispose()
    return events


def _decoded(database_url: str) -> int:
    events, hashed = 0, sha256()
    with psycopg.connect(database_url) as connection, connection.cursor(name="events") as cursor:
        cursor.itersize = PAGE
        cursor.execute("SELECT type, body FROM event ORDER BY partition_id, position")
        for name, body in cursor:
            codec.decode(name, body)
            hashed.update(body)
            events += 1
    return events
