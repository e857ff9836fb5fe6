"""What a learner allows and asks for, as those read it who may: with the learner's own words, or without them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from creditbank.commands import consents, hindsight, learner_requests, shares
from creditbank.commands.bank import Bank
from creditbank.commands.queries import AccountReader
from creditbank.commands.sight import Viewer
from creditbank.domain.account import Account
from creditbank.domain.timeline import Moment
from creditbank.vault import texts


@dataclass(frozen=True, slots=True)
class RightsReader:
    """Answers from the history of one account. What the viewer may not see is not found."""

    bank: Bank
    accounts: AccountReader

    def consents(self, account_id: UUID, viewer: Viewer, *, masked: bool) -> list[dict[str, Any]]:
        """All consents, also those that are over. An institution sees those that were given to it."""
        account, words = self._read(account_id, viewer, masked)
        today = self.bank.today()
        return [
            consents.documented(one, account_id, words.get(one.consent_id), today)
            for one in account.rights.consents.values()
            if viewer.institution in (None, one.institution)
        ]

    def shares(self, account_id: UUID, viewer: Viewer, *, masked: bool) -> list[dict[str, Any]]:
        """All shares, also those that are over, without their secrets."""
        account, words = self._read(account_id, viewer, masked)
        now = self.bank.clock()
        return [
            shares.documented(one, account_id, words.get(one.share_id), now) for one in account.rights.shares.values()
        ]

    def requests(self, account_id: UUID, viewer: Viewer, *, masked: bool) -> list[dict[str, Any]]:
        """Everything that was asked for, with what became of it."""
        account, words = self._read(account_id, viewer, masked)
        return [
            learner_requests.documented(one, account_id, words.get(one.request_id))
            for one in account.rights.requests.values()
        ]

    def _read(self, account_id: UUID, viewer: Viewer, masked: bool) -> tuple[Account, dict[UUID, str]]:
        with self.bank.engine.connect() as connection, connection.begin():
            self.accounts.require(connection, account_id, viewer)
            account = hindsight.account_then(self.bank, connection, account_id, Moment()).account
            words = {} if masked else texts.of_accounts(connection, self.bank.vault, [account_id])
        return account, words
