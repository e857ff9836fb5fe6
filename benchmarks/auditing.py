"""S8: the audit of all of history, replay and hashes, against decoding the same events and hashing them once."""

from __future__ import annotations

import json
import os
from contextlib import redirect_stdout
from functools import partial
from hashlib import sha256
from io import StringIO
from pathlib import Path

import psycopg

from benchmarks import apart, history, report, server
from benchmarks.measure import Bound, Result, Target, alternate
from benchmarks.settings import Database, Settings
from creditbank.audit import replay
from creditbank.cli import installation, verify
from creditbank.ledger import codec, log
from creditbank.ledger.database import open_engine

NAME = "S8"
TARGET = Target(Bound.AT_LEAST, 0.5, 0.8)
PAGE = 1_000


def run(settings: Settings) -> list[Result]:
    return [_run(settings, database) for database in settings.among(Database.POSTGRESQL)]


def _run(settings: Settings, database: Database) -> Result:
    with history.past(settings, database) as (store, url, directory):
        return Result(
            benchmark=NAME,
            title=f"audit {history.EVENTS * history.learners(settings):,} events",
            database=database,
            unit="events/s",
            peer="decode the same events and hash them once",
            target=TARGET,
            rounds=alternate(
                settings.rounds,
                product=lambda _: apart.measured(partial(verified, directory), url),
                peer=lambda _: apart.measured(_decoded, url),
                report=report.progress(NAME, database),
            ),
            setup=store.setup,
        )


def verified(directory: Path, database_url: str) -> int:
    """What `creditbank verify` does: history against the public log, the log against itself, answers against history.

    The number of events. Raises Failed where there is fault, and RuntimeError where not all was published.
    """
    os.environ.update(server.environment(database_url, directory))
    with redirect_stdout(StringIO()) as said:
        verify.run(path=None, keys=[], as_json=True)
    told = json.loads(said.getvalue())
    if told["unpublished"]:
        raise RuntimeError(f"{told['unpublished']} events are not published")
    events: int = told["verified"]
    return events


def replayed(database_url: str) -> int:
    """The answers against history alone; the number of events. Raises RuntimeError where they differ."""
    engine = open_engine(database_url)
    for difference in replay.differences(engine, processes=installation.processes(engine, None)):
        raise RuntimeError(f"the audit found {difference}")
    with engine.connect() as connection, connection.begin():
        events = sum(log.heads(connection).values())
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
