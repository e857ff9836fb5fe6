"""Laws of an account, held against random lives of a few learners: nothing is lost, doubled or overdrawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import date, timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from creditbank.domain import account as states
from creditbank.domain import accounts, certificates, consents, learner_requests, reservations, shares, uses
from creditbank.domain.balance import balance, consumed, reserved
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.rights import Rights
from creditbank.domain.situations import Wish, ground_of
from creditbank.domain.timeline import Moment, account_at
from tests.domain.facts import PROGRAMME, certificate
from tests.domain.laws.histories import CATALOGUE, DAY, SmallBank

NUMBERS = ("N1", "N2", "N3", "N4")
LEVELS = ("初级", "中级", "高级")
ANSWERS = ("reverse", "upheld", "withdrawn", "confirm", "release")
kinds = some.sampled_from(["conversion", "exemption"])
who = some.sampled_from([UUID(int=number) for number in (1, 1, 1, 2, 3)])
numbers = some.sampled_from(NUMBERS)


def of_rights(rights: Rights) -> tuple[Collection[UUID], ...]:
    return rights.consents, rights.shares, rights.requests


def wishes(held: list[UUID]) -> some.SearchStrategy[list[Wish]]:
    """One to three wishes for these certificates, alone or in pairs."""
    wish = some.builds(
        Wish,
        certificate_ids=some.lists(some.sampled_from(held), min_size=1, max_size=2, unique=True).map(tuple),
        target=some.sampled_from([None, "CAD", "BIM1", "WORK"]),
        fields=some.sampled_from([{}, {"share": "some"}]),
    )
    return some.lists(wish, min_size=1, max_size=3)


class Lives(RuleBasedStateMachine):
    """A few learners, their certificates, and two institutions' worth of decisions."""

    @initialize()
    def opened(self) -> None:
        self.bank = SmallBank()
        for number in (1, 2, 3):
            self.bank.open(number)
        for account, number in ((1, "N1"), (1, "N2"), (2, "N3")):
            self.bank.award(UUID(int=account), number, "高级", None)
        for target, kind, reserve_days in (("CAD", "exemption", 0), (None, "conversion", 0), ("BIM1", "exemption", 9)):
            one = Wish(certificate_ids=(certificate("N1"),), target=target, fields={"share": "some"})
            self.bank.apply(UUID(int=1), [one], kind, reserve_days)

    @rule(account=who, number=numbers, level=some.sampled_from(LEVELS), days=some.sampled_from([None, 40]))
    def award(self, account: UUID, number: str, level: str, days: int | None) -> None:
        self.bank.award(account, number, level, days)

    @rule(number=numbers, level=some.sampled_from(LEVELS))
    def amend(self, number: str, level: str) -> None:
        if holder := self.bank.holder(number):
            one, today = certificate(number), self.bank.today
            self.bank.decide(holder, lambda it: certificates.amend(it, one, {"level": level}, "-", CATALOGUE, today))

    @rule(number=numbers, act=some.sampled_from(["hold", "release", "revoke", "withdraw"]))
    def judge(self, number: str, act: str) -> None:
        if not (holder := self.bank.holder(number)):
            return
        one, today = certificate(number), self.bank.today
        match act:
            case "hold":
                self.bank.decide(holder, lambda it: certificates.hold(it, one, "-", by_issuer=True))
            case "release":
                self.bank.decide(holder, lambda it: certificates.release(it, one, "-", by_issuer=False))
            case "revoke":
                self.bank.decide(holder, lambda it: certificates.revoke(it, one, "-", today, today))
            case _:
                cause = UUID(int=0xACC)
                self.bank.decide(holder, lambda it: certificates.hold_for_withdrawal(it, one, cause, "-"))

    @rule(data=some.data(), account=who, kind=kinds)
    def use(self, data: some.DataObject, account: UUID, kind: str) -> None:
        self.ask(data, account, kind, reserve_days=0)

    @rule(data=some.data(), account=who, kind=kinds)
    def reserve(self, data: some.DataObject, account: UUID, kind: str) -> None:
        self.ask(data, account, kind, reserve_days=5)

    def ask(self, data: some.DataObject, account: UUID, kind: str, reserve_days: int) -> None:
        before = self.bank.states[account]
        if not before.lots:
            return
        self.bank.apply(account, data.draw(wishes(list(before.lots))), kind, reserve_days)
        after = self.bank.states[account]
        if after is before:
            return
        (new,) = set(after.uses) - set(before.uses)
        taken = consumed(after.uses.values()) + reserved(after.uses.values(), self.bank.now)
        for grant in after.uses[new].grants:
            for one in grant.consumed:
                assert after.lots[one].status == "active"
                assert taken[one] <= after.lots[one].credits, "at the moment of granting nothing is overdrawn"

    @rule(data=some.data(), account=who, act=some.sampled_from(ANSWERS))
    def change_use(self, data: some.DataObject, account: UUID, act: str) -> None:
        bank, standing = self.bank, list(self.bank.states[account].uses)
        if not standing:
            return
        use_id = data.draw(some.sampled_from(standing))
        match act:
            case "reverse":
                bank.decide(account, lambda it: uses.reverse(it, use_id, "-"))
            case "confirm":
                bank.confirm(account, use_id)
            case "release":
                bank.decide(account, lambda it: reservations.release(it, use_id, "-", bank.now))
            case _:
                bank.decide(account, lambda it: uses.review(it, use_id, act, "-"))

    @rule(days=some.sampled_from([1, 6, 30]))
    def time_passes(self, days: int) -> None:
        if self.bank.today + timedelta(days=days) < date(2026, 12, 20):
            self.bank.now += days * DAY
        for account_id, account in self.bank.states.items():
            for use_id in account.uses:
                self.bank.decide(account_id, lambda it, one=use_id: reservations.lapse(it, one, self.bank.now))

    @rule(account=who, act=some.sampled_from([accounts.suspend, accounts.reinstate, accounts.reinstate]))
    def change_status(self, account: UUID, act: object) -> None:
        self.bank.decide(account, lambda it: act(it.head, "-"))

    @rule(account=who, act=some.sampled_from([accounts.restrict, accounts.lift_restriction]))
    def change_restriction(self, account: UUID, act: object) -> None:
        self.bank.decide(account, lambda it: act(it, "-"))

    @rule(account=who, what=some.sampled_from(["consent", "share", "request"]), number=some.integers(1, 4))
    def allow_or_take_back(self, account: UUID, what: str, number: int) -> None:
        bank, one = self.bank, UUID(int=0xE000 + number)
        if any(one in kept for it in bank.states.values() for kept in of_rights(it.rights)):
            match what:
                case "consent":
                    bank.decide(account, lambda it: consents.withdraw(it, one))
                case "share":
                    bank.decide(account, lambda it: shares.revoke(it, one))
                case _:
                    bank.decide(account, lambda it: learner_requests.settle(it, one, "done", "-"))
            return
        until, now = bank.today + timedelta(days=10), bank.now
        match what:
            case "consent":
                bank.decide(account, lambda it: consents.give(it, one, "college", until, CATALOGUE, bank.today, now))
            case "share":
                bank.decide(account, lambda it: shares.grant(it, one, "balance", (), False, now + DAY, now))
            case _:
                bank.decide(account, lambda it: learner_requests.make(it, one, "correction", now))

    @rule(survivor=who, merged=some.sampled_from([UUID(int=2), UUID(int=3)]), wanted=some.integers(0, 2))
    def merge(self, survivor: UUID, merged: UUID, wanted: int) -> None:
        if wanted == 1:
            self.bank.merge(survivor, merged)

    @invariant()
    def every_credit_is_somewhere_and_nothing_is_below_zero(self) -> None:
        for account in self.bank.states.values():
            sheet = balance(account.lots.values(), account.uses.values(), self.bank.today, self.bank.now)
            gone = sheet.used + sheet.reserved + sheet.expired + sheet.held
            assert sheet.earned - gone + sheet.shortfall == sheet.available
            amounts = (sheet.earned, sheet.used, sheet.reserved, sheet.expired, sheet.held, sheet.shortfall)
            assert min(*amounts, sheet.under_review) >= 0
            assert 0 <= sheet.available <= sheet.earned

    @invariant()
    def the_state_is_what_its_history_says(self) -> None:
        for account_id, history in self.bank.histories.items():
            replayed = states.replay(states.empty(account_id), (one.event for one in history))
            assert replayed == self.bank.states[account_id]
            assert replayed.head.version == len(history)

    @invariant()
    def each_certificate_and_each_use_is_in_one_account(self) -> None:
        for kept in ("lots", "uses"):
            held = Counter(one for account in self.bank.states.values() for one in getattr(account, kept))
            assert not held or max(held.values()) == 1

    @invariant()
    def what_a_learner_allows_and_asks_for_is_in_one_account(self) -> None:
        held = Counter(
            one for account in self.bank.states.values() for kept in of_rights(account.rights) for one in kept
        )
        assert not held or max(held.values()) == 1

    def teardown(self) -> None:
        """On every day and at every moment there is an answer, also when no standard of the time is left."""
        if not hasattr(self, "bank"):
            return
        for account_id, history in self.bank.histories.items():
            empty = states.empty(account_id)
            assert account_at(empty, history, Moment()) == self.bank.states[account_id]
            account = self.bank.states[account_id]
            ground = ground_of(account, PROGRAMME, Catalogue(), self.bank.today, self.bank.now, account.lots)
            counted = [use for use in account.uses.values() if use.stands or use.holds(self.bank.now)]
            assert len(ground.history) == sum(len(use.grants) for use in counted)
            for one in history:
                account_at(empty, history, Moment(as_of=one.recorded_on))
                account_at(empty, history, Moment(as_of=one.recorded_on - timedelta(days=1), known_at=one.recorded_at))


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=20, stateful_step_count=60, derandomize=True, deadline=None)
