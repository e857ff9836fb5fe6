"""Record conversions and exemptions, take them back, and answer reviews."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal
from uuid import UUID

import uuid_utils.compat as uuids

from creditbank.commands import documents
from creditbank.commands.accounts import IfMatch, check_version
from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs
from creditbank.domain import errors, uses
from creditbank.domain.account import Account
from creditbank.domain.certificates import require_open
from creditbank.domain.events import AccountEvent, UseKind
from creditbank.domain.organisations import rulebook_on
from creditbank.domain.rules import Refusal
from creditbank.domain.situations import Wish
from creditbank.domain.uses import Dealing
from creditbank.projections import usages
from creditbank.projections.accounts import may_deal


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Ask for credits in a programme and record what is granted. `atomic` wants all wishes granted."""

    kind: UseKind
    account_id: UUID
    institution: str
    programme: tuple[str, str]
    applied_on: date | None
    wishes: Sequence[Wish]
    mode: Literal["partial", "atomic"]
    explain: Callable[[Refusal], str]
    if_match: IfMatch = None
    use_id: UUID = field(default_factory=uuids.uuid7)

    def needs(self) -> Needs:
        return Needs(accounts=[self.account_id])

    def run(self, draft: Draft) -> Answer:
        account = draft.account(self.account_id)
        require_dealing(account, self.institution, draft.unit.today)
        check_version(account.head, self.if_match)
        require_open(account.head)
        dealing, version = dealing_with(draft, account, self.institution, self.programme, self.applied_on)
        outcome = uses.decide(dealing, self.wishes)
        if not outcome.grants or (self.mode == "atomic" and outcome.refusals):
            body = documents.decision(outcome, version, account.head.version, self.explain)
            raise errors.NotEligible(body)
        draft.append(self.account_id, uses.recorded(outcome, self.kind, self.use_id, dealing, version))
        head = draft.head(self.account_id)
        body = documents.decision(outcome, version, head.version, self.explain)
        use = draft.account(self.account_id).uses[self.use_id]
        return Answer(status=201, body={**documents.use(use, self.account_id), **body})


def require_dealing(account: Account, institution: str, today: date) -> None:
    """Raise NotFound unless the institution opened the account, looked it up, or has a use on it."""
    standing = account.dealings.get(institution)
    if account.head.version == 0 or not (may_deal(standing, today) or uses.standing_use_of(account, institution)):
        raise errors.NotFound()


def dealing_with(
    draft: Draft, account: Account, institution: str, programme_code: tuple[str, str], applied_on: date | None
) -> tuple[Dealing, Any]:
    """What a decision rests on, with the version of the rulebook that decides on the day of application."""
    programme = draft.catalogue.programmes.get(programme_code)
    if programme is None or programme.institution != institution:
        raise errors.ProgrammeUnknown(facts={"programme": "/".join(programme_code)})
    day = applied_on or draft.unit.today
    version = rulebook_on(draft.catalogue, programme.rulebook or "", day)
    dealing = Dealing(
        account=account,
        programme=programme,
        catalogue=draft.catalogue,
        compiled=draft.unit.bank.compiled(version),
        applied_on=day,
    )
    return dealing, version


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeUse:
    """Decide about one standing use of the caller's own; `kind` is what the path names."""

    kind: UseKind
    use_id: UUID
    institution: str
    decide: Callable[[Account], AccountEvent]
    if_match: IfMatch = None

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        row = usages.by_id(draft.unit.connection, self.use_id)
        if row is None or row.kind != self.kind or row.institution != self.institution:
            raise errors.NotFound()
        account = draft.account(row.account_id)
        check_version(account.head, self.if_match)
        draft.append(row.account_id, self.decide(account))
        use = draft.account(row.account_id).uses[self.use_id]
        return Answer(status=200, body=documents.use(use, row.account_id))


def reversal(kind: UseKind, use_id: UUID, institution: str, reason: str, if_match: IfMatch) -> ChangeUse:
    return ChangeUse(
        kind=kind,
        use_id=use_id,
        institution=institution,
        decide=lambda account: uses.reverse(account, use_id, reason),
        if_match=if_match,
    )


def review(
    use_id: UUID, institution: str, verdict: Literal["upheld", "withdrawn"], reason: str, if_match: IfMatch
) -> ChangeUse:
    return ChangeUse(
        kind="exemption",
        use_id=use_id,
        institution=institution,
        decide=lambda account: uses.review(account, use_id, verdict, reason),
        if_match=if_match,
    )
