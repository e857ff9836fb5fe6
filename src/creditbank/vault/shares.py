"""Secrets that open shares: `cs_<id of the share>_<secret>`. At rest only a keyed hash of the whole."""

from __future__ import annotations

import hmac
import secrets
from uuid import UUID

from sqlalchemy import Connection, delete, select, update

from creditbank.domain.values import partition_of
from creditbank.ledger import bulk
from creditbank.vault import apikeys
from creditbank.vault.keyfiles import KeyFiles
from creditbank.vault.tables import share_key

_LENGTH = len("cs_") + 32 + len("_") + 43


def new_secret(share_id: UUID) -> str:
    """A secret of 256 bits that names its share."""
    return f"cs_{share_id.hex}_{secrets.token_urlsafe(32)}"


def put(connection: Connection, keys: KeyFiles, account_id: UUID, share_id: UUID, secret: str, expires_at: int) -> None:
    """Let a secret open a share of an account, until a moment in microseconds."""
    pepper = keys.api_keys.current
    digest = apikeys.digest(keys, secret, pepper)
    bulk.insert(connection, share_key, [(share_id, account_id, expires_at, partition_of(share_id), pepper, digest)])


def find(connection: Connection, keys: KeyFiles, secret: str) -> tuple[UUID, UUID] | None:
    """The account and the share that a secret opens; None for one that the bank did not give out."""
    share_id = _share_of(secret)
    if share_id is None:
        return None
    row = connection.execute(select(share_key).where(share_key.c.share_id == share_id)).one_or_none()
    if row is None or not hmac.compare_digest(row.digest, apikeys.digest(keys, secret, row.pepper)):
        return None
    return row.account_id, row.share_id


def let_go(connection: Connection, share_id: UUID) -> None:
    """The secret of a share that was revoked opens nothing any more."""
    connection.execute(delete(share_key).where(share_key.c.share_id == share_id))


def carry_over(connection: Connection, merged: UUID, survivor: UUID) -> None:
    """After a merge the secrets open the survivor's shares."""
    connection.execute(update(share_key).where(share_key.c.account_id == merged).values(account_id=survivor))


def _share_of(secret: str) -> UUID | None:
    if len(secret) != _LENGTH or not secret.startswith("cs_") or not secret.isascii():
        return None
    try:
        return UUID(hex=secret[3:35])
    except ValueError:
        return None
