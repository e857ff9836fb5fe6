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
from creditbank.commands.bank import Bank
from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs
from creditbank.domain import errors, reservations, uses
from creditbank.domain.account import Account
from creditbank.domain.accounts import require_dealing
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.certificates import require_open
from creditbank.domain.consents import require_consent
from creditbank.domain.events import AccountEvent, ReservationMade, RulebookVersionPublished, UseKind
from creditbank.domain.instants import instant_text
from creditbank.domain.organisations import rulebook_on
from creditbank.domain.rules import Refusal
from creditbank.domain.situations import Wish
from creditbank.domain.uses import Application, Outcome
from creditbank.projections import usages

Explain = Callable[[Refusal], str]
"""A refusal as a sentence in the language of the one who asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Ask for credits in a programme and record what is granted. `atomic` wants all wishes granted.

    With `expires_at`, in microseconds, the grants are reserved until then instead of used.
    """

    kind: UseKind
    account_id: UUID
    institution: str
    programme: tuple[str, str]
    applied_on: date | None
    wishes: Sequence[Wish]
    mode: Literal["partial", "atomic"]
    explain: Explain
    expires_at: int | None = None
    if_match: IfMatch = None
    use_id: UUID = field(default_factory=uuids.uuid7)

    def needs(self) -> Needs:
        return Needs(accounts=[self.account_id])

    def run(self, draft: Draft) -> Answer:
        account = draft.account(self.account_id)
        require_dealing(account, self.institution, draft.unit.today)
        check_version(account.head, self.if_match)
        require_open(account.head)
        if self.expires_at is not None:
            reservations.check_term(self.expires_at, draft.unit.now)
        unit = draft.unit
        applied_on = self.applied_on or unit.today
        application, version = application_of(
            unit.bank, draft.catalogue, account, self.institution, self.programme, applied_on, unit.now
        )
        require_consent(account, application.programme, unit.today, everywhere=unit.bank.consent_required)
        outcome = uses.decide(application, self.wishes)
        self._require_enough(outcome, account, version)
        over = reservations.lapse_all(account, unit.now)
        draft.append(self.account_id, *over, self._event(outcome, application, version))
        body = documents.decision(outcome, version, draft.head(self.account_id).version, self.explain)
        use = draft.account(self.account_id).uses[self.use_id]
        return Answer(status=201, body={**documents.use(use, self.account_id, draft.unit.now), **body})

    def _require_enough(self, outcome: Outcome, account: Account, version: RulebookVersionPublished) -> None:
        if outcome.grants and not (self.mode == "atomic" and outcome.refusals):
            return
        if outcome.reserved_until is not None:
            raise errors.OutcomeReserved(instant_text(outcome.reserved_until))
        raise errors.NotEligible(documents.decision(outcome, version, account.head.version, self.explain))

    def _event(self, outcome: Outcome, application: Application, version: RulebookVersionPublished) -> AccountEvent:
        decision = uses.decision_of(outcome, application, version)
        if self.expires_at is None:
            return uses.use_event(self.kind, self.use_id, self.programme, outcome.grants, decision)
        return ReservationMade(
            reservation_id=self.use_id,
            kind=self.kind,
            institution=self.programme[0],
            programme=self.programme[1],
            grants=outcome.grants,
            decision=decision,
            expires_at=self.expires_at,
        )


def application_of(
    bank: Bank,
    catalogue: Catalogue,
    account: Account,
    institution: str,
    programme_code: tuple[str, str],
    applied_on: date,
    now: int,
) -> tuple[Application, RulebookVersionPublished]:
    """What a decision rests on, with the version of the rulebook that decides on the day of application."""
    programme = catalogue.programmes.get(programme_code)
    if programme is None or programme.institution != institution:
        raise errors.ProgrammeUnknown(facts={"programme": "/".join(programme_code)})
    version = rulebook_on(catalogue, programme.rulebook or "", applied_on)
    application = Application(
        account=account,
        programme=programme,
        catalogue=catalogue,
        compiled=bank.compiled(version),
        applied_on=applied_on,
        now=now,
    )
    return application, version


Decide = Callable[[Account, Draft], Sequence[AccountEvent]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeUse:
    """Decide about one use of the caller's own, of the kind that the path names; the answer is the use `shown`."""

    use_id: UUID
    kind: UseKind | Literal["reservation"]
    institution: str
    decide: Decide
    if_match: IfMatch
    shown: UUID
    status: int = 200

    def needs(self) -> Needs:
        return Needs(uses=[self.use_id])

    def run(self, draft: Draft) -> Answer:
        row = usages.by_id(draft.unit.connection, self.use_id)
        # Also where there is none, which so takes the same work as a foreign one.
        account_id = draft.survivor(row.account_id if row else self.use_id)
        if row is None or usages.kind_of(row) != self.kind or row.institution != self.institution:
            raise errors.NotFound()
        account = draft.account(account_id)
        if account.head.status == "restricted":
            raise errors.NotFound()
        check_version(account.head, self.if_match)
        draft.append(account_id, *self.decide(account, draft))
        use = draft.account(account_id).uses[self.shown]
        return Answer(status=self.status, body=documents.use(use, account_id, draft.unit.now))


def reversal(kind: UseKind, use_id: UUID, institution: str, reason: str, if_match: IfMatch) -> ChangeUse:
    return ChangeUse(
        use_id=use_id,
        kind=kind,
        institution=institution,
        decide=lambda account, _: [uses.reverse(account, use_id, reason)],
        if_match=if_match,
        shown=use_id,
    )


def review(
    use_id: UUID, institution: str, verdict: Literal["upheld", "withdrawn"], reason: str, if_match: IfMatch
) -> ChangeUse:
    return ChangeUse(
        use_id=use_id,
        kind="exemption",
        institution=institution,
        decide=lambda account, _: [uses.review(account, use_id, verdict, reason)],
        if_match=if_match,
        shown=use_id,
    )


def approval(kind: UseKind, use_id: UUID, institution: str, role: str, if_match: IfMatch) -> ChangeUse:
    return ChangeUse(
        use_id=use_id,
        kind=kind,
        institution=institution,
        decide=lambda account, _: [uses.approve(account, use_id, role)],
        if_match=if_match,
        shown=use_id,
    )


def confirmation(reservation_id: UUID, institution: str, if_match: IfMatch, use_id: UUID | None = None) -> ChangeUse:
    """Turn a reservation into the conversion or exemption that it was decided as, under a new id or the one named."""
    use_id = use_id or uuids.uuid7()
    return ChangeUse(
        use_id=reservation_id,
        kind="reservation",
        institution=institution,
        decide=lambda account, draft: _confirm(account, reservation_id, use_id, draft),
        if_match=if_match,
        shown=use_id,
        status=201,
    )


def _confirm(account: Account, reservation_id: UUID, use_id: UUID, draft: Draft) -> Sequence[AccountEvent]:
    confirmed = reservations.confirm(account, reservation_id, use_id, draft.unit.now)
    use = account.uses[reservation_id]
    programme = draft.catalogue.programmes[use.institution, use.programme]
    require_consent(account, programme, draft.unit.today, everywhere=draft.unit.bank.consent_required)
    return confirmed


def release(reservation_id: UUID, institution: str, reason: str, if_match: IfMatch) -> ChangeUse:
    return ChangeUse(
        use_id=reservation_id,
        kind="reservation",
        institution=institution,
        decide=lambda account, draft: reservations.release(account, reservation_id, reason, draft.unit.now),
        if_match=if_match,
        shown=reservation_id,
    )


@dataclass(frozen=True, slots=True)
class LapseReservations:
    """Record that reservations have lapsed whose time is over: a clock set back cannot open them again."""

    limit: int = 200

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        over = usages.lapsed(draft.unit.connection, draft.unit.now, self.limit)
        draft.unit.load_accounts({account_id for account_id, _ in over if account_id not in draft.accounts})
        for account_id, reservation_id in over:
            draft.append(account_id, *reservations.lapse(draft.account(account_id), reservation_id, draft.unit.now))
        answer: dict[str, Any] = {"lapsed": len(over)}
        return Answer(status=200, body=answer)
