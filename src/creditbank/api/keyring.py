"""API keys as credentials: asks the database about each at most once in a while."""

from __future__ import annotations

import asyncio
import hmac

from creditbank.api.principals import Principal
from creditbank.commands.bank import Bank
from creditbank.domain import errors
from creditbank.vault import apikeys

FRESH_MICROSECONDS = 1_500_000
"""How long a key is trusted without asking the database again: a revoked key works no longer than this."""

CACHED_KEYS = 10_000


class KeyRing:
    """Knows API keys; asks the database about each at most once in a while."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._known: dict[str, tuple[apikeys.ApiKey, int]] = {}
        self._asking: dict[str, asyncio.Future[apikeys.ApiKey]] = {}

    async def principal(self, authorization: str | None) -> Principal:
        """The principal behind an Authorization header. Raises Unauthenticated, alike for every fault."""
        scheme, _, token = (authorization or "").partition(" ")
        token, now = token.strip(), self._bank.clock()
        # Known by the key itself: hashing it again for every request would cost more than the rest of this.
        known = self._known.get(token) if scheme.lower() == "bearer" else None
        # A clock that was set back would make what is old look new for as long as it was set back.
        if known is None or not 0 <= now - known[1] <= FRESH_MICROSECONDS:
            known = (await self._ask(scheme, token), now)
            if len(self._known) >= CACHED_KEYS:
                self._known.clear()
            self._known[token] = known
        if not known[0].is_valid(now):
            raise errors.Unauthenticated()
        return _principal(known[0])

    def forget(self, key_id: str) -> None:
        """Ask the database again about a key that has just been revoked."""
        self._known = {token: known for token, known in self._known.items() if known[0].key_id != key_id}

    async def _ask(self, scheme: str, token: str) -> apikeys.ApiKey:
        key_id = apikeys.id_of(token)
        if scheme.lower() != "bearer" or key_id is None:
            raise errors.Unauthenticated()
        # One question for all who come with the same key: a database that is slow to answer is not asked by each.
        asking = self._asking.get(token)
        if asking is None:
            asking = asyncio.ensure_future(asyncio.to_thread(self._find, key_id, token))
            self._asking[token] = asking
            asking.add_done_callback(lambda _: self._asking.pop(token))
        return await asyncio.shield(asking)

    def _find(self, key_id: str, token: str) -> apikeys.ApiKey:
        with self._bank.engine.connect() as connection, connection.begin():
            key = apikeys.find(connection, key_id)
        if key is None or not hmac.compare_digest(key.digest, apikeys.digest(self._bank.vault.keys, token)):
            raise errors.Unauthenticated()
        return key


def _principal(key: apikeys.ApiKey) -> Principal:
    return Principal(
        role=key.role,  # type: ignore[arg-type]  # only known roles are ever stored
        credential=key.key_id,
        organisation=key.organisation,
        account_id=key.account_id,
    )
