"""OAuth clients as this process knows them: what the database said about each a moment ago."""

from __future__ import annotations

from dataclasses import dataclass

from creditbank.api.freshness import Remembered
from creditbank.api.refusals import CredentialRefused, Kind
from creditbank.commands.bank import Bank
from creditbank.vault import clients
from creditbank.vault.clients import Client


@dataclass(frozen=True, slots=True)
class _Known:
    client: Client
    is_suspended: bool


class _Nobody(LookupError):
    """No client has this id. Not remembered: anybody can invent ids."""


class Clients:
    """Finds clients, and tells those that may act from those that may not any more."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._known = Remembered[_Known](self._find, lambda: bank.clock())

    async def live(self, client_id: str, kind: Kind) -> Client:
        """A client that may act. Raises CredentialRefused where there is none, it has ended or is suspended."""
        known = await self._get(client_id)
        if known is None:
            raise CredentialRefused(kind, "unknown")
        if not known.client.is_valid(self._bank.clock()):
            raise CredentialRefused(kind, "ended")
        if known.is_suspended:
            raise CredentialRefused(kind, "suspended")
        return known.client

    async def by_secret(self, client_id: str, secret: str) -> Client:
        """The client that this secret opens. Raises CredentialRefused; one that is not there takes as long."""
        known = await self._get(client_id)
        client = None if known is None else known.client
        if not clients.opens(self._bank.vault.keys, client, secret, self._bank.clock()):
            raise CredentialRefused("client", "unknown")
        return await self.live(client_id, "client")

    def forget(self, client_id: str) -> None:
        """Ask the database again about a client that has just changed."""
        self._known.forget(lambda known: known.client.client_id == client_id)

    def forget_organisation(self, code: str) -> None:
        """Ask the database again about all clients of an organisation."""
        self._known.forget(lambda known: known.client.organisation == code)

    async def _get(self, client_id: str) -> _Known | None:
        try:
            return await self._known.get(client_id)
        except _Nobody:
            return None

    def _find(self, client_id: str) -> _Known:
        if not clients.is_id(client_id):
            raise _Nobody
        with self._bank.engine.connect() as connection, connection.begin():
            client = clients.find(connection, client_id)
            if client is None:
                raise _Nobody
            return _Known(client, self._bank.is_suspended(connection, client.organisation))
