"""Conversions, exemptions and reservations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

from creditbank.commands import catalogue, uses
from creditbank.commands.desk import Command
from creditbank.commands.uses import LapseReservations
from creditbank.domain.situations import Wish
from tests.simulation.actions.action import DONE, Refusals, require, unless_open
from tests.simulation.installation import rules
from tests.simulation.model import Account, Model, Moment, ProgrammeKey, Use, amount

LONGEST = 30 * 24 * 3_600 * 1_000_000
"""A reservation ends within 30 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply:
    """Ask for credits in a programme: at once, or reserved until `expires_at`."""

    use_id: UUID
    account_id: UUID
    programme: ProgrammeKey
    wishes: tuple[tuple[UUID, str | None], ...]
    mode: Literal["partial", "atomic"]
    expires_at: int | None

    @property
    def kind(self) -> Literal["conversion", "exemption"]:
        return "conversion" if self.wishes[0][1] is None else "exemption"

    def command(self) -> Command:
        return uses.Use(
            kind=self.kind,
            account_id=self.account_id,
            institution=self.programme[0],
            programme=self.programme,
            applied_on=None,
            wishes=[Wish(certificate_ids=(one,), target=target, fields={}) for one, target in self.wishes],
            mode=self.mode,
            explain=lambda refusal: refusal.reason,
            expires_at=self.expires_at,
            use_id=self.use_id,
        )

    def refusals(self, model: Model, at: Moment) -> Refusals:
        account = model.accounts[self.account_id]
        if not account.may_be_dealt_with(self.programme[0], at.today):
            return ("not_found",)
        if refused := unless_open(account):
            return refused
        if self.expires_at is not None and not at.now < self.expires_at <= at.now + LONGEST:
            return ("validation_failed",)
        if account.lacks_consent(self.programme, at.today):
            return ("consent_required",)
        if any(certificate_id not in account.lots for certificate_id, _ in self.wishes):
            return ("validation_failed",)
        granted = account.wanted(self.programme, self.wishes, model.limit(self.programme, at.today), at)
        is_enough = granted and (self.mode == "partial" or len(granted) == len(self.wishes))
        return DONE if is_enough else ("not_eligible", "outcome_reserved")

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        account = model.accounts[self.account_id]
        grants = account.wanted(self.programme, self.wishes, model.limit(self.programme, at.today), at)
        # Credits of reservations that are over were counted as free: they are over for good.
        account.lapse(at.now)
        account.uses[self.use_id] = Use(
            kind=self.kind,
            programme=self.programme,
            grants=tuple(grants),
            status="active" if self.expires_at is None else "open",
            expires_at=self.expires_at,
        )
        total = sum(grant.credits for grant in grants)
        require(amount(body["granted_total"]) == total, f"granted {body['granted_total']} instead of {total}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeUse:
    """What an institution decides about a use of its own. `new_id` is what a confirmed reservation becomes."""

    use_id: UUID
    programme: ProgrammeKey
    kind: Literal["conversion", "exemption", "reservation"]
    change: Literal["reversal", "upheld", "withdrawn", "confirmation", "release"]
    new_id: UUID

    def command(self) -> Command:
        institution = self.programme[0]
        match self.change:
            case "reversal":
                assert self.kind != "reservation"
                return uses.reversal(self.kind, self.use_id, institution, "simulated", None)
            case "upheld" | "withdrawn":
                return uses.review(self.use_id, institution, self.change, "simulated", None)
            case "confirmation":
                return uses.confirmation(self.use_id, institution, None, self.new_id)
            case "release":
                return uses.release(self.use_id, institution, "simulated", None)

    def refusals(self, model: Model, at: Moment) -> Refusals:
        account = model.account_with(self.use_id)
        if account is None or account.status == "restricted":
            return ("not_found",)
        use = account.uses[self.use_id]
        match self.change:
            case "reversal":
                return DONE if use.stands else ("wrong_state",)
            case "upheld" | "withdrawn":
                return DONE if use.status == "under_review" else ("wrong_state",)
            case "release":
                return DONE if use.keeps(at.now) else ("wrong_state",)
            case "confirmation":
                return self._unless_confirmable(account, use, at)

    def _unless_confirmable(self, account: Account, use: Use, at: Moment) -> Refusals:
        if not use.keeps(at.now):
            return ("wrong_state",)
        if refused := unless_open(account):
            return refused
        if any(account.lots[grant.certificate_id].status != "active" for grant in use.grants):
            return ("wrong_state",)
        return ("consent_required",) if account.lacks_consent(use.programme, at.today) else DONE

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        account = model.account_with(self.use_id)
        assert account is not None
        use = account.uses[self.use_id]
        match self.change:
            case "reversal" | "withdrawn":
                use.status = "reversed"
            case "upheld":
                use.status = "active"
            case "release":
                use.status = "released"
            case "confirmation":
                use.status = "confirmed"
                confirmed = Use(kind=use.kind, programme=use.programme, grants=use.grants, status="active")
                account.uses[self.new_id] = confirmed


@dataclass(frozen=True, slots=True)
class NewRules:
    """The next version of a programme's rulebook, with another limit."""

    programme: ProgrammeKey
    limit: int
    effective_from: date

    def command(self) -> Command:
        return catalogue.PublishRulebook(
            rulebook=self.programme[0],
            owner=self.programme[0],
            title=None,
            rules=rules(self.limit),
            cases=(),
            effective_from=self.effective_from,
        )

    def refusals(self, model: Model, at: Moment) -> Refusals:
        return DONE if model.limits[self.programme][-1][0] <= self.effective_from else ("validation_failed",)

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        model.limits[self.programme].append((self.effective_from, self.limit))
        require(body["version"] == len(model.limits[self.programme]), f"the rules are version {body['version']}")


@dataclass(frozen=True, slots=True)
class Lapse:
    """The chore that records which reservations are over."""

    def command(self) -> Command:
        return LapseReservations()

    def refusals(self, model: Model, at: Moment) -> Refusals:
        return DONE

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        lapsed = sum(account.lapse(at.now) for account in model.accounts.values())
        require(body["lapsed"] >= lapsed, f"{body['lapsed']} reservations lapsed instead of {lapsed}")
