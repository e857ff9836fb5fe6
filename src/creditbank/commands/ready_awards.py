"""Settles lines that were made ready: who has an account, which numbers are taken, and rows as they are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import Connection

from creditbank.commands.awards import Rendered
from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs, Unit
from creditbank.commands.ready import ReadyLine, Stamp, stamp_of
from creditbank.domain import certificates, errors
from creditbank.domain.account import Head
from creditbank.domain.errors import BankError
from creditbank.domain.values import partition_of
from creditbank.ledger import bulk, log
from creditbank.ledger.log import Encoded, Place, Recorded
from creditbank.ledger.numbering import Slot
from creditbank.projections import accounts, claims, lots
from creditbank.vault import persons
from creditbank.vault.tables import person, person_claim

OPENED, AWARDED = "account-opened/1", "certificate-awarded/1"


class Outdated(Exception):
    """The lines were made ready by a catalogue, by keys, or for a day, that are no longer those of the bank."""


@dataclass(frozen=True, slots=True)
class Awarded:
    """A line that was awarded: the account that it went to, and which of the events it is."""

    certificate: str
    account: str
    entry: int


Verdict = Awarded | BankError


@dataclass(slots=True)
class _Holders:
    """Who holds what: as it is stored, and as the lines before have left it. All ids are 16 bytes."""

    persons: dict[bytes, bytes]
    numbers: dict[bytes, bytes]
    heads: dict[bytes, Head]


@dataclass(slots=True)
class Writing:
    """What the lines of one command write. It is the whole of its transaction's events."""

    actor: str
    causation: UUID
    entries: list[Encoded] = field(default_factory=list)
    persons: list[tuple[Any, ...]] = field(default_factory=list)
    person_claims: list[tuple[Any, ...]] = field(default_factory=list)
    numbers: list[tuple[bytes, bytes, int]] = field(default_factory=list)
    opened: dict[bytes, tuple[str, int]] = field(default_factory=dict)
    certificates: list[tuple[ReadyLine, int]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.entries)

    def open(self, line: ReadyLine, opened_by: str) -> None:
        assert line.opening is not None
        account_id, _, partition, body, sealed, indexes, _ = line.opening
        self.entries.append(Encoded(account_id, partition, 1, OPENED, body))
        self.opened[account_id] = (opened_by, len(self.entries) - 1)
        self.persons.append(sealed)
        self.person_claims += indexes

    def award(self, line: ReadyLine, account_id: bytes, partition: int, version: int) -> int:
        self.entries.append(Encoded(account_id, partition, version, AWARDED, line.event))
        self.numbers.append((line.certificate_id, account_id, line.partition_id))
        entry = len(self.entries) - 1
        self.certificates.append((line, entry))
        return entry

    def write(self, connection: Connection, now: int) -> list[Place]:
        """Persons and claims, then events under their counters, then what follows from them."""
        bulk.insert(connection, person, self.persons)
        bulk.insert(connection, person_claim, sorted(self.person_claims))
        claims.take(connection, self.numbers)
        slots = log.append_encoded(connection, self.entries, actor=self.actor, causation=self.causation, now=now)
        self._enter_accounts(connection, slots)
        rows = []
        for line, entry in self.certificates:
            account_id, partition, version, _, _ = self.entries[entry]
            ids = (account_id, line.certificate_id, line.accreditation_id)
            rows.append(lots.planted(line.stem, ids, partition, version, slots[entry].recorded_at))
        lots.enter(connection, rows)
        return [Place(entry.partition_id, slot.position) for entry, slot in zip(self.entries, slots, strict=True)]

    def _enter_accounts(self, connection: Connection, slots: Sequence[Slot]) -> None:
        latest = {entry.stream_id: entry for entry in self.entries}
        rows = []
        for account_id, (opened_by, entry) in self.opened.items():
            last = latest.pop(account_id)
            opened_at = slots[entry].recorded_at
            rows.append((account_id, last.partition_id, last.version, opened_at, opened_by, "open", None))
        accounts.enter(
            connection, rows, [(last.stream_id, last.partition_id, last.version) for last in latest.values()]
        )


def settle(draft: Draft, lines: Sequence[ReadyLine | BankError], made_by: Stamp, issuer: str) -> list[Verdict]:
    """Decide each line on what now stands, in their order, and put what it writes into the draft.

    Raises Outdated where the lines have to be made ready anew. The command must have its unit for itself.
    """
    unit = draft.unit
    if made_by != stamp_of(unit.catalogue, unit.bank.vault.keys, unit.today):
        raise Outdated
    held = _load(unit, [line for line in lines if isinstance(line, ReadyLine)])
    writing = draft.whole = Writing(draft.actor, draft.causation)
    verdicts: list[Verdict] = []
    for line in lines:
        try:
            verdicts.append(_award(held, writing, line, issuer))
        except BankError as refusal:
            verdicts.append(refusal)
    return verdicts


def _award(held: _Holders, writing: Writing, line: ReadyLine | BankError, issuer: str) -> Awarded:
    if isinstance(line, BankError):
        raise line
    opening, account_id = line.opening, line.account_id
    claimed_by = held.numbers.get(line.certificate_id)
    if opening is not None:
        account_id = next((held.persons[one] for one in line.documents if one in held.persons), None)
        if account_id is None:
            if claimed_by is not None:
                raise errors.CertificateNumberTaken()
            if opening.refusal is not None:
                raise opening.refusal
            writing.open(line, issuer)
            held.persons[line.documents[0]] = held.numbers[line.certificate_id] = opening.account_id
            entry = writing.award(line, opening.account_id, opening.partition_id, 2)
            return Awarded(line.certificate, opening.account, entry)
    assert account_id is not None
    account = UUID(bytes=account_id)
    head = held.heads.get(account_id) or Head(account_id=account, version=2)
    certificates.admit(head, UUID(bytes=line.certificate_id), None if claimed_by is None else UUID(bytes=claimed_by))
    version = head.version + 1
    held.heads[account_id] = Head(account_id=account, status=head.status, version=version)
    held.numbers[line.certificate_id] = account_id
    return Awarded(line.certificate, str(account), writing.award(line, account_id, partition_of(account), version))


def _load(unit: Unit, lines: Sequence[ReadyLine]) -> _Holders:
    # Numbers before persons, as in every unit: a rival who commits in between is then met as a conflict.
    numbers = claims.holders(unit.connection, {line.certificate_id for line in lines})
    indexes = {one for line in lines for one in line.documents}
    found = persons.claimed(unit.connection, indexes) if indexes else {}
    named = {UUID(bytes=line.account_id) for line in lines if line.account_id is not None}
    if account_ids := named.union(numbers.values(), found.values()):
        unit.load_heads(account_ids)
    return _Holders(
        persons={index: account_id.bytes for index, account_id in found.items()},
        numbers={certificate_id.bytes: account_id.bytes for certificate_id, account_id in numbers.items()},
        heads={account_id.bytes: head for account_id, head in unit.heads.items()},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardReady:
    """Award lines that were made ready, each with its verdict; what is fit is written. `first` is their index."""

    lines: Sequence[ReadyLine | BankError]
    made_by: Stamp
    issuer: str
    render: Callable[[BankError], Rendered]
    first: int

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        verdicts = settle(draft, self.lines, self.made_by, self.issuer)
        return Answer(status=207, body={}, told=lambda places: self._told(verdicts, places))

    def _told(self, verdicts: Sequence[Verdict], places: Sequence[Recorded | Place]) -> bytes:
        """As the list settled line by line would be answered, written without a document in between."""
        lines, accepted = [], 0
        for index, verdict in enumerate(verdicts, self.first):
            if isinstance(verdict, BankError):
                status, problem = self.render(verdict)
                lines.append(to_json({"index": index, "status": status, "problem": problem}).decode())
            else:
                accepted += 1
                ids = f'"certificate_id":"{verdict.certificate}","account_id":"{verdict.account}"'
                lines.append(f'{{"index":{index},"status":201,{ids},"position":"{places[verdict.entry].at}"}}')
        refused = len(lines) - accepted
        return f'{{"results":[{",".join(lines)}],"accepted":{accepted},"refused":{refused}}}'.encode()
