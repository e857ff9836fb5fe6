"""API keys as credentials: asks the database about each at most once in a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from creditbank.api.freshness import Remembered
from creditbank.api.last_uses import LastUses
from creditbank.api.principals import Principal
from creditbank.api.refusals import CredentialRefused
from creditbank.commands.bank import Bank
from creditbank.projections import accounts
from creditbank.vault import apikeys


@dataclass(frozen=True, slots=True)
class _Known:
    """A key that was found, and who speaks with it."""

    key: apikeys.ApiKey
    principal: Principal


class KeyRing:
    """Knows API keys by the keys themselves: to hash one for every request would cost more than all the rest."""

    def __init__(self, bank: Bank, uses: LastUses) -> None:
        self._bank = bank
        self._uses = uses
        self._keys = Remembered[_Known](self._find, lambda: bank.clock())

    async def principal(self, key: str) -> Principal:
        """The principal behind a key. Raises CredentialRefused."""
        known, now = await self._keys.get(key), self._bank.clock()
        if not known.key.is_valid(now):
            raise CredentialRefused("api_key", "ended")
        self._uses.note(known.key.key_id, now)
        return known.principal

    def forget(self, key_id: str) -> None:
        """Ask the database again about a key that has just been revoked."""
        self._keys.forget(lambda known: known.key.key_id == key_id)

    def forget_organisation(self, code: str) -> None:
        """Ask the database again about all keys of an organisation."""
        self._keys.forget(lambda known: known.key.organisation == code)

    def _find(self, text: str) -> _Known:
        key_id = apikeys.id_of(text)
        if key_id is None:
            raise CredentialRefused("api_key", "malformed")
        with self._bank.engine.connect() as connection, connection.begin():
            key = apikeys.find(connection, key_id)
            line = accounts.line(connection, key.account_id) if key is not None and key.account_id else []
            is_suspended = key is not None and self._bank.is_suspended(connection, key.organisation)
        if key is None or not apikeys.opens(self._bank.vault.keys, key, text):
            raise CredentialRefused("api_key", "unknown")
        if is_suspended:
            raise CredentialRefused("api_key", "suspended")
        return _Known(key, _principal(key, line))


def _principal(key: apikeys.ApiKey, line: Sequence[UUID]) -> Principal:
    """Who speaks with a key. A learner's goes with the account where that was merged into another one."""
    return Principal(
        role=key.role,  # type: ignore[arg-type]  # only known roles are ever stored
        credential=key.key_id,
        organisation=key.organisation,
        account_id=line[-1] if line else None,
        former_accounts=frozenset(line[:-1]),
        scopes=key.scopes,
    )
