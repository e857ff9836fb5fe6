"""When keys and sessions were last used: noted in memory by every request, written now and then by a chore."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from creditbank.commands.bank import Bank
from creditbank.ledger.database import writing
from creditbank.vault import apikeys

WRITE_SECONDS = 10.0
"""How far the list of keys may lag behind; how often a row is written is a matter of `note_uses`."""


class LastUses:
    """What is not written yet, by ids. To note a use costs nothing that a request would feel."""

    def __init__(self, bank: Bank, write: Callable[[Connection, Mapping[str, int]], None] = apikeys.note_uses) -> None:
        self._bank = bank
        self._write = write
        self._notes: dict[str, int] = {}

    def note(self, name: str, now: int) -> None:
        self._notes[name] = now

    def noted(self, name: str) -> int:
        """The last use that is not written yet; 0 without one."""
        return self._notes.get(name, 0)

    def write(self) -> None:
        """Write what was noted since the last time; nothing where nobody came."""
        notes, self._notes = self._notes, {}
        if uses := dict(notes):
            with writing(self._bank.engine) as connection:
                self._write(connection, uses)
