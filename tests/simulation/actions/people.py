"""Accounts and what their learners allow and ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal
from uuid import UUID

from creditbank.commands import accounts, consents, corrections, learner_requests
from creditbank.commands.desk import Command
from creditbank.domain.errors import BankError
from creditbank.vault.persons import Holder, Person
from tests.simulation.actions.action import DONE, Refusals, require, unless_in, unless_open
from tests.simulation.model import Account, Consent, Model, Moment

LOOK_UP_DAYS = 180
MOST_REQUESTS = 20


def holder(document: str) -> Holder:
    return Holder(person=Person(name=document, document_type="LOCAL", number=document))


def rendered(refusal: BankError) -> tuple[int, dict[str, Any]]:
    return 400, {"code": refusal.code}


@dataclass(frozen=True, slots=True)
class Open:
    """Open accounts for persons, in one request; whoever has one keeps it."""

    documents: tuple[str, ...]
    institution: str

    def command(self) -> Command:
        holders = [holder(document) for document in self.documents]
        return accounts.OpenAccounts(
            holders=holders, opened_by=self.institution, institution=self.institution, render=rendered
        )

    def refusals(self, model: Model, at: Moment) -> Refusals:
        return DONE

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        for document, result in zip(self.documents, body["results"], strict=True):
            account_id = model.documents.get(document)
            if account_id is None:
                require(result["status"] == 201, f"{document} got no account: {result}")
                opened(model, document, UUID(result["account_id"]), self.institution)
            elif model.accounts[account_id].status == "restricted":
                require(result["status"] == 400, f"{document} is restricted: {result}")
            else:
                require(result.get("account_id") == str(account_id), f"{document} has {account_id}: {result}")
                model.accounts[account_id].deal(self.institution, at.today + timedelta(days=LOOK_UP_DAYS))


def opened(model: Model, document: str, account_id: UUID, opened_by: str) -> None:
    require(account_id not in model.accounts, f"{account_id} is somebody else's")
    model.accounts[account_id] = Account(document=document, dealings={opened_by: None})
    model.documents[document] = account_id


@dataclass(frozen=True, slots=True)
class LookUp:
    document: str
    institution: str

    def command(self) -> Command:
        return accounts.LookUp(holder=holder(self.document), institution=self.institution)

    def refusals(self, model: Model, at: Moment) -> Refusals:
        account_id = model.documents.get(self.document)
        is_found = account_id is not None and model.accounts[account_id].status != "restricted"
        return DONE if is_found else ("not_found",)

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        account_id = model.documents[self.document]
        require(body["account_id"] == str(account_id), f"{self.document} has {account_id}, not {body['account_id']}")
        model.accounts[account_id].deal(self.institution, at.today + timedelta(days=LOOK_UP_DAYS))


Change = Literal["suspension", "reinstatement", "closure"]
_STATUSES: dict[Change, tuple[Sequence[str], str]] = {
    "suspension": (("open",), "suspended"),
    "reinstatement": (("suspended",), "open"),
    "closure": (("open", "suspended"), "closed"),
}


@dataclass(frozen=True, slots=True)
class ChangeStatus:
    account_id: UUID
    change: Change

    def command(self) -> Command:
        return accounts.ChangeStatus(account_id=self.account_id, change=self.change, reason="simulated")

    def refusals(self, model: Model, at: Moment) -> Refusals:
        return unless_in(model.accounts[self.account_id], *_STATUSES[self.change][0])

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        model.accounts[self.account_id].status = _STATUSES[self.change][1]
        require(body["status"] == _STATUSES[self.change][1], f"{self.account_id} is {body['status']}")


@dataclass(frozen=True, slots=True)
class Restrict:
    account_id: UUID
    change: Literal["restriction", "restriction-lifting"]

    def command(self) -> Command:
        return accounts.ChangeRestriction(account_id=self.account_id, change=self.change, reason="simulated")

    def refusals(self, model: Model, at: Moment) -> Refusals:
        allowed = ("open", "suspended", "closed") if self.change == "restriction" else ("restricted",)
        return unless_in(model.accounts[self.account_id], *allowed)

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        account = model.accounts[self.account_id]
        if self.change == "restriction":
            account.before_restriction, account.status = account.status, "restricted"
        else:
            account.status = account.before_restriction


@dataclass(frozen=True, slots=True)
class Correct:
    """Another document: one that was wrong is let go, one that has changed finds the account beside the new one."""

    account_id: UUID
    document: str
    cause: Literal["error", "change"]

    def command(self) -> Command:
        particulars = corrections.Particulars(document=holder(self.document).document)
        return corrections.CorrectHolder(
            account_id=self.account_id, particulars=particulars, cause=self.cause, reason="simulated"
        )

    def refusals(self, model: Model, at: Moment) -> Refusals:
        account = model.accounts[self.account_id]
        if refused := unless_in(account, "open", "suspended", "closed", "restricted"):
            return refused
        return DONE if model.documents.get(self.document, self.account_id) == self.account_id else ("document_taken",)

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        account = model.accounts[self.account_id]
        if account.document == self.document:
            return
        if self.cause == "error":
            model.documents.pop(account.document, None)
        account.document = self.document
        model.documents[self.document] = self.account_id


@dataclass(frozen=True, slots=True)
class Merge:
    account_id: UUID
    merged: UUID

    def command(self) -> Command:
        return accounts.Merge(account_id=self.account_id, merged=self.merged, reason="simulated")

    def refusals(self, model: Model, at: Moment) -> Refusals:
        if refused := unless_open(model.accounts[self.account_id]):
            return refused
        if self.account_id == self.merged:
            return ("validation_failed",)
        return unless_in(model.accounts[self.merged], "open", "suspended")

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        model.merge(self.account_id, self.merged)


@dataclass(frozen=True, slots=True)
class Erase:
    account_id: UUID
    receipt: UUID

    def command(self) -> Command:
        return accounts.Erase(account_id=self.account_id, reason="simulated", receipt=self.receipt)

    def refusals(self, model: Model, at: Moment) -> Refusals:
        return unless_in(model.accounts[self.account_id], "open", "suspended", "closed", "restricted")

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        require(body["receipt"]["receipt_id"] == str(self.receipt), "an erasure has the receipt of another one")
        model.erase(self.account_id)


@dataclass(frozen=True, slots=True)
class GiveConsent:
    account_id: UUID
    institution: str
    until: date
    consent_id: UUID

    def command(self) -> Command:
        return consents.GiveConsent(
            account_id=self.account_id,
            institution=self.institution,
            purpose="simulated",
            until=self.until,
            consent_id=self.consent_id,
        )

    def refusals(self, model: Model, at: Moment) -> Refusals:
        return unless_open(model.accounts[self.account_id]) or (
            DONE if at.today <= self.until else ("validation_failed",)
        )

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        consent = Consent(institution=self.institution, until=self.until)
        model.accounts[self.account_id].consents[self.consent_id] = consent


@dataclass(frozen=True, slots=True)
class WithdrawConsent:
    account_id: UUID
    consent_id: UUID

    def command(self) -> Command:
        return consents.WithdrawConsent(account_id=self.account_id, consent_id=self.consent_id)

    def refusals(self, model: Model, at: Moment) -> Refusals:
        account = model.accounts[self.account_id]
        if account.merged_into is not None:
            return ("account_merged",)
        if self.consent_id not in account.consents:
            return ("not_found",)
        return ("wrong_state",) if account.consents[self.consent_id].is_withdrawn else DONE

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        model.accounts[self.account_id].consents[self.consent_id].is_withdrawn = True


@dataclass(frozen=True, slots=True)
class MakeRequest:
    account_id: UUID
    request_id: UUID

    def command(self) -> Command:
        return learner_requests.MakeRequest(
            account_id=self.account_id, kind="correction", text="simulated", request_id=self.request_id
        )

    def refusals(self, model: Model, at: Moment) -> Refusals:
        account = model.accounts[self.account_id]
        if account.merged_into is not None:
            return ("account_merged",)
        if account.status == "erased":
            return ("wrong_state",)
        is_full = list(account.requests.values()).count("open") >= MOST_REQUESTS
        return ("too_many_open_requests",) if is_full else DONE

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        model.accounts[self.account_id].requests[self.request_id] = "open"


@dataclass(frozen=True, slots=True)
class SettleRequest:
    request_id: UUID
    outcome: Literal["done", "declined"]

    def command(self) -> Command:
        return learner_requests.SettleRequest(request_id=self.request_id, outcome=self.outcome, reason="simulated")

    def refusals(self, model: Model, at: Moment) -> Refusals:
        account = self._account(model)
        if account is None:
            return ("not_found",)
        return DONE if account.requests[self.request_id] == "open" else ("wrong_state",)

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        account = self._account(model)
        assert account is not None
        account.requests[self.request_id] = self.outcome

    def _account(self, model: Model) -> Account | None:
        return next((one for one in model.accounts.values() if self.request_id in one.requests), None)
