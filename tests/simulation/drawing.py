"""What is asked next: actions drawn from chance and from what the model says there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import TypeVar
from uuid import UUID

from tests.simulation.actions.action import Action
from tests.simulation.actions.certificates import (
    AwardMany,
    AwardOne,
    CarryJobOn,
    ChangeCertificate,
    Line,
    Withdraw,
)
from tests.simulation.actions.people import (
    ChangeStatus,
    Correct,
    Erase,
    GiveConsent,
    LookUp,
    MakeRequest,
    Merge,
    Open,
    Restrict,
    SettleRequest,
    WithdrawConsent,
)
from tests.simulation.actions.uses import LONGEST, Apply, ChangeUse, Lapse, NewRules
from tests.simulation.installation import COURSES, ISSUERS, LEVELS, LIMITS
from tests.simulation.model import Model, Moment

PERSONS = tuple(f"SIM-{number}" for number in range(14))
PROGRAMMES = tuple(COURSES)
ISSUED = (date(2026, 3, 1), date(2026, 7, 1))
WITHDRAWN_SINCE = (date(2026, 6, 1), date(2026, 2, 1))
HOUR = 3_600_000_000
_CHANGES = {
    "suspension": "open",
    "reinstatement": "suspended",
    "closure": "open",
    "restriction": "open",
    "restriction-lifting": "restricted",
}
"""Each change of an account, and the state in which it does something."""
Thing = TypeVar("Thing")


@dataclass(slots=True)
class Drawing:
    """Draws actions. `accreditations` names the accreditation of each issuer."""

    chance: Random
    ids: Callable[[], UUID]
    model: Model
    accreditations: dict[str, UUID]
    _numbers: int = field(default=0, init=False)

    def action(self, at: Moment) -> Action:
        weighted: dict[Callable[[Moment], Action | None], float] = {
            self._apply: 30,
            self._change_use: 24,
            self._award: 16,
            self._change_certificate: 12,
            self._consent: 7,
            self._open: 6,
            self._batch: 5,
            self._look_up: 4,
            self._lapse: 4,
            self._status: 3,
            self._request: 3,
            self._merge: 2,
            self._carry_on: 2,
            self._correct: 2,
            self._rules: 1,
            self._erase: 0.4,
            self._withdraw: 0.2,
        }
        drawn: Action | None = None
        while drawn is None:
            [draw] = self.chance.choices(list(weighted), list(weighted.values()))
            drawn = draw(at)
        return drawn

    def _person(self) -> str:
        return self.chance.choice(PERSONS)

    def _institution(self) -> str:
        return self.chance.choice(PROGRAMMES)[0]

    def _account(self) -> UUID | None:
        """Mostly one in which something may happen."""
        accounts = self.model.accounts
        if not accounts:
            return None
        lively = [one for one, account in accounts.items() if account.status == "open" and account.lots]
        return self._mostly(lively, list(accounts))

    def _mostly(self, likely: Sequence[Thing], others: Sequence[Thing]) -> Thing:
        """One with which something will happen; now and then any, or where there is none."""
        return self.chance.choice(likely if likely and self.chance.random() < 0.9 else others)

    def _open(self, _: Moment) -> Action:
        count = 1 if self.chance.random() < 0.7 else 3
        return Open(tuple(self._person() for _ in range(count)), self._institution())

    def _look_up(self, _: Moment) -> Action:
        return LookUp(self._person(), self._institution())

    def _line(self) -> Line:
        chance = self.chance
        accounts = list(self.model.accounts)
        self._numbers += chance.random() < 0.85 or not self._numbers
        by_account = accounts and chance.random() < 0.3
        return Line(
            issuer=chance.choice(ISSUERS),
            number=f"N{self._numbers if chance.random() < 0.9 else chance.randrange(self._numbers + 1)}",
            level=chance.choice(list(LEVELS)),
            issued_on=chance.choice(ISSUED),
            expires_on=date(2026, 9, 1) + timedelta(days=chance.randrange(60)) if chance.random() < 0.3 else None,
            to=chance.choice(accounts) if by_account else self._person(),
        )

    def _award(self, _: Moment) -> Action:
        return AwardOne(self._line())

    def _batch(self, _: Moment) -> Action:
        lines = tuple(self._line() for _ in range(self.chance.randint(2, 8)))
        return AwardMany(lines, "atomic" if self.chance.random() < 0.3 else "partial")

    def _change_certificate(self, _: Moment) -> Action | None:
        change = self.chance.choices(("amendment", "hold", "release", "revocation"), (3, 4, 5, 2))[0]
        wanted = "held" if change == "release" else "active"
        known = [(one, lot) for account in self.model.accounts.values() for one, lot in account.lots.items()]
        fitting = [one for one in known if one[1].status == wanted]
        if not known:
            return None
        certificate_id, lot = self._mostly(fitting, known)
        issuer = self.chance.choices((lot.issuer, None, "nobody"), (7, 3, 0.5))[0]
        level = self.chance.choice(list(LEVELS)) if change == "amendment" else ""
        return ChangeCertificate(certificate_id=certificate_id, issuer=issuer, change=change, level=level)

    def _apply(self, at: Moment) -> Action | None:
        account_id = self._account()
        if account_id is None or not (lots := list(self.model.accounts[account_id].lots)):
            return None
        chance, account = self.chance, self.model.accounts[account_id]
        dealing = [one for one in PROGRAMMES if account.may_be_dealt_with(one[0], at.today)]
        if not dealing and chance.random() < 0.8:
            return self._entitlement(account_id, at)
        programme = self._mostly(dealing, PROGRAMMES)
        if account.lacks_consent(programme, at.today) and chance.random() < 0.7:
            return GiveConsent(account_id, programme[0], at.today + timedelta(days=40), self.ids())
        courses = [None] if chance.random() < 0.4 else list(COURSES[programme])
        wishes = tuple((chance.choice(lots), chance.choice(courses)) for _ in range(1 if chance.random() < 0.7 else 2))
        term = chance.choices((0, 1, HOUR, 24 * HOUR, LONGEST, LONGEST + 1), (1, 2, 6, 8, 8, 1))[0]
        return Apply(
            use_id=self.ids(),
            account_id=account_id,
            programme=programme,
            wishes=wishes,
            mode="atomic" if chance.random() < 0.3 else "partial",
            expires_at=at.now + term if chance.random() < 0.5 else None,
        )

    def _entitlement(self, account_id: UUID, at: Moment) -> Action:
        """What lets an institution deal with an account."""
        known = [document for document, to in self.model.documents.items() if to == account_id]
        if known and self.chance.random() < 0.5:
            return LookUp(self.chance.choice(known), self._institution())
        return GiveConsent(account_id, self._institution(), at.today + timedelta(days=40), self.ids())

    def _change_use(self, _: Moment) -> Action | None:
        uses = list(self.model.uses())
        if not uses:
            return None
        reviewed = [one for one in uses if one[1].status == "under_review"]
        lively = [one for one in uses if one[1].stands or one[1].status == "open"]
        use_id, use = self._mostly(reviewed if reviewed and self.chance.random() < 0.3 else lively, uses)
        if use.expires_at is not None:
            kind, change = "reservation", self.chance.choice(("confirmation", "confirmation", "release"))
        elif use.kind == "exemption" and (use.status == "under_review" or self.chance.random() < 0.05):
            kind, change = "exemption", self.chance.choice(("upheld", "withdrawn"))
        else:
            kind, change = use.kind, "reversal"
        return ChangeUse(use_id=use_id, programme=use.programme, kind=kind, change=change, new_id=self.ids())

    def _lapse(self, _: Moment) -> Action:
        return Lapse()

    def _status(self, _: Moment) -> Action | None:
        change, wanted = self.chance.choices(list(_CHANGES.items()), (4, 6, 1, 2, 4))[0]
        accounts = list(self.model.accounts)
        if not accounts:
            return None
        account_id = self._mostly([one for one in accounts if self.model.accounts[one].status == wanted], accounts)
        if change in ("restriction", "restriction-lifting"):
            return Restrict(account_id, change)
        return ChangeStatus(account_id, change)

    def _merge(self, _: Moment) -> Action | None:
        survivor, merged = self._account(), self._account()
        return Merge(survivor, merged) if survivor and merged else None

    def _correct(self, _: Moment) -> Action | None:
        account_id = self._account()
        if account_id is None:
            return None
        document = self._person() if self.chance.random() < 0.3 else f"SIM-{self.ids().hex[-6:]}"
        return Correct(account_id, document, "error" if self.chance.random() < 0.5 else "change")

    def _rules(self, at: Moment) -> Action:
        programme, days = self.chance.choice(PROGRAMMES), self.chance.choice((-1, 0, 0, 3))
        limit = LIMITS[programme] - self.chance.randrange(4) * 10_000
        return NewRules(programme, limit, at.today + timedelta(days=days))

    def _erase(self, _: Moment) -> Action | None:
        account_id = self._account()
        return Erase(account_id, self.ids()) if account_id else None

    def _consent(self, at: Moment) -> Action | None:
        account_id = self._account()
        if account_id is None:
            return None
        given = list(self.model.accounts[account_id].consents)
        if given and self.chance.random() < 0.2:
            return WithdrawConsent(account_id, self.chance.choice(given))
        until = at.today + timedelta(days=self.chance.randint(-1, 40))
        return GiveConsent(account_id, self._institution(), until, self.ids())

    def _request(self, _: Moment) -> Action | None:
        asked = [one for account in self.model.accounts.values() for one in account.requests]
        if asked and self.chance.random() < 0.5:
            return SettleRequest(self.chance.choice(asked), self.chance.choice(("done", "declined")))
        account_id = self._account()
        return MakeRequest(account_id, self.ids()) if account_id else None

    def _carry_on(self, _: Moment) -> Action | None:
        jobs = list(self.model.jobs)
        return CarryJobOn(self.chance.choice(jobs)) if jobs else None

    def _withdraw(self, _: Moment) -> Action:
        issuer = self.chance.choice(ISSUERS)
        return Withdraw(issuer, self.accreditations[issuer], self.chance.choice(WITHDRAWN_SINCE))
