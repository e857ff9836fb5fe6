"""How far a long command has come, on stderr: a bar for those who watch, and a line now and then in a file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

SECONDS_BETWEEN_LINES = 30.0


class Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f}/s")


class Lines:
    """A line for each half minute that passes. `clock` gives seconds."""

    def __init__(self, title: str, clock: Callable[[], float]) -> None:
        self._title, self._clock = title, clock
        self._next = clock() + SECONDS_BETWEEN_LINES

    def advanced(self, done: int, total: int) -> None:
        """Told how many are done, and how many there are."""
        if self._clock() >= self._next:
            self._next = self._clock() + SECONDS_BETWEEN_LINES
            sys.stderr.write(f"{self._title}: {done:,} of {total:,}\n")
            sys.stderr.flush()


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Something to call with how many are done, and how many there are."""
    if not sys.stderr.isatty():
        yield Lines(title, monotonic).advanced
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(bar, completed=done, total=total)
