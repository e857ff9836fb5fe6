"""Identifiers that may be used once, over all processes: those that come together are looked up together."""

from __future__ import annotations

from collections.abc import Sequence

from creditbank.api.refusals import CredentialRefused, Kind
from creditbank.commands.bank import Bank
from creditbank.ledger.database import writing
from creditbank.ledger.gather import Gatherer
from creditbank.vault import used
from creditbank.vault.used import Once

GROUP_LIMIT = 64
SWEEP_SECONDS = 60.0


class UsedOnce:
    """Knows what was used, by asking the one table of the bank."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._gatherer = Gatherer[Once, bool]("used-once", self._use, GROUP_LIMIT)

    async def use(self, kind: Kind, owner: str, identifier: str, expires_at: int) -> None:
        """Use an identifier of its owner. Raises CredentialRefused where it was used before."""
        if not await self._gatherer.ask(used.once(kind, owner, identifier, expires_at)):
            raise CredentialRefused(kind, "replayed")

    def sweep(self) -> None:
        """Forget what would be refused for its age anyway; a chore."""
        with writing(self._bank.engine) as connection:
            used.sweep(connection, self._bank.clock())

    def close(self) -> None:
        self._gatherer.close()

    def _use(self, wanted: Sequence[Once]) -> Sequence[bool]:
        with writing(self._bank.engine) as connection:
            return used.use(connection, wanted)
