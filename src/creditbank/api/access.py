"""Who asks, and what they may do: the operation table of the contract, read by every route."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from creditbank.commands.bank import Bank
from creditbank.domain import errors
from creditbank.vault import apikeys

Role = Literal["authority", "issuer", "institution", "learner", "auditor"]
Operation = Literal[
    "read_catalogue",
    "write_catalogue",
    "read_programmes",
    "write_programmes",
    "open_accounts",
    "award",
    "hold",
    "revoke",
    "read_certificates",
    "decide_uses",
    "evaluate",
    "read_uses",
    "read_balance",
    "read_history",
    "change_accounts",
    "manage_keys",
]

PERMITTED: Mapping[Operation, frozenset[Role]] = {
    "read_catalogue": frozenset({"authority", "issuer", "institution", "auditor"}),
    "write_catalogue": frozenset({"authority"}),
    "read_programmes": frozenset({"authority", "institution", "auditor"}),
    "write_programmes": frozenset({"institution"}),
    "open_accounts": frozenset({"authority", "institution"}),
    "award": frozenset({"issuer"}),
    "hold": frozenset({"authority", "issuer"}),
    "revoke": frozenset({"authority", "issuer"}),
    "read_certificates": frozenset({"authority", "issuer", "institution", "learner", "auditor"}),
    "decide_uses": frozenset({"institution"}),
    "evaluate": frozenset({"authority", "issuer", "institution", "auditor"}),
    "read_uses": frozenset({"authority", "institution", "learner", "auditor"}),
    "read_balance": frozenset({"authority", "institution", "learner", "auditor"}),
    "read_history": frozenset({"authority", "issuer", "institution", "learner", "auditor"}),
    "change_accounts": frozenset({"authority"}),
    "manage_keys": frozenset({"authority"}),
}
"""Which roles may do what. On whose objects is decided where the object is read: a foreign one is not found."""

FRESH_MICROSECONDS = 1_500_000
"""How long a key is trusted without asking the database again: a revoked key works no longer than this."""

CACHED_KEYS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks: a role, for an organisation, the bank itself, or one learner."""

    role: Role
    key_id: str
    organisation: str | None
    account_id: UUID | None

    @property
    def scope(self) -> str:
        """Whose idempotency keys these are. No organisation's code holds a colon, so none is taken for a role."""
        return self.organisation or (f"learner:{self.account_id}" if self.account_id else f"role:{self.role}")

    @property
    def actor(self) -> str:
        """How the events name it."""
        return f"{self.organisation or self.role}:{self.key_id}"

    @property
    def own_code(self) -> str:
        """The organisation in whose name it acts. Raises Forbidden for a key that belongs to none."""
        if self.organisation is None:
            raise errors.Forbidden()
        return self.organisation

    @property
    def as_institution(self) -> str | None:
        return self.organisation if self.role == "institution" else None

    @property
    def as_issuer(self) -> str | None:
        return self.organisation if self.role == "issuer" else None

    def require(self, operation: Operation) -> None:
        """Raise Forbidden unless the operation table lets this role do it."""
        if self.role not in PERMITTED[operation]:
            raise errors.Forbidden()


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
        key_id=key.key_id,
        organisation=key.organisation,
        account_id=key.account_id,
    )
