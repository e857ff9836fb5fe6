"""API keys: `cb_<id>_<secret><check>`. At rest only a keyed hash of the whole key.

The id finds the row, the check digits tell a typing error from an attack without asking the database.
"""

from __future__ import annotations

import hmac
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, update

from creditbank.vault.keyfiles import KeyFiles
from creditbank.vault.tables import api_key

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A stored key. Times are microseconds since 1970 UTC."""

    key_id: str
    digest: bytes
    role: str
    organisation: str | None
    account_id: UUID | None
    expires_at: int | None
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
) -> tuple[str, str]:
    """Store a new key and return its id and the key itself, which nobody can read again."""
    key_id = _random(10)
    body = f"cb_{key_id}_{_random(32)}"
    key = body + _check(body)
    connection.execute(
        insert(api_key).values(
            key_id=key_id,
            digest=digest(keys, key),
            role=role,
            organisation=organisation,
            account_id=account_id,
            created_at=now,
            created_by=created_by,
            expires_at=expires_at,
            revoked_at=None,
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
    if row is None:
        return None
    return ApiKey(
        key_id=row.key_id,
        digest=row.digest,
        role=row.role,
        organisation=row.organisation,
        account_id=row.account_id,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


def every(connection: Connection) -> Sequence[Row[Any]]:
    """The row of every key there ever was, the oldest first."""
    return connection.execute(select(api_key).order_by(api_key.c.created_at, api_key.c.key_id)).all()


def id_of(key: str) -> str | None:
    """The public id inside a well-formed key; None for anything else."""
    prefix, _, rest = key.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != "cb" or len(key_id) != 10 or len(secret) != 38 or not key.isascii():
        return None
    return key_id if _check(key[:-6]) == key[-6:] else None


def digest(keys: KeyFiles, key: str) -> bytes:
    return hmac.digest(keys.api_keys, key.encode(), sha256)


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _check(body: str) -> str:
    number = zlib.crc32(body.encode())
    text = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        text = _ALPHABET[digit] + text
    return text
