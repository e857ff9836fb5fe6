"""A learner lets an institution deal with the account, and takes it back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import uuid_utils.compat as uuids

from creditbank.commands.accounts import IfMatch, check_version
from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs
from creditbank.domain import consents
from creditbank.domain.instants import instant_text
from creditbank.domain.rights import Consent
from creditbank.vault import texts


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveConsent:
    """Let an institution deal with the account until a day. The purpose is sealed, and shown in this answer once."""

    account_id: UUID
    institution: str
    purpose: str
    until: date
    if_match: IfMatch = None
    consent_id: UUID = field(default_factory=uuids.uuid7)

    def needs(self) -> Needs:
        return Needs(accounts=[self.account_id])

    def run(self, draft: Draft) -> Answer:
        account, unit = draft.account(self.account_id), draft.unit
        check_version(account.head, self.if_match)
        event = consents.give(
            account, self.consent_id, self.institution, self.until, draft.catalogue, unit.today, unit.now
        )
        draft.append(self.account_id, event)
        draft.statements.append(
            lambda connection: texts.put(connection, unit.bank.vault, self.account_id, self.consent_id, self.purpose)
        )
        given = draft.account(self.account_id).rights.consents[self.consent_id]
        body = documented(given, self.account_id, None, unit.today)
        return Answer(status=201, body=body, once={"purpose": self.purpose})


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawConsent:
    """Take a consent back: nothing new rests on it from now on."""

    account_id: UUID
    consent_id: UUID
    if_match: IfMatch = None

    def needs(self) -> Needs:
        return Needs(accounts=[self.account_id])

    def run(self, draft: Draft) -> Answer:
        account = draft.account(self.account_id)
        check_version(account.head, self.if_match)
        draft.append(self.account_id, consents.withdraw(account, self.consent_id))
        withdrawn = draft.account(self.account_id).rights.consents[self.consent_id]
        return Answer(status=200, body=documented(withdrawn, self.account_id, None, draft.unit.today))


def documented(one: Consent, account_id: UUID, purpose: str | None, today: date) -> dict[str, Any]:
    return {
        "consent_id": str(one.consent_id),
        "account_id": str(account_id),
        "institution": one.institution,
        "status": one.status_on(today),
        "purpose": purpose,
        "until": one.until.isoformat(),
        "given_at": instant_text(one.given_at),
    }
