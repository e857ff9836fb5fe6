"""What clients asked and were told: every acknowledged answer, and every request whose outcome nobody knows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from threading import Event
from typing import Any

from tests.processes.calls import Answer, Caller, Unanswered

ROUNDS = 100
_PAUSE_SECONDS = 0.1


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One write. Without an answer its outcome is unknown: none came, or it was 503."""

    path: str
    token: str
    body: bytes
    key: str
    answer: Answer | None = None

    def send(self, caller: Caller) -> Answer:
        """Send it, again under the same key. Raises Unanswered."""
        answer = caller.send(self.path, self.token, self.body, self.key)
        if answer.status != 503:
            self.answer = answer
        return answer


@dataclass(slots=True)
class Journal:
    """The record of all clients together."""

    attempts: list[Attempt] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)

    def write(self, caller: Caller, path: str, token: str, body: Any) -> Answer:
        """Post under a new key, on record before it is sent. Raises Unanswered."""
        attempt = Attempt(path=path, token=token, body=json.dumps(body).encode(), key=f"journal-{next(self._numbers)}")
        self.attempts.append(attempt)
        return attempt.send(caller)

    @property
    def acknowledged(self) -> list[Attempt]:
        return [one for one in self.attempts if one.answer is not None and one.answer.is_success]

    @property
    def unknown(self) -> list[Attempt]:
        return [one for one in self.attempts if one.answer is None]


def settle(attempts: Sequence[Attempt], caller: Caller) -> None:
    """Ask again for every outcome that is unknown, each with its own key, until each is known."""
    pause = Event()
    for _ in range(ROUNDS):
        for attempt in attempts:
            if attempt.answer is None:
                _ask_again(attempt, caller)
        if all(attempt.answer for attempt in attempts):
            return
        pause.wait(_PAUSE_SECONDS)
    raise AssertionError(f"{sum(one.answer is None for one in attempts)} outcomes stay unknown")


def _ask_again(attempt: Attempt, caller: Caller) -> None:
    try:
        attempt.send(caller)
    except Unanswered:
        attempt.answer = None


def changed_answers(attempts: Sequence[Attempt], caller: Caller) -> list[Attempt]:
    """Those acknowledged writes whose repetition is not answered, as a repetition, in the same words."""
    changed = []
    for attempt in attempts:
        assert attempt.answer is not None
        again = caller.send(attempt.path, attempt.token, attempt.body, attempt.key)
        if (again.status, again.body, again.replayed) != (attempt.answer.status, attempt.answer.body, True):
            changed.append(attempt)
    return changed
