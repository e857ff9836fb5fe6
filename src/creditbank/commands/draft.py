"""Drafts: what one command decides, kept apart until the whole command has succeeded.

A `Unit` is one transaction's worth of decisions. Each command works on a `Draft` of it, which sees what the
commands before it decided; a draft that is refused is dropped and leaves no trace. `flush` writes set by set.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Connection

from creditbank import projections
from creditbank.commands.bank import Bank
from creditbank.domain import account as accounts
from creditbank.domain import catalogue as catalogues
from creditbank.domain.account import Account, Head
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.events import (
    AccountErased,
    AccountEvent,
    AccountMerged,
    ApprovalEvent,
    CertificateReceived,
    Event,
    ReferenceEvent,
)
from creditbank.ledger import bulk, log
from creditbank.ledger.log import Entry, Place, Recorded
from creditbank.projections import accounts as heads
from creditbank.projections import catalogue, claims, learner_requests, usages
from creditbank.vault.persons import Holder, IdentityDocument, Person
from creditbank.vault.tables import person, person_claim

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a command will look at, so that a whole group is loaded by one query of each kind."""

    documents: Collection[IdentityDocument] = ()
    certificates: Collection[UUID] = ()
    accounts: Collection[UUID] = ()
    uses: Collection[UUID] = ()
    requests: Collection[UUID] = ()


class Whole(Protocol):
    """What one command writes as it was made ready: it is then all that its unit writes to the log."""

    def __len__(self) -> int:
        """How many events it holds."""

    def write(self, connection: Connection, now: int) -> Sequence[Place]:
        """Append them, with everything that follows from them, claims before counters."""


class Unit:
    """One transaction's worth of decisions, with what they read and what they will write."""

    def __init__(self, bank: Bank, connection: Connection, needs: Iterable[Needs]) -> None:
        """`needs` are what its commands need: all that is read before anything is decided is asked together."""
        self.bank = bank
        self.connection = connection
        standing, generations = bank.standing_later(connection), bank.vault.keys.blind_index.read
        wanted = _Wanted(self, needs)
        self.now, self.catalogue = standing()
        self.today = bank.day_of(self.now)
        self.heads: dict[UUID, Head] = {}
        self.accounts: dict[UUID, Account] = {}
        self.persons: dict[IdentityDocument, UUID | None] = {}
        self.holders: dict[UUID, UUID | None] = {}
        self.streams: dict[UUID, int] = {}
        self.corrected: dict[UUID, Person] = {}
        self.entries: list[Entry] = []
        self.sealed: list[tuple[Any, ...]] = []
        self.person_claims: list[tuple[Any, ...]] = []
        self.statements: list[Callable[[Connection], None]] = []
        self.whole: Whole | None = None
        # A blind index under a generation that is no longer in use finds nobody.
        is_current = generations == bank.vault.keys.blind_index.read
        self._take(wanted if is_current else _Wanted(self, wanted.needs))

    def __len__(self) -> int:
        """How many events it will append, as far as decided."""
        return len(self.entries) if self.whole is None else len(self.whole)

    def load(self, needs: Iterable[Needs]) -> None:
        """Load what a group of commands needs: one query a kind, heads locked in the order of their ids."""
        self._take(_Wanted(self, needs))

    def _take(self, wanted: _Wanted) -> None:
        held, found = wanted.held(), wanted.found()
        self.holders.update({certificate: held.get(certificate) for certificate in wanted.certificates})
        self.persons.update({document: found.get(document) for document in wanted.documents})
        account_ids = {account for need in wanted.needs for account in need.accounts}
        account_ids.update(held.values(), found.values())
        if use_ids := {use for need in wanted.needs for use in need.uses}:
            account_ids.update(usages.accounts_of(self.connection, use_ids))
        if request_ids := {request for need in wanted.needs for request in need.requests}:
            account_ids.update(learner_requests.accounts_of(self.connection, request_ids))
        # What this group has moved on stays where it moved to.
        if unknown := account_ids - self.heads.keys():
            self.load_heads(unknown)

    def load_heads(self, account_ids: Collection[UUID]) -> None:
        stored = heads.heads(self.connection, account_ids, lock=True)
        self.heads.update({one: stored.get(one) or Head(account_id=one) for one in account_ids})

    def load_accounts(self, account_ids: Collection[UUID]) -> None:
        """Replay whole accounts, behind their locked heads, and what this group has decided about them so far."""
        self.load_heads([one for one in account_ids if one not in self.heads])
        decided: dict[UUID, list[Event]] = defaultdict(list)
        for entry in self.entries:
            decided[entry.stream_id].append(entry.event)
        for account_id, history in log.streams(self.connection, account_ids).items():
            events = accounts.account_events([*(item.event for item in history), *decided[account_id]])
            self.accounts[account_id] = accounts.replay(accounts.empty(account_id), events)

    def flush(self) -> Sequence[Recorded | Place]:
        """Write everything, claims and epoch before counters: the counters are the last locks to be taken."""
        bulk.insert(self.connection, person, self.sealed)
        bulk.insert(self.connection, person_claim, sorted(self.person_claims))
        for statement in self.statements:
            statement(self.connection)
        if self.whole is not None:
            return self.whole.write(self.connection, self.now)
        if not self.entries:
            return []
        claims.apply(self.connection, self.entries)
        catalogue.announce(self.connection, self.entries)
        recorded = log.append(self.connection, self.entries, self.now)
        projections.apply(self.connection, recorded)
        return recorded


class _Wanted:
    """What some commands need, with the questions that lead to their accounts, which go together with others."""

    def __init__(self, unit: Unit, needs: Iterable[Needs]) -> None:
        self.needs = list(needs)
        self.certificates = {certificate for need in self.needs for certificate in need.certificates}
        self.documents = {document for need in self.needs for document in need.documents}
        connection, vault = unit.connection, unit.bank.vault
        # Numbers before persons: a rival who commits in between is then met as a conflict, and all is decided anew.
        # The other way round, a person whose account has just been made would pass for somebody else.
        self.held = claims.holders_later(connection, self.certificates) if self.certificates else _none
        self.found = vault.accounts_later(connection, self.documents) if self.documents else _none


def _none() -> dict[Any, UUID]:
    return {}


class Overlay(Generic[Key, Value]):
    """What a unit knows, and over it what a draft has changed. Looked up thousands of times in a batch."""

    __slots__ = ("below", "own")

    def __init__(self, below: dict[Key, Value]) -> None:
        self.below = below
        self.own: dict[Key, Value] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self.own or key in self.below

    def __getitem__(self, key: Key) -> Value:
        return self.own[key] if key in self.own else self.below[key]

    def __setitem__(self, key: Key, value: Value) -> None:
        self.own[key] = value

    def keys_of(self, value: Value) -> list[Key]:
        return [key for key in self.below.keys() | self.own.keys() if self[key] == value]

    def keep(self) -> None:
        self.below.update(self.own)


@dataclass(slots=True, kw_only=True)
class Draft:
    """What one command decides. Nothing of it counts before `keep`."""

    unit: Unit
    actor: str
    causation: UUID
    approved_by: str | None = None
    catalogue: Catalogue = field(init=False)
    heads: Overlay[UUID, Head] = field(init=False)
    accounts: Overlay[UUID, Account] = field(init=False)
    persons: Overlay[IdentityDocument, UUID | None] = field(init=False)
    holders: Overlay[UUID, UUID | None] = field(init=False)
    streams: Overlay[UUID, int] = field(init=False)
    corrected: Overlay[UUID, Person] = field(init=False)
    entries: list[Entry] = field(default_factory=list)
    sealed: list[tuple[Any, ...]] = field(default_factory=list)
    person_claims: list[tuple[Any, ...]] = field(default_factory=list)
    statements: list[Callable[[Connection], None]] = field(default_factory=list)
    whole: Whole | None = None

    def __post_init__(self) -> None:
        unit = self.unit
        self.catalogue = unit.catalogue
        self.heads = Overlay(unit.heads)
        self.accounts = Overlay(unit.accounts)
        self.persons = Overlay(unit.persons)
        self.holders = Overlay(unit.holders)
        self.streams = Overlay(unit.streams)
        self.corrected = Overlay(unit.corrected)

    def head(self, account_id: UUID) -> Head:
        """The head of an account; version 0 where it was never opened."""
        if account_id not in self.heads:
            self.unit.load_heads([account_id])
        return self.heads[account_id]

    def survivor(self, account_id: UUID) -> UUID:
        """Where what is stored on an account stands by now: on another one, where this group has merged it away."""
        while (into := self.head(account_id).merged_into) is not None:
            account_id = into
        return account_id

    def account(self, account_id: UUID) -> Account:
        """The whole account, with what this group decided about it so far."""
        if account_id not in self.accounts:
            self.unit.load_accounts([account_id])
            for entry in self.entries:
                if entry.stream_id == account_id:
                    self._evolve(account_id, entry.event)
        return self.accounts[account_id]

    def holder(self, certificate_id: UUID) -> UUID | None:
        """The account that holds a certificate number."""
        if certificate_id not in self.holders:
            self.unit.load([Needs(certificates=[certificate_id])])
        return self.holders[certificate_id]

    def account_of(self, document: IdentityDocument) -> UUID | None:
        """The account of the person behind a document."""
        if document not in self.persons:
            self.unit.load([Needs(documents=[document])])
        return self.persons[document]

    def begin(self, account_id: UUID) -> None:
        """Say that an account id is new, so that nobody looks for its history."""
        self.heads[account_id] = Head(account_id=account_id)

    def append(self, account_id: UUID, *events: AccountEvent) -> None:
        """Add events to an account. What the command looks at next stands behind them."""
        for event in events:
            head = accounts.evolve_head(self.head(account_id), event)
            self.heads[account_id] = head
            self._evolve(account_id, event)
            self._follow(account_id, event)
            self._enter(account_id, head.version, event)

    def append_reference(self, stream_id: UUID, event: ReferenceEvent) -> None:
        """Add an event to the stream of an organisation, standard, programme or rulebook."""
        if stream_id not in self.streams:
            self.streams[stream_id] = len(log.stream(self.unit.connection, stream_id))
        self.streams[stream_id] += 1
        self.catalogue = replace(catalogues.evolve(self.catalogue, event), epoch=self.catalogue.epoch + 1)
        self._enter(stream_id, self.streams[stream_id], event)

    def append_approval(self, approval_id: UUID, event: ApprovalEvent) -> None:
        """Add an event to the stream of an act that needs two persons."""
        self._enter(approval_id, len(self.history(approval_id)) + 1, event)

    def history(self, stream_id: UUID) -> list[tuple[Event, str, int]]:
        """What stands in a stream, this group's decisions included: each event with its actor and its moment."""
        recorded = [(item.event, item.actor, item.recorded_at) for item in log.stream(self.unit.connection, stream_id)]
        decided = [entry for entry in (*self.unit.entries, *self.entries) if entry.stream_id == stream_id]
        return recorded + [(entry.event, entry.actor, self.unit.now) for entry in decided]

    def person(self, account_id: UUID) -> Person | None:
        """The holder of an account, as this group leaves it so far; None where there is none or no more."""
        if account_id in self.corrected:
            return self.corrected[account_id]
        return self.unit.bank.vault.open(self.unit.connection, [account_id]).get(account_id)

    def seal(self, account_id: UUID, holder: Holder) -> None:
        """Put a person into the vault and claim the document."""
        vault = self.unit.bank.vault
        self.sealed.append(vault.seal(account_id, holder.person))
        self.person_claims += vault.claims(holder.document, account_id)
        self.persons[holder.document] = account_id

    def drop(self) -> None:
        """Forget everything that was decided so far."""
        self.entries.clear()
        self.sealed.clear()
        self.person_claims.clear()
        self.statements.clear()
        self.whole = None
        self.__post_init__()

    def keep(self) -> None:
        """Make this draft part of the unit."""
        unit = self.unit
        unit.catalogue = self.catalogue
        self.heads.keep()
        self.accounts.keep()
        self.persons.keep()
        self.holders.keep()
        self.streams.keep()
        self.corrected.keep()
        unit.entries += self.entries
        unit.sealed += self.sealed
        unit.person_claims += self.person_claims
        unit.statements += self.statements
        if self.whole is not None:
            assert not len(unit), "what was made ready has its unit for itself"
            unit.whole = self.whole

    def _evolve(self, account_id: UUID, event: Event) -> None:
        if account_id in self.accounts and isinstance(event, AccountEvent):
            self.accounts[account_id] = accounts.evolve(self.accounts[account_id], event)

    def _follow(self, account_id: UUID, event: AccountEvent) -> None:
        # A merge moves numbers and documents, an erasure lets documents go: seen by whoever comes next in the group.
        if isinstance(event, CertificateReceived):
            self.holders[event.awarded.certificate_id] = account_id
        elif isinstance(event, AccountMerged | AccountErased):
            for document in self.persons.keys_of(account_id):
                self.persons[document] = event.survivor if isinstance(event, AccountMerged) else None

    def _enter(self, stream_id: UUID, version: int, event: Event) -> None:
        entry = Entry(
            stream_id=stream_id,
            version=version,
            event=event,
            actor=self.actor,
            causation=self.causation,
            approved_by=self.approved_by,
        )
        self.entries.append(entry)
