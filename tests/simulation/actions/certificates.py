"""Certificates: awarded alone and in batches, corrected, held, revoked; accreditations withdrawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

from creditbank.commands import catalogue, certificates
from creditbank.commands.awards import AwardBatch, AwardCertificate, AwardLine
from creditbank.commands.desk import Command
from creditbank.commands.jobs import HoldNext
from creditbank.domain.certificates import Award
from creditbank.domain.values import certificate_id
from tests.simulation.actions.action import DONE, Refusals, require, unless_open
from tests.simulation.actions.people import holder, opened, rendered
from tests.simulation.installation import LEVELS, STANDARD
from tests.simulation.model import Lot, Model, Moment, amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One certificate for a person, by the document or by the account."""

    issuer: str
    number: str
    level: str
    issued_on: date
    expires_on: date | None
    to: str | UUID

    @property
    def certificate_id(self) -> UUID:
        return certificate_id(self.issuer, self.number)

    def line(self) -> AwardLine:
        award = Award(
            certificate_id=self.certificate_id,
            issuer=self.issuer,
            number=self.number,
            standard=STANDARD,
            level=self.level,
            issued_on=self.issued_on,
            expires_on=self.expires_on,
        )
        return AwardLine(award=award, holder=self.to if isinstance(self.to, UUID) else holder(self.to))

    def refusals(self, model: Model) -> Refusals:
        if not model.is_accredited(self.issuer, self.issued_on):
            return ("organisation_not_accredited",)
        account_id = self.account(model)
        account = model.accounts[account_id] if account_id else None
        if account is not None and account.merged_into is not None:
            return ("account_merged",)
        if self.certificate_id in model.holders:
            is_own = model.holders[self.certificate_id] == account_id
            return ("certificate_duplicate",) if is_own else ("certificate_number_taken",)
        return DONE if account is None else unless_open(account)

    def apply(self, model: Model, account_id: UUID) -> None:
        known = self.account(model)
        require(known in (None, account_id), f"{self.number} went to {account_id} instead of {known}")
        if known is None:
            assert isinstance(self.to, str)
            opened(model, self.to, account_id, self.issuer)
        lot = Lot(
            issuer=self.issuer,
            credits=LEVELS[self.level],
            level=self.level,
            issued_on=self.issued_on,
            expires_on=self.expires_on,
        )
        model.accounts[account_id].lots[self.certificate_id] = lot
        model.holders[self.certificate_id] = account_id

    def account(self, model: Model) -> UUID | None:
        return self.to if isinstance(self.to, UUID) else model.documents.get(self.to)


@dataclass(frozen=True, slots=True)
class AwardOne:
    line: Line

    def command(self) -> Command:
        return AwardCertificate(line=self.line.line())

    def refusals(self, model: Model, at: Moment) -> Refusals:
        return self.line.refusals(model)

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        self.line.apply(model, UUID(body["account_id"]))
        require(amount(body["credits"]) == LEVELS[self.line.level], f"{self.line.number} is worth {body['credits']}")


@dataclass(frozen=True, slots=True)
class AwardMany:
    lines: tuple[Line, ...]
    mode: Literal["partial", "atomic"]

    def command(self) -> Command:
        lines = [line.line() for line in self.lines]
        return AwardBatch(lines=lines, mode=self.mode, dry_run=False, render=rendered)

    def refusals(self, model: Model, at: Moment) -> Refusals:
        return DONE

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        if self.mode == "atomic" and body["refused"]:
            require(body["accepted"] == 0, "a batch that must be whole was taken in part")
            return
        for line, result in zip(self.lines, body["results"], strict=True):
            refused = line.refusals(model)
            code = result["problem"]["code"] if "problem" in result else None
            require(code in refused if refused else code is None, f"{line.number}: {code} instead of {refused}")
            if not refused:
                line.apply(model, UUID(result["account_id"]))


ChangeOf = Literal["amendment", "hold", "release", "revocation"]
_FROM: dict[ChangeOf, tuple[str, ...]] = {
    "amendment": ("active", "held"),
    "hold": ("active",),
    "release": ("held",),
    "revocation": ("active", "held"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCertificate:
    """By its issuer, or where that is None by the authority. `level` is what an amendment says."""

    certificate_id: UUID
    issuer: str | None
    change: ChangeOf
    level: str = ""

    def command(self) -> Command:
        match self.change:
            case "amendment":
                return certificates.amend(self.certificate_id, self.issuer, {"level": self.level}, "simulated")
            case "hold":
                return certificates.hold(self.certificate_id, self.issuer, "simulated")
            case "release":
                return certificates.release(self.certificate_id, self.issuer, "simulated")
            case "revocation":
                return certificates.revoke(self.certificate_id, self.issuer, "simulated", None)

    def refusals(self, model: Model, at: Moment) -> Refusals:
        if self.certificate_id not in model.holders:
            return ("not_found",)
        account = model.accounts[model.holders[self.certificate_id]]
        lot = account.lots[self.certificate_id]
        if self.issuer is not None and (lot.issuer != self.issuer or account.status == "restricted"):
            return ("not_found",)
        if lot.status not in _FROM[self.change]:
            return ("wrong_state",)
        if self.change == "release" and self.issuer is not None and lot.held_by != "issuer":
            return ("forbidden",)
        is_same = self.change != "amendment" or self.level == lot.level
        return DONE if is_same or model.is_accredited(lot.issuer, lot.issued_on) else ("organisation_not_accredited",)

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        account = model.accounts[model.holders[self.certificate_id]]
        lot = account.lots[self.certificate_id]
        match self.change:
            case "amendment":
                self._amend(model)
            case "hold":
                lot.status, lot.held_by = "held", "issuer" if self.issuer else "authority"
            case "release":
                lot.status, lot.held_by = "active", None
            case "revocation":
                lot.status = "revoked"
                account.give_up(self.certificate_id)

    def _amend(self, model: Model) -> None:
        account = model.accounts[model.holders[self.certificate_id]]
        lot = account.lots[self.certificate_id]
        before, lot.level, lot.credits = lot.credits, self.level, LEVELS[self.level]
        taken = account.taken(self.certificate_id)
        kept = sum(
            grant.credits
            for use in account.uses.values()
            if use.status == "open"
            for grant in use.grants
            if grant.certificate_id == self.certificate_id
        )
        if lot.credits < min(taken, before):
            account.give_up(self.certificate_id)
        elif lot.credits < min(taken + kept, before):
            account.end_reservations(self.certificate_id)
        lot.is_short = account.taken(self.certificate_id) > lot.credits


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Withdraw the first accreditation of an issuer. What was issued since then goes on hold in a job."""

    issuer: str
    accreditation_id: UUID
    effective_from: date

    def command(self) -> Command:
        return catalogue.Withdraw(
            organisation=self.issuer,
            accreditation_id=self.accreditation_id,
            effective_from=self.effective_from,
            reason="simulated",
        )

    def refusals(self, model: Model, at: Moment) -> Refusals:
        standing = model.withdrawn.get(self.issuer)
        return ("wrong_state",) if standing is not None and standing <= self.effective_from else DONE

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        model.withdrawn[self.issuer] = self.effective_from
        model.jobs[UUID(body["job_id"])] = (self.issuer, self.effective_from)


@dataclass(frozen=True, slots=True)
class CarryJobOn:
    """One chunk of the job of a withdrawal."""

    job_id: UUID

    def command(self) -> Command:
        return HoldNext(job_id=self.job_id)

    def refusals(self, model: Model, at: Moment) -> Refusals:
        return DONE

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        if self.job_id not in model.jobs:
            return
        issuer, since = model.jobs[self.job_id]
        found = [
            lot
            for account in model.accounts.values()
            for lot in account.lots.values()
            if lot.status == "active" and lot.issuer == issuer and lot.issued_on >= since
        ]
        for lot in found:
            lot.status, lot.held_by = "held", "withdrawal"
        require((body["state"] == "running") == bool(found), f"the job is {body['state']} after {len(found)} holds")
        if not found:
            del model.jobs[self.job_id]
