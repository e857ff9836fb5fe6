"""What a learner asks the authority for: make a request, settle it, list those of all accounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import uuid_utils.compat as uuids

from creditbank.commands.accounts import IfMatch, check_version
from creditbank.commands.bank import Bank
from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs
from creditbank.domain import errors, learner_requests
from creditbank.domain.events import RequestKind
from creditbank.domain.instants import instant_text
from creditbank.domain.rights import LearnerRequest
from creditbank.projections import learner_requests as stored
from creditbank.vault import texts


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeRequest:
    """Ask the authority for something. The learner's own words are sealed, and shown in this answer once."""

    account_id: UUID
    kind: RequestKind
    text: str | None
    if_match: IfMatch = None
    request_id: UUID = field(default_factory=uuids.uuid7)

    def needs(self) -> Needs:
        return Needs(accounts=[self.account_id])

    def run(self, draft: Draft) -> Answer:
        account, unit, text = draft.account(self.account_id), draft.unit, self.text
        check_version(account.head, self.if_match)
        draft.append(self.account_id, learner_requests.make(account, self.request_id, self.kind, unit.now))
        if text is not None:
            draft.statements.append(
                lambda connection: texts.put(connection, unit.bank.vault, self.account_id, self.request_id, text)
            )
        made = draft.account(self.account_id).rights.requests[self.request_id]
        return Answer(status=201, body=documented(made, self.account_id, None), once={"text": text})


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleRequest:
    """Answer a request: done, or declined."""

    request_id: UUID
    outcome: Literal["done", "declined"]
    reason: str
    if_match: IfMatch = None

    def needs(self) -> Needs:
        return Needs(requests=[self.request_id])

    def run(self, draft: Draft) -> Answer:
        found = stored.accounts_of(draft.unit.connection, [self.request_id])
        if not found:
            raise errors.NotFound()
        [stored_on] = found
        account_id = draft.survivor(stored_on)
        account = draft.account(account_id)
        check_version(account.head, self.if_match)
        draft.append(account_id, learner_requests.settle(account, self.request_id, self.outcome, self.reason))
        settled = draft.account(account_id).rights.requests[self.request_id]
        return Answer(status=200, body=documented(settled, account_id, None))


def listed(
    bank: Bank, *, account_id: UUID | None, after: UUID | None, status: str | None, limit: int, masked: bool
) -> list[dict[str, Any]]:
    """The next requests, of all accounts or of one, the oldest first; with the learners' words unless masked."""
    with bank.engine.connect() as connection, connection.begin():
        rows = stored.after(connection, after, limit, account_id=account_id, status=status)
        accounts = set() if masked else {row.account_id for row in rows}
        words = texts.of_accounts(connection, bank.vault, accounts)
    return [documented(stored.request_from(row), row.account_id, words.get(row.request_id)) for row in rows]


def documented(one: LearnerRequest, account_id: UUID, text: str | None) -> dict[str, Any]:
    return {
        "request_id": str(one.request_id),
        "account_id": str(account_id),
        "kind": one.kind,
        "status": one.status,
        "text": text,
        "made_at": instant_text(one.made_at),
        "reason": one.reason,
    }
