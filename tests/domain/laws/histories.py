"""A small bank that only decides: what was once allowed is recorded, and what is refused leaves everything as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import UUID

from creditbank.domain import account as states
from creditbank.domain import accounts, certificates, errors, reservations, rules, uses
from creditbank.domain.account import Account
from creditbank.domain.events import AccountEvent, AccountOpened, ReservationMade, RulebookVersionPublished, UseKind
from creditbank.domain.situations import Wish
from creditbank.domain.timeline import Dated
from creditbank.domain.uses import Application
from tests.domain.facts import ACCREDITED, COLLEGE, ISSUER, PROGRAMME, STANDARD, catalogue_of, certificate, posted

CATALOGUE = catalogue_of(ISSUER, COLLEGE, STANDARD, replace(ACCREDITED, levels=("初级", "中级", "高级")), PROGRAMME)
RULES = rules.compile(
    {
        "sources": [
            {"match": {"r.share": "some"}, "value": {"fixed": 2.5}},
            {"match": {"r.target": {"absent": True}}, "value": {"carry": True}},
            {"value": {"target": True}},
        ],
        "once": [{"scope": "target", "reason": "COURSE_ALREADY_SATISFIED"}],
    }
)
VERSION = RulebookVersionPublished(
    rulebook="exemptions", owner="college", number=1, effective_from=date(2026, 1, 1), rules={}, rules_sha256="0"
)
START = 1_788_220_800_000_000  # 2026-09-01
DAY = 24 * 3600 * 1_000_000
Decided = Iterable[AccountEvent] | AccountEvent


@dataclass(slots=True)
class SmallBank:
    """Accounts with their histories, a clock, and the number of the next use."""

    now: int = START
    states: dict[UUID, Account] = field(default_factory=dict)
    histories: dict[UUID, list[Dated]] = field(default_factory=dict)
    next_use: int = 1

    @property
    def today(self) -> date:
        return date(2026, 9, 1) + timedelta(days=(self.now - START) // DAY)

    def open(self, number: int) -> None:
        account_id = UUID(int=number)
        self.states[account_id] = states.empty(account_id)
        self.histories[account_id] = []
        self.record(account_id, AccountOpened(opened_by="college"))

    def record(self, account_id: UUID, *events: AccountEvent) -> None:
        for event in events:
            self.states[account_id] = states.evolve(self.states[account_id], event)
            version = len(self.histories[account_id]) + 1
            dated = Dated(event=event, version=version, recorded_at=self.now, recorded_on=self.today)
            self.histories[account_id].append(dated)

    def decide(self, account_id: UUID, decision: Callable[[Account], Decided]) -> None:
        """Record what is decided; a refusal records nothing."""
        try:
            decided = decision(self.states[account_id])
        except errors.BankError:
            return
        self.record(account_id, *(decided if isinstance(decided, Iterable) else [decided]))

    def holder(self, number: str) -> UUID | None:
        holders = [one for one, account in self.states.items() if certificate(number) in account.lots]
        assert len(holders) < 2
        return holders[0] if holders else None

    def award(self, account_id: UUID, number: str, level: str, days: int | None) -> None:
        expires_on = None if days is None else self.today + timedelta(days=days)
        award = posted(number, level=level, issued_on=self.today, expires_on=expires_on)
        claimed = self.holder(number)
        self.decide(account_id, lambda one: certificates.award(one.head, award, claimed, CATALOGUE, self.today))

    def apply(self, account_id: UUID, wishes: list[Wish], kind: UseKind, reserve_days: int) -> None:
        """Use certificates, or reserve them where `reserve_days` is not 0."""
        use_id, self.next_use = UUID(int=0xF000 + self.next_use), self.next_use + 1

        def decision(account: Account) -> Decided:
            certificates.require_open(account.head)
            application = Application(
                account=account,
                programme=PROGRAMME,
                catalogue=CATALOGUE,
                compiled=RULES,
                applied_on=self.today,
                now=self.now,
            )
            outcome = uses.decide(application, wishes)
            assert len(outcome.grants) + len(outcome.refusals) == len(wishes)
            if not outcome.grants:
                raise errors.NotEligible({})
            record = uses.decision_of(outcome, application, VERSION)
            if not reserve_days:
                return uses.use_event(kind, use_id, ("college", "construction"), outcome.grants, record)
            return ReservationMade(
                reservation_id=use_id,
                kind=kind,
                institution="college",
                programme="construction",
                grants=outcome.grants,
                decision=record,
                expires_at=self.now + reserve_days * DAY,
            )

        self.decide(account_id, decision)

    def confirm(self, account_id: UUID, use_id: UUID) -> None:
        new_id, self.next_use = UUID(int=0xF000 + self.next_use), self.next_use + 1
        self.decide(account_id, lambda account: reservations.confirm(account, use_id, new_id, self.now))

    def merge(self, survivor: UUID, merged: UUID) -> None:
        try:
            received, ended = accounts.merge(self.states[survivor], self.states[merged], "same person")
        except errors.BankError:
            return
        self.record(survivor, *received)
        self.record(merged, ended)
