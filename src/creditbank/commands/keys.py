"""Issue and revoke API keys. The key itself is shown once and never stored, not even in the stored answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from creditbank.commands.bank import Bank
from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs
from creditbank.domain import errors, terms
from creditbank.domain.errors import Fault
from creditbank.domain.instants import instant_text
from creditbank.domain.organisations import organisation
from creditbank.vault import apikeys

LIVE_KEYS = 50
"""At most so many keys of an organisation in a role are valid at once. Two are what a rotation needs; forgotten ones
must not pile up for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueKey:
    """A key for an organisation, in one of its roles. `expires_at` is in microseconds; an auditor's always ends."""

    organisation: str
    role: str
    created_by: str
    expires_at: int | None
    scopes: tuple[str, ...] | None = None

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        if self.role not in organisation(draft.catalogue, self.organisation).registered.roles:
            fault = Fault(code="role_not_held", pointer="/role", detail="The organisation does not have this role.")
            raise errors.Invalid(faults=[fault])
        connection, now = draft.unit.connection, draft.unit.now
        expires_at = terms.ends_at(self.role, self.expires_at, now)
        if apikeys.count_live(connection, self.organisation, self.role, now) >= LIVE_KEYS:
            raise errors.KeysExhausted(LIVE_KEYS)
        key_id, key = apikeys.make(
            connection,
            draft.unit.bank.vault.keys,
            role=self.role,
            organisation=self.organisation,
            account_id=None,
            created_by=self.created_by,
            now=now,
            expires_at=expires_at,
            scopes=self.scopes,
        )
        body = {
            "key_id": key_id,
            "organisation": self.organisation,
            "role": self.role,
            "scopes": None if self.scopes is None else sorted(self.scopes),
            "expires_at": _instant(expires_at),
        }
        return Answer(status=201, body=body, once={"key": key})


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeKey:
    key_id: str

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        if apikeys.find(draft.unit.connection, self.key_id) is None:
            raise errors.NotFound()
        draft.statements.append(lambda connection: apikeys.revoke(connection, self.key_id, draft.unit.now))
        return Answer(status=204, body={})


def listed(bank: Bank, organisation: str, after: tuple[int, str], limit: int) -> list[apikeys.ApiKey]:
    """Keys of an organisation in the order of their making, behind a place in that order."""
    with bank.engine.connect() as connection, connection.begin():
        return apikeys.of_organisation(connection, organisation, after, limit)


def document(key: apikeys.ApiKey, now: int) -> dict[str, Any]:
    """What is told about a key to those who manage keys."""
    is_expired = key.expires_at is not None and key.expires_at <= now
    return {
        "key_id": key.key_id,
        "organisation": key.organisation,
        "role": key.role,
        "scopes": None if key.scopes is None else sorted(key.scopes),
        "status": "revoked" if key.revoked_at is not None else "expired" if is_expired else "valid",
        "created_at": instant_text(key.created_at),
        "created_by": key.created_by,
        "expires_at": _instant(key.expires_at),
        "last_used_at": _instant(key.last_used_at),
        "revoked_at": _instant(key.revoked_at),
    }


def _instant(instant: int | None) -> str | None:
    return None if instant is None else instant_text(instant)
