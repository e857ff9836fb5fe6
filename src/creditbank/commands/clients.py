"""Register OAuth clients, replace their keys and secrets, revoke them. A secret is shown once and never stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from creditbank.commands.bank import Bank
from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs
from creditbank.domain import errors, terms
from creditbank.domain.errors import Fault
from creditbank.domain.instants import instant_text
from creditbank.domain.organisations import organisation
from creditbank.vault import clients
from creditbank.vault.clients import Client
from creditbank.vault.publickeys import PublicKey

LIVE_CLIENTS = 50
"""At most so many clients of an organisation are valid at once."""

FORMER_MICROSECONDS = 7 * 24 * 3600 * 1_000_000
"""How long a secret that was replaced stays valid, where nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterClient:
    """A client of an organisation, in one of its roles. Without keys it gets a secret. `expires_at` in microseconds."""

    organisation: str
    role: str
    keys: tuple[PublicKey, ...]
    scopes: frozenset[str] | None
    dpop_bound: bool
    created_by: str
    expires_at: int | None

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        unit = draft.unit
        if self.role not in organisation(draft.catalogue, self.organisation).registered.roles:
            fault = Fault(code="role_not_held", pointer="/role", detail="The organisation does not have this role.")
            raise errors.Invalid(faults=[fault])
        if clients.count_live(unit.connection, self.organisation, unit.now) >= LIVE_CLIENTS:
            raise errors.KeysExhausted(LIVE_CLIENTS)
        text, secret = clients.new_secret(unit.bank.vault.keys)
        client = Client(
            client_id=clients.new_id(),
            organisation=self.organisation,
            role=self.role,
            scopes=self.scopes,
            keys=self.keys,
            secrets=() if self.keys else (secret,),
            dpop_bound=self.dpop_bound,
            created_at=unit.now,
            created_by=self.created_by,
            expires_at=terms.ends_at(self.role, self.expires_at, unit.now),
        )
        clients.add(unit.connection, client)
        once = {} if self.keys else {"client_secret": text}
        return Answer(status=201, body=document(client, unit.now), once=once)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceKeys:
    """From now on these are the client's keys. A client that had a secret has none any more."""

    client_id: str
    keys: tuple[PublicKey, ...]

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        client = replace(_live(draft, self.client_id), keys=self.keys, secrets=())
        clients.replace_credentials(draft.unit.connection, self.client_id, client.keys, client.secrets)
        return Answer(status=200, body=document(client, draft.unit.now))


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateSecret:
    """Another secret for a client that has one; the former is valid until `former_until`, in microseconds."""

    client_id: str
    former_until: int | None

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        unit = draft.unit
        client = _live(draft, self.client_id)
        if not client.secrets:
            raise errors.WrongState("client", "private_key_jwt")
        until = unit.now + FORMER_MICROSECONDS if self.former_until is None else self.former_until
        text, secret = clients.new_secret(unit.bank.vault.keys)
        rotated = replace(client, secrets=(secret, replace(client.secrets[0], until=until)))
        clients.replace_credentials(unit.connection, self.client_id, rotated.keys, rotated.secrets)
        return Answer(status=200, body=document(rotated, unit.now), once={"client_secret": text})


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeClient:
    client_id: str

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        _found(draft, self.client_id)
        draft.statements.append(lambda connection: clients.revoke(connection, self.client_id, draft.unit.now))
        return Answer(status=204, body={})


def listed(bank: Bank, organisation: str, after: tuple[int, str], limit: int) -> Sequence[Client]:
    """Clients of an organisation in the order of their registration, behind a place in that order."""
    with bank.engine.connect() as connection, connection.begin():
        return clients.of_organisation(connection, organisation, after, limit)


def document(client: Client, now: int) -> dict[str, Any]:
    """What is told about a client to those who manage clients."""
    former = [secret.until for secret in client.secrets if secret.until is not None and now < secret.until]
    return {
        "client_id": client.client_id,
        "organisation": client.organisation,
        "role": client.role,
        "scopes": None if client.scopes is None else sorted(client.scopes),
        "authentication": "private_key_jwt" if client.keys else "client_secret",
        "jwks": {"keys": [dict(key.document) for key in client.keys]} if client.keys else None,
        "former_secret_expires_at": _instant(former[0] if former else None),
        "dpop_bound": client.dpop_bound,
        "status": _status(client, now),
        "created_at": instant_text(client.created_at),
        "created_by": client.created_by,
        "expires_at": _instant(client.expires_at),
        "revoked_at": _instant(client.revoked_at),
    }


def _found(draft: Draft, client_id: str) -> Client:
    client = clients.find(draft.unit.connection, client_id, lock=True) if clients.is_id(client_id) else None
    if client is None:
        raise errors.NotFound()
    return client


def _live(draft: Draft, client_id: str) -> Client:
    client = _found(draft, client_id)
    if not client.is_valid(draft.unit.now):
        raise errors.WrongState("client", _status(client, draft.unit.now))
    return client


def _status(client: Client, now: int) -> Literal["valid", "expired", "revoked"]:
    if client.revoked_at is not None:
        return "revoked"
    return "valid" if client.is_valid(now) else "expired"


def _instant(instant: int | None) -> str | None:
    return None if instant is None else instant_text(instant)
