"""`creditbank doctor`: is this installation sound? One line for each check, with the fix where one fails."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import make_url

from creditbank import publication
from creditbank.audit import guard
from creditbank.audit.transparency.encoding import Malformed
from creditbank.cli import doctor_vault, installation
from creditbank.cli.finding import Finding
from creditbank.cli.outcome import Failed, say, say_json
from creditbank.ledger import accesses, log, migration, sequence
from creditbank.settings import Settings

OLDEST_PYTHON = (3, 11)
OLDEST_POSTGRESQL = 140_000
LEAST_FREE_BYTES = 1 << 30
MOST_CLOCK_SKEW_SECONDS = 2.0


def run(*, as_json: bool) -> None:
    """Check everything that can be checked. Raises Failed where something wants fixing."""
    findings = list(_findings(installation.settings()))
    wrong = sum(finding.fix is not None for finding in findings)
    if as_json:
        say_json({"sound": wrong == 0, "checks": [{"ok": one.fix is None, **asdict(one)} for one in findings]})
    else:
        for finding in findings:
            _say(finding)
    if wrong:
        raise Failed(f"{wrong} of {len(findings)} checks failed")


def _say(finding: Finding) -> None:
    word = "ok  " if finding.fix is None else "FAIL"
    say(f"{word}  {finding.check:13}  {finding.seen}{'' if finding.fix is None else f' → {finding.fix}'}")


def _findings(chosen: Settings) -> Iterator[Finding]:
    yield _python()
    yield _zone(chosen)
    yield from _disk(_nearest(chosen.data_dir), "data")
    yield from doctor_vault.key_files(chosen.data_dir)
    database = make_url(chosen.database_url).database or ""
    if chosen.database_url.startswith("sqlite"):
        yield from _disk(_nearest(Path(database).parent), "database")
        if not Path(database).exists():
            yield Finding("database", f"there is no file {database}", "`creditbank migrate` makes it")
            return
    try:
        with installation.reached(chosen) as engine:
            yield from _in_database(engine, chosen)
    except Failed as failure:
        yield Finding("database", str(failure), "start it, or correct CREDITBANK_DATABASE_URL")


def _python() -> Finding:
    is_old = sys.version_info < OLDEST_PYTHON
    return Finding("python", sys.version.split()[0], "install Python 3.11 or newer" if is_old else None)


def _zone(chosen: Settings) -> Finding:
    today = datetime.now(ZoneInfo(chosen.timezone)).date()
    return Finding("time zone", f"{chosen.timezone}, where it is {today}")


def _nearest(folder: Path) -> Path:
    """The folder, or what is there of the way to it."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())


def _disk(folder: Path, name: str) -> Iterator[Finding]:
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Finding(f"{name} disk", f"{folder} cannot be written", "give the bank's account write permission")
        return
    free = shutil.disk_usage(folder).free
    fix = "make room: a bank that cannot write stands still" if free < LEAST_FREE_BYTES else None
    yield Finding(f"{name} disk", f"{folder} can be written, {free / (1 << 30):.1f} GiB free", fix)


def _in_database(engine: Engine, chosen: Settings) -> Iterator[Finding]:
    is_at_head = migration.at_head(engine)
    checks = _of_sqlite if engine.dialect.name == "sqlite" else _of_postgresql
    with engine.connect() as connection, connection.begin():
        yield from checks(connection)
        yield Finding(
            "migrations",
            f"at {', '.join(migration.revisions(connection)) or 'none'}{'' if is_at_head else ', which is behind'}",
            None if is_at_head else "`creditbank migrate`",
        )
        if is_at_head:
            yield _ledger_time(connection)
            yield _ends("events", log.NUMBERS.without_end(connection))
            yield _ends("accesses", accesses.NUMBERS.without_end(connection))
            yield _public_log(connection, chosen)
    if is_at_head and not doctor_vault.missing_keys(chosen.data_dir):
        yield from doctor_vault.rings(engine, chosen.data_dir)
        yield doctor_vault.erased_list(engine, chosen.data_dir)


def _of_sqlite(connection: Connection) -> Iterator[Finding]:
    version = connection.exec_driver_sql("SELECT sqlite_version()").scalar_one()
    yield Finding("database", f"SQLite {version}")
    journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    is_full = connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
    is_sound = journal == "wal" and is_full
    fix = None if is_sound else "put the file on a local disk: network file systems cannot keep it"
    yield Finding("durability", f"journal {journal}, synchronous {'full' if is_full else 'not full'}", fix)


def _of_postgresql(connection: Connection) -> Iterator[Finding]:
    number = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
    version = connection.exec_driver_sql("SHOW server_version").scalar_one()
    fix = "upgrade to PostgreSQL 14 or newer" if number < OLDEST_POSTGRESQL else None
    yield Finding("database", f"PostgreSQL {version}", fix)
    durable = {
        name: connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in ("fsync", "synchronous_commit")
    }
    off = [name for name, value in durable.items() if value == "off"]
    said = ", ".join(f"{name} {value}" for name, value in durable.items())
    yield Finding("durability", said, f"set {' and '.join(off)} to on" if off else None)
    yield _clocks(lambda: connection.exec_driver_sql("SELECT extract(epoch FROM clock_timestamp())").scalar_one())


def _clocks(ask: Callable[[], object]) -> Finding:
    before = time.time()
    theirs = float(str(ask()))
    skew = max(before - theirs, theirs - time.time(), 0.0)
    fix = "set both machines by NTP" if skew > MOST_CLOCK_SKEW_SECONDS else None
    return Finding("clock", f"differs from the database's by {skew:.1f} s", fix)


def _ledger_time(connection: Connection) -> Finding:
    latest = log.last_recorded_at(connection) / 1_000_000
    ahead = latest - time.time()
    fix = "set this machine's clock by NTP" if ahead > MOST_CLOCK_SKEW_SECONDS else None
    return Finding("ledger", f"its last event lies {'ahead' if fix else 'in the past'}", fix)


def _public_log(connection: Connection, chosen: Settings) -> Finding:
    """Whether all is in the database that was published: where it is not, nothing is written."""
    try:
        remembered = publication.remembered(chosen, connection.engine)
    except (Malformed, OSError) as error:
        fix = "correct the file that CREDITBANK_WITNESS_POLICY names"
        return Finding("public log", f"the policy of the witnesses cannot be used: {error}", fix)
    lacking = guard.missing(connection, publication.shelf(chosen), remembered)
    if lacking is None:
        size = sequence.tree(connection).published
        return Finding("public log", f"{size} leaves are published, and all of them are here" if size else "is empty")
    fix = "bring the lost transactions back from another copy; docs/trust.md tells the other ways"
    return Finding("public log", lacking, fix)


def _ends(numbered: str, partitions: list[int]) -> Finding:
    """Whether the last rows are there that were ever recorded. Holes before them are found by a replay."""
    if not partitions:
        return Finding(numbered, "the last of every partition is there")
    lost = ", ".join(map(str, partitions))
    fix = "somebody removed them: restore a backup beside it and compare; `creditbank replay` looks for more"
    return Finding(numbered, f"the last are missing in partitions {lost}", fix)
