"""A clock of seconds, for what is counted by the minute: it stands still until it is moved."""

from __future__ import annotations


class Seconds:
    def __init__(self, now: float = 600.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
