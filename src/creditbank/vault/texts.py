"""A learner's own words about a consent, a share or a request, sealed under the person's key: they may say anything."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Connection, select

from creditbank.domain.values import partition_of
from creditbank.ledger import bulk
from creditbank.vault.persons import Vault, open_field, seal_field
from creditbank.vault.tables import sealed_text

_TEXTS = bulk.Lookup(select(sealed_text), sealed_text.c.account_id)


def put(connection: Connection, vault: Vault, account_id: UUID, text_id: UUID, text: str) -> None:
    """Seal a text. There is nothing to seal it under where the person was erased: then it is not kept."""
    cipher = vault.ciphers(connection, [account_id]).get(account_id)
    if cipher is None:
        return
    sealed = seal_field(cipher, text.encode(), account_id, _field(text_id))
    bulk.insert(connection, sealed_text, [(account_id, text_id, partition_of(account_id), sealed)])


def of_accounts(connection: Connection, vault: Vault, account_ids: Collection[UUID]) -> dict[UUID, str]:
    """All texts of these accounts by their ids; none of persons who were erased."""
    rows = _TEXTS.rows(connection, account_ids)
    ciphers = vault.ciphers(connection, {row.account_id for row in rows})
    return {
        row.text_id: open_field(ciphers[row.account_id], row.sealed, row.account_id, _field(row.text_id)).decode()
        for row in rows
    }


def carry_over(connection: Connection, vault: Vault, merged: UUID, survivor: UUID) -> None:
    """After a merge the words stand on the survivor too, sealed under its person's key."""
    for text_id, text in of_accounts(connection, vault, [merged]).items():
        put(connection, vault, survivor, text_id, text)


def _field(text_id: UUID) -> str:
    return f"text\0{text_id}"
