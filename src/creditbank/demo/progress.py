"""Tells how far the loading is: a bar on a terminal, a line per stage elsewhere. Always on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Advance = Callable[[int], None]
"""To be called with how many more are done."""


class Stages:
    """What is being done, and how much of it."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Advance]:
        """One stage of known size."""
        if self._console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description:28}"), BarColumn(), MofNCompleteColumn())
            with Progress(*columns, TimeElapsedColumn(), console=self._console) as bar:
                task = bar.add_task(name, total=total)
                yield lambda done: bar.advance(task, done)
        else:
            yield lambda _: None
            self._console.print(f"{name}: {total:,}", soft_wrap=True, highlight=False)
