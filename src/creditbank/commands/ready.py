"""Lines made ready: everything about an award that needs neither the database nor its locks, done beforehand.

What a certificate is worth, the bytes of its events, and the person sealed under the id that a new account will have.
It can be done in another thread or process. Whoever settles the lines looks whether what they were made by still
stands, and then only asks who has an account and which numbers are taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import uuid_utils.compat as uuids

from creditbank.commands.awards import AwardLine
from creditbank.domain import accounts, certificates, minors
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.errors import BankError
from creditbank.domain.values import partition_of
from creditbank.ledger import codec
from creditbank.projections import lots
from creditbank.vault.keyfiles import KeyFiles
from creditbank.vault.persons import Holder, Vault


class Opening(NamedTuple):
    """A person's new account, should there be none yet: what is written, and what speaks against it."""

    account_id: bytes
    account: str
    partition_id: int
    event: bytes
    person: tuple[Any, ...]
    claims: list[tuple[Any, ...]]
    refusal: BankError | None


class ReadyLine(NamedTuple):
    """A certificate that is fit by itself. Ids are 16 bytes; `certificate` is the id as the answer writes it.

    Its holder is an account, or a person by the blind indexes of the document, with the account that is then opened.
    """

    certificate_id: bytes
    certificate: str
    accreditation_id: bytes
    partition_id: int
    event: bytes
    stem: tuple[Any, ...]
    account_id: bytes | None
    documents: tuple[bytes, ...]
    opening: Opening | None


Stamp = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What lines are made ready by. It changes seldom; who settles the lines compares the stamps."""

    catalogue: Catalogue
    keys: KeyFiles
    today: date

    @property
    def stamp(self) -> Stamp:
        return stamp_of(self.catalogue, self.keys, self.today)


def stamp_of(catalogue: Catalogue, keys: KeyFiles, today: date) -> Stamp:
    """Tells one state of knowledge from another one."""
    index = keys.blind_index
    return (catalogue.epoch, today, keys.wrapping.current, index.written, index.read)


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes lines ready by what is known."""

    knowledge: Knowledge

    def lines(self, lines: Iterable[AwardLine | BankError]) -> list[ReadyLine | BankError]:
        """One for each line; those that are unfit by themselves as their refusals, the first that applies."""
        return [line if isinstance(line, BankError) else self.line(line) for line in lines]

    def line(self, line: AwardLine) -> ReadyLine | BankError:
        known, award, holder = self.knowledge, line.award, line.holder
        try:
            awarded = certificates.recognise(award, known.catalogue, known.today)
        except BankError as refusal:
            return refusal
        opening = self._opening(holder, award.issuer) if isinstance(holder, Holder) else None
        return ReadyLine(
            award.certificate_id.bytes,
            str(award.certificate_id),
            awarded.accreditation_id.bytes,
            partition_of(award.certificate_id),
            codec.encode(awarded)[1],
            tuple(lots.stem_of(awarded)),
            holder.bytes if isinstance(holder, UUID) else None,
            Vault(known.keys).blind_indexes(holder.document) if isinstance(holder, Holder) else (),
            opening,
        )

    def _opening(self, holder: Holder, opened_by: str) -> Opening:
        account_id, vault = uuids.uuid7(), Vault(self.knowledge.keys)
        opened = accounts.open_account(opened_by, guardian_consent=holder.guardian_consent)
        person = vault.seal(account_id, holder.person)
        return Opening(
            account_id.bytes,
            str(account_id),
            partition_of(account_id),
            codec.encode(opened)[1],
            (account_id.bytes, *person[1:]),
            [(index, account_id.bytes, *rest) for index, _, *rest in vault.claims(holder.document, account_id)],
            self._against(holder),
        )

    def _against(self, holder: Holder) -> BankError | None:
        person = holder.person
        born = minors.born_on(person.document_type, person.number, person.birth_date)
        try:
            minors.require_guardian(born, holder.guardian_consent, self.knowledge.today)
        except BankError as refusal:
            return refusal
        return None
