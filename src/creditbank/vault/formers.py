"""Former holders: what a person was called before a correction or a merge, kept sealed under the person's own key.

Documents that were issued under a former name can so be told from forgeries; nobody finds a person by it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

import uuid_utils.compat as uuids
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic_core import from_json, to_json
from sqlalchemy import Connection, select, update

from creditbank.domain.values import partition_of
from creditbank.ledger import bulk
from creditbank.vault.persons import Person, Vault, open_field, seal_field, sealed_fields
from creditbank.vault.tables import former_holder, person

_FORMERS = bulk.Lookup(
    select(former_holder).order_by(former_holder.c.replaced_at, former_holder.c.former_id), former_holder.c.account_id
)

Cause = Literal["error", "change", "merge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """A holder as it stood until `replaced_at`, in microseconds since 1970 UTC, and why it stands so no more."""

    person: Person
    replaced_at: int
    cause: Cause


def of_accounts(connection: Connection, vault: Vault, account_ids: Collection[UUID]) -> dict[UUID, list[Former]]:
    """The former holders of each account, oldest first; none for persons who were erased."""
    found: dict[UUID, list[Former]] = {account_id: [] for account_id in account_ids}
    rows = _FORMERS.rows(connection, account_ids)
    ciphers = vault.ciphers(connection, {row.account_id for row in rows})
    for row in rows:
        one = _opened(ciphers[row.account_id], row)
        found[row.account_id].append(Former(person=one, replaced_at=row.replaced_at, cause=row.cause))
    return found


def correct(connection: Connection, vault: Vault, account_id: UUID, corrected: Person, cause: Cause, now: int) -> None:
    """Put other particulars in place of a holder's, and keep those that stood there before."""
    cipher = vault.ciphers(connection, [account_id])[account_id]
    before = vault.open(connection, [account_id])[account_id]
    _keep(connection, cipher, account_id, [Former(person=before, replaced_at=now, cause=cause)])
    name, document, birth_date = sealed_fields(cipher, account_id, corrected)
    connection.execute(
        update(person)
        .where(person.c.account_id == account_id)
        .values(name=name, document=document, birth_date=birth_date)
    )


def carry_over(connection: Connection, vault: Vault, merged: UUID, survivor: UUID, now: int) -> None:
    """After a merge the holder of the merged account, and its former ones, are former ones of the survivor.

    All are replaced at the moment of the merge: it is since then that their certificates are the survivor's.
    """
    ciphers, holders = vault.ciphers(connection, [survivor]), vault.open(connection, [merged])
    if survivor not in ciphers or merged not in holders:
        return
    formers = of_accounts(connection, vault, [merged])[merged]
    carried = [Former(person=one.person, replaced_at=now, cause=one.cause) for one in formers]
    carried.append(Former(person=holders[merged], replaced_at=now, cause="merge"))
    _keep(connection, ciphers[survivor], survivor, carried)


def _keep(connection: Connection, cipher: AESGCM, account_id: UUID, formers: Collection[Former]) -> None:
    rows = []
    for one in formers:
        former_id = uuids.uuid7()
        sealed = seal_field(cipher, to_json(_document(one.person)), account_id, _field(former_id))
        rows.append((account_id, former_id, one.replaced_at, partition_of(account_id), one.cause, sealed))
    bulk.insert(connection, former_holder, rows)


def _document(one: Person) -> dict[str, Any]:
    return {"name": one.name, "type": one.document_type, "number": one.number, "birth_date": one.birth_date}


def _opened(cipher: AESGCM, row: Any) -> Person:
    document = from_json(open_field(cipher, row.person, row.account_id, _field(row.former_id)))
    born = document["birth_date"]
    return Person(
        name=document["name"],
        document_type=document["type"],
        number=document["number"],
        birth_date=date.fromisoformat(born) if born else None,
    )


def _field(former_id: UUID) -> str:
    return f"former\0{former_id}"
