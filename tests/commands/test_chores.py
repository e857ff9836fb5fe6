"""Chores: done when they are due, again after a failure of the database, and for a last time at the end."""

from __future__ import annotations

from threading import Event

import pytest
from sqlalchemy.exc import OperationalError

from creditbank.commands import chores
from creditbank.commands.chores import Chore, Chores

PATIENCE = 10.0


@pytest.fixture(autouse=True)
def _looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chores, "LOOK_SECONDS", 0.001)


class Work:
    """Counts how often it was done; `failures` of them the database does not answer."""

    def __init__(self, wanted: int = 1, failures: int = 0) -> None:
        self.done = 0
        self.enough = Event()
        self._wanted = wanted
        self._failures = failures

    def __call__(self) -> None:
        self.done += 1
        if self.done >= self._wanted:
            self.enough.set()
        if self.done <= self._failures:
            raise OperationalError("SELECT 1", {}, Exception("gone"))


def test_a_chore_is_done_again_and_again() -> None:
    often, never = Work(wanted=3), Work()
    running = Chores([Chore(often, 0.0), Chore(never, 3600.0)])
    assert often.enough.wait(PATIENCE)
    assert never.done == 0
    running.close()


def test_a_database_that_does_not_answer_ends_no_chore() -> None:
    failing = Work(wanted=4, failures=3)
    running = Chores([Chore(failing, 0.0)])
    assert failing.enough.wait(PATIENCE)
    running.close()


def test_at_the_end_every_chore_is_done_once_more() -> None:
    first, second = Work(failures=1), Work()
    Chores([Chore(first, 3600.0), Chore(second, 3600.0)]).close()
    assert (first.done, second.done) == (1, 1)
