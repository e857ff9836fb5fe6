"""Persons: name and identity document, sealed under a key of their own, found again by a keyed hash.

Each field is sealed with AES-256-GCM and bound to its account and field name, so that no ciphertext can be
moved to another place. The person's key is wrapped by a key outside the database; destroying the wrapped
key erases the person for good, in every copy of the database too.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, delete, select, update

from creditbank.domain.values import partition_of
from creditbank.ledger import bulk
from creditbank.vault.keyfiles import KeyFiles
from creditbank.vault.tables import former_holder, person, person_claim, sealed_text, session, share_key

_NONCE = 12
_PERSONS = bulk.Lookup(select(person), person.c.account_id)
_KEPT = bulk.Lookup(select(person.c.account_id), person.c.account_id)
_CLAIMS = bulk.Lookup(select(person_claim), person_claim.c.blind_index)


@dataclass(frozen=True, slots=True)
class IdentityDocument:
    """Type and normalised number: what names a person. It does not show in a traceback or a log."""

    type: str
    number: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A holder in clear, who does not show in a traceback or a log.

    `number` is normalised; `document_type` is one of the bank's document types.
    """

    name: str = field(repr=False)
    document_type: str
    number: str = field(repr=False)
    birth_date: date | None = field(default=None, repr=False)

    @property
    def document(self) -> IdentityDocument:
        return IdentityDocument(self.document_type, self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A person as posted, and whether a guardian is said to agree."""

    person: Person
    guardian_consent: bool = False

    @property
    def document(self) -> IdentityDocument:
        return self.person.document


@dataclass(frozen=True, slots=True)
class Vault:
    """Seals and opens persons with the bank's keys."""

    keys: KeyFiles

    def blind_index(self, document: IdentityDocument, generation: int) -> bytes:
        """The keyed hash by which a document finds its account; it tells nothing without the key."""
        key = self.keys.blind_index.of(generation)
        return hmac.digest(key, f"{document.type}\0{document.number}".encode(), sha256)

    def claims(self, document: IdentityDocument, account_id: UUID) -> list[tuple[Any, ...]]:
        """Rows for the table `person_claim`: one for each generation under which all must find the account."""
        return [self.claim(document, account_id, generation) for generation in self.keys.blind_index.written]

    def claim(self, document: IdentityDocument, account_id: UUID, generation: int) -> tuple[Any, ...]:
        return claim_row(self.blind_index(document, generation), account_id, generation)

    def blind_indexes(self, document: IdentityDocument) -> tuple[bytes, ...]:
        """Every blind index under which a document may be claimed, the current generation's first."""
        return tuple(self.blind_index(document, generation) for generation in self.keys.blind_index.read)

    def accounts_of(
        self, connection: Connection, documents: Collection[IdentityDocument]
    ) -> dict[IdentityDocument, UUID]:
        """The account behind each document, under whichever generation it is claimed; others are missing."""
        return self.accounts_later(connection, documents)()

    def accounts_later(
        self, connection: Connection, documents: Collection[IdentityDocument]
    ) -> Callable[[], dict[IdentityDocument, UUID]]:
        """The same, asked together with others."""
        wanted = {index: document for document in documents for index in self.blind_indexes(document)}
        rows = _CLAIMS.later(connection, wanted)
        return lambda: {wanted[row.blind_index]: row.account_id for row in rows()}

    def let_go(self, connection: Connection, document: IdentityDocument) -> None:
        """A document that was recorded in error finds nobody any more."""
        indexes = [self.blind_index(document, generation) for generation in self.keys.blind_index.read]
        connection.execute(delete(person_claim).where(person_claim.c.blind_index.in_(indexes)))

    def seal(self, account_id: UUID, holder: Person) -> tuple[Any, ...]:
        """A row for the table `person`, under a new key."""
        key = AESGCM.generate_key(bit_length=256)
        current = self.keys.wrapping.current
        wrapped = seal_field(self._wrapping(current), key, account_id, "key")
        fields = sealed_fields(AESGCM(key), account_id, holder)
        return (account_id, partition_of(account_id), current, wrapped, *fields)

    def rewrapped(self, row: Any) -> bytes:
        """The key of a row of `person`, wrapped under the current generation; the key itself stays."""
        return seal_field(self._wrapping(self.keys.wrapping.current), self._person_key(row), row.account_id, "key")

    def open(self, connection: Connection, account_ids: Collection[UUID]) -> dict[UUID, Person]:
        """The persons behind these accounts. Those that were erased are missing."""
        return {row.account_id: self._unseal(row) for row in _PERSONS.rows(connection, account_ids)}

    def ciphers(self, connection: Connection, account_ids: Collection[UUID]) -> dict[UUID, AESGCM]:
        """The persons' own ciphers, for what is sealed under their keys elsewhere. Those erased are missing."""
        return {row.account_id: self._cipher(row) for row in _PERSONS.rows(connection, account_ids)}

    def _cipher(self, row: Any) -> AESGCM:
        return AESGCM(self._person_key(row))

    def _person_key(self, row: Any) -> bytes:
        return open_field(self._wrapping(row.wrapping), row.wrapped_key, row.account_id, "key")

    def _wrapping(self, generation: int) -> AESGCM:
        return AESGCM(self.keys.wrapping.of(generation))

    def _unseal(self, row: Any) -> Person:
        account_id, cipher = row.account_id, self._cipher(row)
        document_type, number = open_field(cipher, row.document, account_id, "document").decode().split("\0")
        born = row.birth_date and open_field(cipher, row.birth_date, account_id, "birth_date").decode()
        return Person(
            name=open_field(cipher, row.name, account_id, "name").decode(),
            document_type=document_type,
            number=number,
            birth_date=date.fromisoformat(born) if born else None,
        )


def claim_row(blind_index: bytes, account_id: UUID | bytes, generation: int) -> tuple[Any, ...]:
    """A row for the table `person_claim`."""
    return (blind_index, account_id, partition_of(blind_index), generation)


def sealed_fields(cipher: AESGCM, account_id: UUID, holder: Person) -> tuple[bytes, bytes, bytes | None]:
    """Name, document and day of birth, as the table `person` holds them."""
    document = f"{holder.document_type}\0{holder.number}"
    born = holder.birth_date
    return (
        seal_field(cipher, holder.name.encode(), account_id, "name"),
        seal_field(cipher, document.encode(), account_id, "document"),
        seal_field(cipher, born.isoformat().encode(), account_id, "birth_date") if born else None,
    )


def seal_field(cipher: AESGCM, plaintext: bytes, account_id: UUID, field: str) -> bytes:
    """Seal a field of a person, bound to its account and name."""
    nonce = os.urandom(_NONCE)
    return nonce + cipher.encrypt(nonce, plaintext, account_id.bytes + field.encode())


def open_field(cipher: AESGCM, sealed: bytes, account_id: UUID, field: str) -> bytes:
    """Open a sealed field. Raises InvalidTag where it is not the one of this account and name."""
    return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], account_id.bytes + field.encode())


def claimed(connection: Connection, blind_indexes: Collection[bytes]) -> dict[bytes, UUID]:
    """The account that each blind index leads to; those that lead nowhere are missing."""
    return {row.blind_index: row.account_id for row in _CLAIMS.rows(connection, blind_indexes)}


def move_claims(connection: Connection, merged: UUID, survivor: UUID) -> None:
    """After a merge the documents of both find the survivor."""
    connection.execute(update(person_claim).where(person_claim.c.account_id == merged).values(account_id=survivor))


def kept(connection: Connection, account_ids: Collection[UUID]) -> set[UUID]:
    """Those of these accounts whose person's key is still there."""
    return {row.account_id for row in _KEPT.rows(connection, account_ids)}


def erase(connection: Connection, account_ids: Iterable[UUID]) -> None:
    """Destroy the wrapped keys and everything sealed under them, and let documents' claims, shares and sessions go."""
    ids = list(account_ids)
    for table in (person, person_claim, former_holder, sealed_text, share_key, session):
        connection.execute(delete(table).where(table.c.account_id.in_(ids)))
