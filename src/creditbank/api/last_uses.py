"""When keys were last used: noted in memory by every request, written now and then by a chore."""

from __future__ import annotations

from creditbank.commands.bank import Bank
from creditbank.ledger.database import writing
from creditbank.vault import apikeys

WRITE_SECONDS = 10.0
"""How far the list of keys may lag behind; how often a row is written is a matter of `apikeys.note_uses`."""


class LastUses:
    """What is not written yet. To note a use costs nothing that a request would feel."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._notes: dict[str, int] = {}

    def note(self, key_id: str, now: int) -> None:
        self._notes[key_id] = now

    def write(self) -> None:
        """Write what was noted since the last time; nothing where nobody came."""
        notes, self._notes = self._notes, {}
        if uses := dict(notes):
            with writing(self._bank.engine) as connection:
                apikeys.note_uses(connection, uses)
