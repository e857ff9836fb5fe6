"""Bring stored values from one generation of a key to another, some accounts at a time, each time in full.

Whatever has been brought over is left alone, so that all of it may be repeated after any crash.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import (
    Connection,
    LargeBinary,
    Row,
    SmallInteger,
    Table,
    Uuid,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    update,
)

from creditbank.ledger import bulk
from creditbank.vault import formers
from creditbank.vault.keyfiles import Ring
from creditbank.vault.persons import IdentityDocument, Vault
from creditbank.vault.tables import api_key, oauth_client, person, person_claim, share_key

_CLAIMS = bulk.Lookup(select(person_claim), person_claim.c.account_id)
_REWRAP = (
    update(person)
    .where(
        person.c.account_id == bindparam("a", type_=Uuid),
        person.c.partition_id == bindparam("p", type_=SmallInteger),
        person.c.wrapping == bindparam("w", type_=SmallInteger),
    )
    .values(wrapping=bindparam("current", type_=SmallInteger), wrapped_key=bindparam("key", type_=LargeBinary))
)


class DocumentUntold(RuntimeError):
    """A claim of an account is of no document that the account's person ever had, so that it cannot be made anew."""


def persons(connection: Connection) -> int:
    return _count(connection, person)


def rewrap(connection: Connection, vault: Vault, after: UUID | None, limit: int) -> tuple[list[UUID], int]:
    """Wrap the keys of the next persons behind an account under the current generation, where they are not yet.

    Returns the accounts that were looked at, none at the end, and how many keys were wrapped anew.
    """
    current = vault.keys.wrapping.current
    rows = _page(connection, person, after, limit)
    old = [row for row in rows if row.wrapping != current]
    if old:
        connection.execute(
            _REWRAP,
            [
                {
                    "a": row.account_id,
                    "p": row.partition_id,
                    "w": row.wrapping,
                    "current": current,
                    "key": vault.rewrapped(row),
                }
                for row in old
            ],
        )
    return [row.account_id for row in rows], len(old)


def claimants(connection: Connection, after: UUID | None, limit: int) -> list[UUID]:
    """The next accounts behind one that have claims, in the order of their ids."""
    statement = select(person_claim.c.account_id).distinct().order_by(person_claim.c.account_id).limit(limit)
    if after is not None:
        statement = statement.where(person_claim.c.account_id > after)
    return list(connection.execute(statement).scalars())


def reindex(connection: Connection, vault: Vault, account_ids: Collection[UUID]) -> int:
    """Claim every document of these accounts under the joining generation too; the accounts' heads are locked.

    Returns how many claims were made. Raises DocumentUntold.
    """
    ring = vault.keys.blind_index
    indexes: dict[UUID, dict[int, set[bytes]]] = defaultdict(lambda: defaultdict(set))
    for row in _CLAIMS.rows(connection, account_ids):
        indexes[row.account_id][row.generation].add(row.blind_index)
    lacking = [one for one, by in indexes.items() if len(by[ring.written[-1]]) < len(by[ring.current])]
    documents = _documents(connection, vault, lacking)
    rows: list[tuple[Any, ...]] = []
    for account_id in lacking:
        told = {vault.blind_index(document, ring.current): document for document in documents[account_id]}
        if not indexes[account_id][ring.current] <= told.keys():
            raise DocumentUntold(f"a claim of the account {account_id} is of none of its holder's documents")
        claims = (vault.claim(told[index], account_id, ring.written[-1]) for index in indexes[account_id][ring.current])
        rows += (claim for claim in claims if claim[0] not in indexes[account_id][ring.written[-1]])
    bulk.insert(connection, person_claim, sorted(rows))
    return len(rows)


def is_indexed(connection: Connection, ring: Ring) -> bool:
    """Whether every claim under the current generation has its like under the one that is joining it.

    Once it is so it stays so: whatever adds, moves or drops claims does it under both.
    """
    before, after = (
        func.sum(case((person_claim.c.generation == generation, 1), else_=0)) for generation in ring.written
    )
    statement = select(person_claim.c.account_id).group_by(person_claim.c.account_id).having(before != after).limit(1)
    return connection.execute(statement).first() is None


def drop_claims(connection: Connection, ring: Ring, account_ids: Collection[UUID]) -> int:
    """Drop the claims of these accounts that are not of the current generation, and return their number."""
    is_old = person_claim.c.generation != ring.current
    return connection.execute(
        delete(person_claim).where(person_claim.c.account_id.in_(list(account_ids)), is_old)
    ).rowcount


def needs(connection: Connection, ring: str, generation: int, now: int) -> int:
    """How many stored values are worth nothing without a generation; those of what has ended do not count."""
    match ring:
        case "wrapping":
            return _count(connection, person, person.c.wrapping == generation)
        case "blind-index":
            return _count(connection, person_claim, person_claim.c.generation == generation)
        case _:
            return _needs_pepper(connection, generation, now)


def _needs_pepper(connection: Connection, generation: int, now: int) -> int:
    expires = api_key.c.expires_at
    is_live = api_key.c.revoked_at.is_(None) & or_(expires.is_(None), expires > now)
    keys = _count(connection, api_key, (api_key.c.pepper == generation) & is_live)
    shares = _count(
        connection,
        share_key,
        ((share_key.c.pepper == generation) & (share_key.c.expires_at > now)) & (share_key.c.expires_at > now),
    )
    held = select(oauth_client.c.secrets).where(
        oauth_client.c.secrets.is_not(None), oauth_client.c.revoked_at.is_(None)
    )
    secrets = [secret for row in connection.execute(held) for secret in from_json(row.secrets)]
    return keys + shares + sum(_is_due(secret, generation, now) for secret in secrets)


def _is_due(secret: dict[str, Any], generation: int, now: int) -> bool:
    until = secret.get("until")
    return bool(secret["pepper"] == generation and (until is None or until > now))


def _documents(
    connection: Connection, vault: Vault, account_ids: Collection[UUID]
) -> dict[UUID, list[IdentityDocument]]:
    """Every document by which these accounts may be found: the holders' own, and those of before."""
    before = formers.of_accounts(connection, vault, account_ids)
    documents = {account_id: [one.person.document for one in before[account_id]] for account_id in account_ids}
    for account_id, holder in vault.open(connection, account_ids).items():
        documents[account_id].append(holder.document)
    return documents


def _page(connection: Connection, table: Table, after: UUID | None, limit: int) -> list[Row[Any]]:
    statement = select(table).order_by(table.c.account_id).limit(limit)
    if after is not None:
        statement = statement.where(table.c.account_id > after)
    return list(connection.execute(statement))


def _count(connection: Connection, table: Table, *where: Any) -> int:
    counted: int = connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()
    return counted
