"""`creditbank rebuild`: make all answers what history says."""

from __future__ import annotations

from time import monotonic

from creditbank.audit import rebuild as projections
from creditbank.cli import installation
from creditbank.cli.outcome import say, say_json
from creditbank.cli.progress import progress


def run(*, as_json: bool, processes: int | None) -> None:
    """What is right is left alone; what is not is mended page by page, while the bank goes on."""
    started = monotonic()
    with installation.migrated(installation.settings()) as engine, progress("rebuilding") as advanced:
        number = installation.processes(engine, processes)
        events = projections.rebuild(engine, advanced, processes=number)
    seconds = round(monotonic() - started, 3)
    if as_json:
        say_json({"events": events, "seconds": seconds})
    else:
        say(f"rebuilt from {events} events in {seconds} s")
