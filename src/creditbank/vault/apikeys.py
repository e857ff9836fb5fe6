"""API keys: `cb_<id>_<secret><check>`. At rest only a keyed hash of the whole key.

The id finds the row, the check digits tell a typing error from an attack without asking the database.
"""

from __future__ import annotations

import hmac
import secrets
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Connection, Row, bindparam, func, insert, or_, select, update

from creditbank.vault.keyfiles import ForeignKeys, KeyFiles, new_secret
from creditbank.vault.tables import api_key

MINUTE = 60_000_000
"""The last use of a key is written at most so often, in microseconds: reads must not become writes."""

_BY_AGE = (api_key.c.created_at, api_key.c.key_id)
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A stored key. Times are microseconds since 1970 UTC; `scopes` None leaves all that the role may do."""

    key_id: str
    digest: bytes
    pepper: int
    role: str
    organisation: str | None
    account_id: UUID | None
    scopes: frozenset[str] | None
    created_at: int
    created_by: str
    expires_at: int | None
    last_used_at: int | None
    revoked_at: int | None

    def is_valid(self, now: int) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def make(
    connection: Connection,
    keys: KeyFiles,
    *,
    role: str,
    organisation: str | None,
    account_id: UUID | None,
    created_by: str,
    now: int,
    expires_at: int | None,
    scopes: Collection[str] | None = None,
) -> tuple[str, str]:
    """Store a new key and return its id and the key itself, which nobody can read again."""
    key_id = _random(10)
    body = f"cb_{key_id}_{_random(32)}"
    key = body + _check(body)
    connection.execute(
        insert(api_key).values(
            key_id=key_id,
            digest=digest(keys, key, keys.api_keys.current),
            pepper=keys.api_keys.current,
            role=role,
            organisation=organisation,
            account_id=account_id,
            scopes=None if scopes is None else " ".join(sorted(scopes)),
            created_at=now,
            created_by=created_by,
            expires_at=expires_at,
        )
    )
    return key_id, key


def revoke(connection: Connection, key_id: str, now: int) -> None:
    """A revoked key stays on record, with the time when it ended."""
    connection.execute(
        update(api_key).where(api_key.c.key_id == key_id, api_key.c.revoked_at.is_(None)).values(revoked_at=now)
    )


def find(connection: Connection, key_id: str) -> ApiKey | None:
    row = connection.execute(select(api_key).where(api_key.c.key_id == key_id)).one_or_none()
    return None if row is None else _key(row)


def of_organisation(connection: Connection, organisation: str, after: tuple[int, str], limit: int) -> list[ApiKey]:
    """Keys of an organisation, the oldest first, behind a time of creation and an id."""
    behind = or_(api_key.c.created_at > after[0], (api_key.c.created_at == after[0]) & (api_key.c.key_id > after[1]))
    statement = select(api_key).where(api_key.c.organisation == organisation, behind)
    return [_key(row) for row in connection.execute(statement.order_by(*_BY_AGE).limit(limit))]


def count_live(connection: Connection, organisation: str, role: str, now: int) -> int:
    """How many keys an organisation has in a role that are neither revoked nor expired."""
    is_live = (api_key.c.revoked_at.is_(None)) & (or_(api_key.c.expires_at.is_(None), api_key.c.expires_at > now))
    statement = select(func.count()).select_from(api_key)
    counted: int = connection.execute(
        statement.where(api_key.c.organisation == organisation, api_key.c.role == role, is_live)
    ).scalar_one()
    return counted


def note_uses(connection: Connection, uses: Mapping[str, int]) -> None:
    """Write when keys were used, by their ids, except of those whose last use was written within the last minute."""
    used_at = bindparam("used_at", type_=BigInteger)
    is_due = or_(api_key.c.last_used_at.is_(None), api_key.c.last_used_at <= used_at - MINUTE)
    statement = update(api_key).where(api_key.c.key_id == bindparam("used_key"), is_due).values(last_used_at=used_at)
    # In one order for all processes, so that two of them never wait for each other.
    connection.execute(statement, [{"used_key": key_id, "used_at": now} for key_id, now in sorted(uses.items())])


def every(connection: Connection) -> Sequence[Row[Any]]:
    """The row of every key there ever was, the oldest first."""
    return connection.execute(select(api_key).order_by(*_BY_AGE)).all()


def id_of(key: str) -> str | None:
    """The public id inside a well-formed key; None for anything else."""
    prefix, _, rest = key.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != "cb" or len(key_id) != 10 or len(secret) != 38 or not key.isascii():
        return None
    return key_id if _check(key[:-6]) == key[-6:] else None


def opens(keys: KeyFiles, stored: ApiKey, key: str) -> bool:
    """Whether this is the key that was stored; takes the same time whether it is or not."""
    return hmac.compare_digest(stored.digest, digest(keys, key, stored.pepper))


def digest(keys: KeyFiles, key: str, generation: int) -> bytes:
    """What is stored of a key, under the pepper of this generation.

    Under one that was destroyed it is nothing that was ever stored: whoever still comes with such a key is refused.
    """
    try:
        pepper = keys.api_keys.of(generation)
    except ForeignKeys:
        pepper = new_secret()
    return hmac.digest(pepper, key.encode(), sha256)


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        key_id=row.key_id,
        digest=row.digest,
        pepper=row.pepper,
        role=row.role,
        organisation=row.organisation,
        account_id=row.account_id,
        scopes=None if row.scopes is None else frozenset(row.scopes.split()),
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _check(body: str) -> str:
    number = zlib.crc32(body.encode())
    text = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        text = _ALPHABET[digit] + text
    return text
