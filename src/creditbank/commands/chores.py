"""Small work that is due now and then and that nobody waits for, in one thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic

from sqlalchemy.exc import DBAPIError, TimeoutError

from creditbank.domain.errors import Unavailable

LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Chore:
    """Work, and how many seconds lie between two times."""

    work: Callable[[], None]
    every_seconds: float


class Chores:
    """Does each chore when it is due. Where the database does not answer, it is done the next time."""

    def __init__(self, chores: Sequence[Chore]) -> None:
        self._due = {chore: monotonic() + chore.every_seconds for chore in chores}
        self._closing = Event()
        self._thread = Thread(target=self._run, name="chores", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, after all of them were done for a last time."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            self._do([chore for chore, due in self._due.items() if due <= monotonic()])
        self._do(self._due)

    def _do(self, chores: Sequence[Chore] | dict[Chore, float]) -> None:
        for chore in chores:
            self._due[chore] = monotonic() + chore.every_seconds
            try:
                chore.work()
            except (DBAPIError, TimeoutError, Unavailable):
                continue  # the database will be back
