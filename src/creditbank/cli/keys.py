"""`creditbank keys`: make, list and revoke API keys beside the server, above all the first one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from creditbank.cli import installation, owners
from creditbank.cli.outcome import Failed, say, say_json
from creditbank.clock import clock
from creditbank.domain.instants import instant_text, microseconds_of
from creditbank.ledger.database import writing
from creditbank.projections import catalogue
from creditbank.vault import apikeys, generations

CREATED_BY = "command-line"


def create(
    *, role: str, organisation: str | None, account_id: UUID | None, expires_at: datetime | None, as_json: bool
) -> None:
    """Store a key and print it, alone: nobody can read it again."""
    chosen = installation.settings()
    now = clock()
    expires = owners.end(role, None if expires_at is None else microseconds_of(expires_at), now)
    with installation.migrated(chosen) as engine:
        files = installation.bound_keys(chosen, engine)
        with writing(engine) as connection:
            # Under the generation that is current to the end of this: one that is retired takes no new keys along.
            catalogue.held_later(connection)()
            generations.follow(connection, files)
            owners.check(connection, role, organisation, account_id)
            key_id, key = apikeys.make(
                connection,
                files,
                role=role,
                organisation=organisation,
                account_id=account_id,
                created_by=CREATED_BY,
                now=now,
                expires_at=expires,
            )
    if as_json:
        say_json({"key_id": key_id, "key": key})
    else:
        say(key)


def show(*, as_json: bool) -> None:
    """Every key there is, the oldest first; never the keys themselves."""
    with installation.migrated(installation.settings()) as engine, engine.connect() as connection:
        rows = apikeys.every(connection)
    now = clock()
    if as_json:
        say_json([_described(row, now) for row in rows])
        return
    for row in rows:
        one = _described(row, now)
        owner = one["organisation"] or one["account_id"] or "-"
        say(f"{one['key_id']}  {one['status']:7}  {one['role']:11}  {owner}  since {one['created_at']}")


def revoke(*, key_id: str, as_json: bool) -> None:
    """End a key. Running servers notice within two seconds."""
    with installation.migrated(installation.settings()) as engine, writing(engine) as connection:
        if apikeys.find(connection, key_id) is None:
            raise Failed(f"there is no key {key_id}: `creditbank keys list` shows them")
        apikeys.revoke(connection, key_id, clock())
    if as_json:
        say_json({"key_id": key_id, "status": "revoked"})
    else:
        say(f"key {key_id} is revoked")


def _described(row: Row[Any], now: int) -> dict[str, Any]:
    is_expired = row.expires_at is not None and row.expires_at <= now
    return {
        "key_id": row.key_id,
        "status": "revoked" if row.revoked_at is not None else "expired" if is_expired else "valid",
        "role": row.role,
        "organisation": row.organisation,
        "account_id": None if row.account_id is None else str(row.account_id),
        "created_at": instant_text(row.created_at),
        "created_by": row.created_by,
        "expires_at": None if row.expires_at is None else instant_text(row.expires_at),
        "revoked_at": None if row.revoked_at is None else instant_text(row.revoked_at),
    }
