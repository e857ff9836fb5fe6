"""OAuth clients: programs of an organisation that fetch access tokens, by their own key or by a secret.

Of a key only the public part is known, of a secret only a keyed hash. While either is replaced, two are valid.
"""

from __future__ import annotations

import hmac
import re
import secrets as random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json
from sqlalchemy import Connection, Row, func, insert, or_, select, update

from creditbank.vault import apikeys
from creditbank.vault.keyfiles import KeyFiles
from creditbank.vault.publickeys import PublicKey, public_key
from creditbank.vault.tables import oauth_client

_ID = re.compile("cbc_[0-9a-f]{16}", re.ASCII)
_BY_AGE = (oauth_client.c.created_at, oauth_client.c.client_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What is kept of a client secret; `until` is set once another one has taken its place."""

    digest: bytes
    pepper: int
    until: int | None = None


_SECRETS = TypeAdapter(list[Secret], config={"ser_json_bytes": "base64", "val_json_bytes": "base64"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered client. Times are microseconds since 1970 UTC; `scopes` None leaves all that the role may do."""

    client_id: str
    organisation: str
    role: str
    scopes: frozenset[str] | None
    keys: tuple[PublicKey, ...]
    secrets: tuple[Secret, ...]
    dpop_bound: bool
    created_at: int
    created_by: str
    expires_at: int | None
    revoked_at: int | None = None

    def is_valid(self, now: int) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def new_id() -> str:
    return f"cbc_{random.token_hex(8)}"


def is_id(text: str) -> bool:
    """Whether this can be the id of a client at all: anything else need not be looked up."""
    return _ID.fullmatch(text) is not None


def new_secret(keys: KeyFiles) -> tuple[str, Secret]:
    """A secret of 256 bits, which nobody can read again, and what is kept of it."""
    text = f"cbs_{random.token_urlsafe(32)}"
    pepper = keys.api_keys.current
    return text, Secret(digest=apikeys.digest(keys, text, pepper), pepper=pepper)


def opens(keys: KeyFiles, client: Client | None, secret: str, now: int) -> bool:
    """Whether this is a secret of the client; a client that is not there takes as long."""
    known = client.secrets if client is not None else ()
    live = [one for one in known if one.until is None or now < one.until]
    candidates = live or [Secret(digest=bytes(32), pepper=keys.api_keys.current)]
    matches = [hmac.compare_digest(one.digest, apikeys.digest(keys, secret, one.pepper)) for one in candidates]
    return any(matches) and bool(live)


def add(connection: Connection, client: Client) -> None:
    connection.execute(
        insert(oauth_client).values(
            client_id=client.client_id,
            organisation=client.organisation,
            role=client.role,
            scopes=None if client.scopes is None else " ".join(sorted(client.scopes)),
            dpop_bound=client.dpop_bound,
            created_at=client.created_at,
            created_by=client.created_by,
            expires_at=client.expires_at,
            **_credentials(client.keys, client.secrets),
        )
    )


def replace_credentials(
    connection: Connection, client_id: str, keys: Sequence[PublicKey], secrets: Sequence[Secret]
) -> None:
    """From now on these, and no others, are the keys and secrets of the client."""
    statement = update(oauth_client).where(oauth_client.c.client_id == client_id)
    connection.execute(statement.values(_credentials(keys, secrets)))


def revoke(connection: Connection, client_id: str, now: int) -> None:
    """A revoked client stays on record, with the time when it ended."""
    live = (oauth_client.c.client_id == client_id) & oauth_client.c.revoked_at.is_(None)
    connection.execute(update(oauth_client).where(live).values(revoked_at=now))


def find(connection: Connection, client_id: str, *, lock: bool = False) -> Client | None:
    statement = select(oauth_client).where(oauth_client.c.client_id == client_id)
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    return None if row is None else _client(row)


def of_organisation(connection: Connection, organisation: str, after: tuple[int, str], limit: int) -> list[Client]:
    """Clients of an organisation, the oldest first, behind a time of creation and an id."""
    made = oauth_client.c.created_at
    behind = or_(made > after[0], (made == after[0]) & (oauth_client.c.client_id > after[1]))
    statement = select(oauth_client).where(oauth_client.c.organisation == organisation, behind)
    return [_client(row) for row in connection.execute(statement.order_by(*_BY_AGE).limit(limit))]


def count_live(connection: Connection, organisation: str, now: int) -> int:
    """How many clients of an organisation are neither revoked nor expired."""
    ends = oauth_client.c.expires_at
    is_live = oauth_client.c.revoked_at.is_(None) & or_(ends.is_(None), ends > now)
    statement = select(func.count()).select_from(oauth_client)
    counted: int = connection.execute(
        statement.where(oauth_client.c.organisation == organisation, is_live)
    ).scalar_one()
    return counted


def _credentials(keys: Collection[PublicKey], secrets: Sequence[Secret]) -> Mapping[str, bytes | None]:
    return {
        "public_keys": to_json([key.document for key in keys]) if keys else None,
        "secrets": _SECRETS.dump_json(list(secrets)) if secrets else None,
    }


def _client(row: Row[Any]) -> Client:
    return Client(
        client_id=row.client_id,
        organisation=row.organisation,
        role=row.role,
        scopes=None if row.scopes is None else frozenset(row.scopes.split()),
        keys=tuple(public_key(jwk) for jwk in from_json(row.public_keys or b"[]")),
        secrets=tuple(_SECRETS.validate_json(row.secrets or b"[]")),
        dpop_bound=row.dpop_bound,
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
