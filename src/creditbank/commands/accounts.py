"""Open, find, suspend, restrict, close, merge and erase accounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

import uuid_utils.compat as uuids
from sqlalchemy import Connection

from creditbank.commands import documents, retention
from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs, Unit
from creditbank.domain import accounts, errors, minors
from creditbank.domain.account import Head
from creditbank.domain.errors import BankError
from creditbank.domain.events import AccountEvent
from creditbank.domain.instants import instant_text
from creditbank.projections import accounts as heads
from creditbank.vault import formers, persons, shares, texts
from creditbank.vault.persons import Holder

NOBODY = UUID(int=0)
"""The id of no account."""

IfMatch = Callable[[int], None] | None
"""Raises PreconditionFailed for a version of the account that the caller does not know; None for any version."""


def check_version(head: Head, if_match: IfMatch) -> None:
    """Raise PreconditionFailed unless the account is at a version that the caller knows, NotFound without account."""
    if head.version == 0:
        raise errors.NotFound()
    if if_match is not None:
        if_match(head.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAccounts:
    """Open an account per holder; the same person again is answered with the account that is there.

    `institution` is the caller's code where it is one: from then on it may deal with these accounts.
    `first` is the index of the first holder, where these are part of a longer list.
    """

    holders: Sequence[Holder | BankError]
    opened_by: str
    institution: str | None
    render: Callable[[BankError], tuple[int, dict[str, Any]]]
    dry_run: bool = False
    first: int = 0

    def needs(self) -> Needs:
        return Needs(documents=[one.document for one in self.holders if isinstance(one, Holder)])

    def part(self, start: int, stop: int) -> OpenAccounts:
        """The same for some of the holders."""
        return replace(self, holders=self.holders[start:stop], first=start)

    def run(self, draft: Draft) -> Answer:
        results: list[dict[str, Any]] = []
        positions: list[tuple[dict[str, Any], int]] = []
        for index, holder in enumerate(self.holders, self.first):
            written = len(draft.entries)
            try:
                status, head = open_or_find(draft, _readable(holder), self.opened_by, self.institution)
            except BankError as refusal:
                status, problem = self.render(refusal)
                results.append({"index": index, "status": status, "problem": problem})
                continue
            results.append({"index": index, "status": status, "account_id": str(head.account_id)})
            if len(draft.entries) > written:
                positions.append((results[-1], len(draft.entries) - 1))
        if self.dry_run:
            draft.drop()
            positions = []
        refused = sum("problem" in result for result in results)
        body = {"results": results, "accepted": len(results) - refused, "refused": refused}
        return Answer(status=207, body=body, lines=positions)


def _readable(holder: Holder | BankError) -> Holder:
    if isinstance(holder, BankError):
        raise holder
    return holder


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAccount:
    """Open one account, or answer with the account that the person has."""

    holder: Holder
    opened_by: str
    institution: str | None

    def needs(self) -> Needs:
        return Needs(documents=[self.holder.document])

    def run(self, draft: Draft) -> Answer:
        status, head = open_or_find(draft, self.holder, self.opened_by, self.institution)
        opened_at = draft.unit.now
        if status == 200 and (row := heads.rows(draft.unit.connection, [head.account_id]).get(head.account_id)):
            opened_at = row.opened_at
        return Answer(status=status, body=documents.account(head, opened_at))


def open_or_find(draft: Draft, holder: Holder, opened_by: str, institution: str | None) -> tuple[int, Head]:
    """201 and the new account, or 200 and the one that the person has, which institutions do not find restricted."""
    account_id = draft.account_of(holder.document)
    if account_id is None:
        return 201, draft.head(begin(draft, draft.unit.bank.new_id(), holder, opened_by))
    head = draft.head(account_id)
    if institution is not None and head.status == "restricted":
        raise errors.AccountNotOpen(head.status)
    if institution is not None:
        _deal(draft, account_id, institution)
    return 200, draft.head(account_id)


def begin(draft: Draft, account_id: UUID, holder: Holder, opened_by: str) -> UUID:
    """Open a new account. Raises GuardianConsentRequired."""
    person = holder.person
    born = minors.born_on(person.document_type, person.number, person.birth_date)
    minors.require_guardian(born, holder.guardian_consent, draft.unit.today)
    draft.begin(account_id)
    draft.append(account_id, accounts.open_account(opened_by, guardian_consent=holder.guardian_consent))
    draft.seal(account_id, holder)
    return account_id


def _deal(draft: Draft, account_id: UUID, institution: str) -> None:
    standing = draft.account(account_id).dealings.get(institution)
    if event := accounts.open_dealing(standing, institution, draft.unit.today):
        draft.append(account_id, event)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """Find the account behind a full document number. An institution may deal with it from then on."""

    holder: Holder
    institution: str | None

    def needs(self) -> Needs:
        return Needs(documents=[self.holder.document])

    def run(self, draft: Draft) -> Answer:
        account_id = draft.account_of(self.holder.document)
        # Also where there is none, which so takes the same work as one that is found.
        draft.head(account_id or NOBODY)
        if account_id is None:
            raise errors.NotFound()
        if self.institution is not None and draft.head(account_id).status == "restricted":
            raise errors.NotFound()
        if self.institution is not None:
            _deal(draft, account_id, self.institution)
        return Answer(status=200, body={"account_id": str(account_id)})


Change = Literal["suspension", "reinstatement", "closure"]
_DECIDE: dict[Change, Callable[[Head, str], AccountEvent]] = {
    "suspension": accounts.suspend,
    "reinstatement": accounts.reinstate,
    "closure": accounts.close,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeStatus:
    """Suspend, reinstate or close an account."""

    account_id: UUID
    change: Change
    reason: str
    if_match: IfMatch = None

    def needs(self) -> Needs:
        return Needs(accounts=[self.account_id])

    def run(self, draft: Draft) -> Answer:
        head = draft.head(self.account_id)
        check_version(head, self.if_match)
        draft.append(self.account_id, _DECIDE[self.change](head, self.reason))
        return changed(draft, self.account_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRestriction:
    """Stop all use of an account's data but keeping them, or let it go on."""

    account_id: UUID
    change: Literal["restriction", "restriction-lifting"]
    reason: str
    if_match: IfMatch = None

    def needs(self) -> Needs:
        return Needs(accounts=[self.account_id])

    def run(self, draft: Draft) -> Answer:
        account = draft.account(self.account_id)
        check_version(account.head, self.if_match)
        decide = accounts.restrict if self.change == "restriction" else accounts.lift_restriction
        draft.append(self.account_id, decide(account, self.reason))
        return changed(draft, self.account_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Continue one account of a person on another one of the same person, in one append."""

    account_id: UUID
    merged: UUID
    reason: str
    if_match: IfMatch = None

    def needs(self) -> Needs:
        return Needs(accounts=[self.account_id, self.merged])

    def run(self, draft: Draft) -> Answer:
        survivor, merged = draft.account(self.account_id), draft.account(self.merged)
        check_version(survivor.head, self.if_match)
        received, ended = accounts.merge(survivor, merged, self.reason)
        draft.append(self.account_id, *received)
        draft.append(self.merged, ended)
        draft.statements.append(lambda connection: self._carry_over(connection, draft.unit))
        return changed(draft, self.account_id)

    def _carry_over(self, connection: Connection, unit: Unit) -> None:
        vault = unit.bank.vault
        persons.move_claims(connection, self.merged, self.account_id)
        formers.carry_over(connection, vault, self.merged, self.account_id, unit.now)
        texts.carry_over(connection, vault, self.merged, self.account_id)
        shares.carry_over(connection, self.merged, self.account_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erase:
    """Destroy a person's key. Numbers, history and proofs stay; the answer is a receipt.

    `is_repeated`: it was done, and undone by a backup; then no rule can keep the records any more.
    """

    account_id: UUID
    reason: str
    if_match: IfMatch = None
    receipt: UUID = field(default_factory=uuids.uuid7)
    is_repeated: bool = False

    def needs(self) -> Needs:
        return Needs(accounts=[self.account_id])

    def run(self, draft: Draft) -> Answer:
        account = draft.account(self.account_id)
        check_version(account.head, self.if_match)
        erased = accounts.erase(account.head, self.reason, self.receipt)
        if not self.is_repeated:
            retention.check(draft, account)
        draft.append(self.account_id, erased)
        # The accounts that were merged into this one are the same person's.
        draft.statements.append(lambda connection: persons.erase(connection, [self.account_id, *account.absorbed]))
        answer = changed(draft, self.account_id)
        answer.body["receipt"] = {
            "receipt_id": str(self.receipt),
            "account_id": str(self.account_id),
            "erased_at": instant_text(draft.unit.now),
        }
        return answer


def changed(draft: Draft, account_id: UUID) -> Answer:
    """The account as it stands after a command about it."""
    row = heads.rows(draft.unit.connection, [account_id]).get(account_id)
    opened_at = row.opened_at if row else draft.unit.now
    return Answer(status=200, body=documents.account(draft.head(account_id), opened_at))
