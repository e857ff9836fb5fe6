"""A serving process tells the others that it is there, which generations of the keys it reads, and which it writes."""

from __future__ import annotations

import os
from secrets import token_hex
from socket import gethostname

from sqlalchemy.exc import DBAPIError, TimeoutError

from creditbank.commands.bank import Bank
from creditbank.ledger.database import writing
from creditbank.vault import generations, readers
from creditbank.vault.readers import Use

LOOK_SECONDS = 1.0
"""How often a process looks whether something changed. It then says so at once, and otherwise now and then."""

AGAIN_MICROSECONDS = 5_000_000


class Presence:
    """One per serving process, under a name of its own."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._process = f"{gethostname()}:{os.getpid()}:{token_hex(3)}"
        self._told: tuple[int, int] | None = None

    def report(self) -> None:
        """Say what this process can read, unless it has just said so and nothing has changed since."""
        epoch, now = self._bank.catalogue().epoch, self._bank.clock()
        if self._told is not None and self._told[0] == epoch and 0 <= now - self._told[1] < AGAIN_MICROSECONDS:
            return
        keys = self._bank.vault.keys
        with writing(self._bank.engine) as connection:
            epoch = self._bank.catalogue_in(connection).epoch
            readable = generations.readable(connection, keys)
            rings = {ring.name: Use(writes=ring.current, reads=tuple(readable[ring.name])) for ring in keys.rings}
            readers.report(connection, self._process, rings, now)
        self._told = (epoch, now)

    def leave(self) -> None:
        """Say that this process serves no more. Where the database does not answer, its silence says so."""
        try:
            with writing(self._bank.engine) as connection:
                readers.leave(connection, self._process)
        except (DBAPIError, TimeoutError):
            return
