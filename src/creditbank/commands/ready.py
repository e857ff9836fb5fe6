"""Lines made ready: everything about an award that needs neither the database nor its locks, done beforehand.

What a certificate is worth, the bytes of its events, and the person sealed under the id that a new account will have.
It can be done in another thread or process. Whoever settles the lines looks whether what they were made by still
stands, and then only asks who has an account and which numbers are taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import uuid_utils.compat as uuids

from creditbank.commands.awards import AwardLine
from creditbank.domain import accounts, certificates, minors
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.errors import BankError
from creditbank.domain.values import partition_of
from creditbank.ledger import codec
from creditbank.projections import lots
from creditbank.vault.keyfiles import KeyFiles
from creditbank.vault.persons import Holder, Vault, claim_row


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


class Maker:
    """Makes lines ready by what is known."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self._vault = Vault(knowledge.keys)
        self._opened: dict[tuple[str, bool], bytes] = {}

    def lines(self, lines: Iterable[AwardLine | BankError]) -> list[ReadyLine | BankError]:
        """One for each line; those that are unfit by themselves as their refusals, the first that applies."""
        return [line if isinstance(line, BankError) else self.line(line) for line in lines]

    def line(self, line: AwardLine) -> ReadyLine | BankError:
        award, holder = line.award, line.holder
        try:
            awarded = certificates.recognise(award, self.knowledge.catalogue, self.knowledge.today)
        except BankError as refusal:
            return refusal
        account_id: bytes | None = None
        documents: tuple[bytes, ...] = ()
        opening = None
        if isinstance(holder, Holder):
            documents = self._vault.blind_indexes(holder.document)
            opening = self._opening(holder, documents, award.issuer)
        else:
            account_id = holder.bytes
        return ReadyLine(
            award.certificate_id.bytes,
            str(award.certificate_id),
            awarded.accreditation_id.bytes,
            partition_of(award.certificate_id),
            codec.encode(awarded)[1],
            lots.stem_of(awarded),
            account_id,
            documents,
            opening,
        )

    def _opening(self, holder: Holder, documents: Sequence[bytes], opened_by: str) -> Opening:
        new = uuids.uuid7()
        account_id = new.bytes
        _, partition, *sealed = self._vault.seal(new, holder.person)
        # The indexes begin with those of the generations that are written.
        written = zip(self.knowledge.keys.blind_index.written, documents, strict=False)
        return Opening(
            account_id,
            str(new),
            partition,
            self._event(opened_by, guardian_consent=holder.guardian_consent),
            (account_id, partition, *sealed),
            [claim_row(index, account_id, generation) for generation, index in written],
            self._against(holder),
        )

    def _event(self, opened_by: str, *, guardian_consent: bool) -> bytes:
        said = (opened_by, guardian_consent)
        if (body := self._opened.get(said)) is None:
            opened = accounts.open_account(opened_by, guardian_consent=guardian_consent)
            body = self._opened[said] = codec.encode(opened)[1]
        return body

    def _against(self, holder: Holder) -> BankError | None:
        person = holder.person
        born = minors.born_on(person.document_type, person.number, person.birth_date)
        try:
            minors.require_guardian(born, holder.guardian_consent, self.knowledge.today)
        except BankError as refusal:
            return refusal
        return None
