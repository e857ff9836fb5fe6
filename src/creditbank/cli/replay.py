"""`creditbank replay`: recompute from history alone, and compare it with what the bank answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from time import monotonic
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from creditbank.audit import replay
from creditbank.cli import installation
from creditbank.cli.outcome import INTEGRITY, Failed, say, say_json
from creditbank.cli.progress import progress
from creditbank.clock import clock
from creditbank.commands import documents
from creditbank.domain.balance import balance
from creditbank.domain.instants import day_of, end_of
from creditbank.domain.timeline import Moment

AMOUNTS = ("earned", "used", "reserved", "available", "held", "expired", "shortfall", "under_review")


def run_all(*, as_json: bool, processes: int | None) -> None:
    """Compare everything. Raises Failed with the first difference."""
    started = monotonic()
    with installation.migrated(installation.settings()) as engine, progress("replaying") as advanced:
        number = installation.processes(engine, processes)
        difference = next(replay.differences(engine, advanced, processes=number), None)
    if as_json:
        found = None if difference is None else asdict(difference)
        say_json({"agrees": difference is None, "difference": found, "seconds": round(monotonic() - started, 3)})
    if difference is not None:
        raise Failed(
            f"{difference.where}: {difference.what} is not what history says\n"
            f"  history: {difference.expected}\n  stored:  {difference.stored}",
            INTEGRITY,
        )
    if not as_json:
        say("what the bank answers is what its history says")


def run_account(*, account_id: UUID, version: int | None, day: date | None, as_json: bool) -> None:
    """Print balance and transcript of one account, up to a version or to the end of a civil day."""
    chosen = installation.settings()
    zone = ZoneInfo(chosen.timezone)
    until = None if day is None else end_of(day, zone)
    with installation.migrated(chosen) as engine:
        account, history = replay.account_at(engine, account_id, version=version, until=until)
    if not history:
        raise Failed(f"history knows no account {account_id}{'' if day is None else f' on {day}'}")
    now = until or clock()
    on = day or day_of(now, zone)
    moment = Moment(known_at=until)
    standing = documents.balance(balance(account.lots.values(), account.uses.values(), on, now), account.head, moment)
    times = {item.version: item.recorded_at for item in history}
    certificates = [(lot, times[lot.version]) for lot in account.lots.values()]
    uses = [(use, times[use.version]) for use in account.uses.values()]
    transcript = documents.transcript(account_id, account.head.version, certificates, uses, on, moment)
    if as_json:
        say_json({"balance": standing, "transcript": transcript, "on": on})
        return
    say(f"account {account_id}, {account.head.status}, version {account.head.version}, on {on}")
    _say(standing, transcript["entries"])


def _say(standing: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> None:
    for name in AMOUNTS:
        say(f"  {name:13}{standing[name]:>10}")
    for entry in entries:
        names = ("issuer", "number") if entry["kind"] == "certificate" else ("institution", "programme")
        what = f"{entry['kind']:11}  {entry['status']:12}  {entry['credits']:>6}"
        say(f"  {entry['recorded_at']}  {what}  {' '.join(str(entry[name]) for name in names)}")
