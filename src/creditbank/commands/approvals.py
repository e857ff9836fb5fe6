"""Acts that wait for a second person: ask for one, give it, refuse it, and tell what waits.

An act is judged when it is asked for and decided anew when it is approved. What refuses it then leaves it waiting:
nothing of it was done, and what stands in its way may pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import uuid_utils.compat as uuids
from pydantic_core import to_jsonable_python

from creditbank.commands import acts
from creditbank.commands.bank import Bank
from creditbank.commands.desk import Answer, Command
from creditbank.commands.draft import Draft, Needs
from creditbank.domain import approvals, certificates, errors
from creditbank.domain.acts import Act, Revocation
from creditbank.domain.approvals import Approval, Signatory, Step
from creditbank.domain.events import ApprovalEvent
from creditbank.domain.instants import instant_text
from creditbank.projections import approvals as stored
from creditbank.vault import lineage

Party = tuple[str, str | None]
"""On whose behalf: a role and its organisation."""
Authorise = Callable[[Act], None]
"""Raises Forbidden where the one who asks may not do the act himself."""
Match = Callable[[str | None, int], None]
"""Raises PreconditionFailed where an If-Match header names other versions of the account than this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Propose:
    """Judge an act, and let it wait for a second person instead of doing it.

    The revocation of a certificate that nothing rests on needs no second one, and is done.
    """

    act: Act
    command: Command
    by: Signatory
    if_match: str | None
    approval_id: UUID = field(default_factory=uuids.uuid7)

    def needs(self) -> Needs:
        return self.command.needs()

    def run(self, draft: Draft) -> Answer:
        needs_second = not isinstance(self.act, Revocation) or _is_in_use(draft, self.act.certificate_id)
        answer = self.command.run(draft)
        if not needs_second:
            return answer
        draft.drop()
        now = draft.unit.now
        draft.append_approval(self.approval_id, approvals.request(self.act, self.by, self.if_match, now))
        approval = _standing(draft, self.approval_id)
        shown = ("approval_id", "act", "state", "expires_at")
        document = documented(approval, now)
        return Answer(status=202, body={name: document[name] for name in shown})


def _is_in_use(draft: Draft, certificate_id: UUID) -> bool:
    holder = draft.holder(certificate_id)
    return holder is not None and certificates.is_in_use(draft.account(holder), certificate_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """Do an act as its second person. Both stand in what it records; the answer is the act's own."""

    approval_id: UUID
    by: Signatory
    authorise: Authorise
    match: Match

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        approval = _own(draft, self.approval_id, self.by, self.authorise)
        event = approvals.give(approval, is_another=_is_another(draft, approval.by, self.by), now=draft.unit.now)
        draft.append_approval(self.approval_id, event)
        draft.actor, draft.approved_by = approval.by.actor, self.by.actor
        command = acts.command_of(approval.act, lambda version: self.match(approval.if_match, version))
        if unread := [one for one in command.needs().accounts if one not in draft.heads]:
            draft.unit.load_heads(unread)
        return command.run(draft)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Let an act be, as its second person, or as the one who had asked for it."""

    approval_id: UUID
    by: Signatory
    authorise: Authorise
    reason: str

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        approval = _own(draft, self.approval_id, self.by, self.authorise)
        draft.append_approval(self.approval_id, approvals.refuse(approval, self.reason, draft.unit.now))
        return Answer(status=200, body=documented(_standing(draft, self.approval_id), draft.unit.now))


def _own(draft: Draft, approval_id: UUID, by: Signatory, authorise: Authorise) -> Approval:
    """An approval of the same party. Raises NotFound for any other, and Forbidden."""
    approval = _standing(draft, approval_id)
    if approval.by.party != by.party:
        raise errors.NotFound()
    authorise(approval.act)
    return approval


def _standing(draft: Draft, approval_id: UUID) -> Approval:
    """An approval as this group leaves it so far. Raises NotFound."""
    steps = [
        Step(event, actor, at) for event, actor, at in draft.history(approval_id) if isinstance(event, ApprovalEvent)
    ]
    approval = approvals.replay(approval_id, steps)
    if approval is None:
        raise errors.NotFound()
    return approval


def _is_another(draft: Draft, first: Signatory, second: Signatory) -> bool:
    connection = draft.unit.connection
    made_first, made_second = (lineage.makers(connection, one.person or one.credential) for one in (first, second))
    return approvals.is_another(first, second, made_first, made_second)


def waiting(bank: Bank, party: Party | None, after: UUID | None, limit: int) -> list[dict[str, Any]]:
    """What waits for the second person of a party, or of any; the oldest first."""
    now = bank.clock()
    with bank.engine.connect() as connection, connection.begin():
        return [documented(one, now) for one in stored.waiting(connection, party, now, after, limit)]


def found(bank: Bank, approval_id: UUID, party: Party | None) -> dict[str, Any]:
    """An approval of a party, or of any, in whatever state. Raises NotFound."""
    with bank.engine.connect() as connection, connection.begin():
        approval = stored.by_ids(connection, [approval_id]).get(approval_id)
    if approval is None or party not in (None, approval.by.party):
        raise errors.NotFound()
    return documented(approval, bank.clock())


def documented(one: Approval, now: int) -> dict[str, Any]:
    asked = to_jsonable_python(one.act)
    return {
        "approval_id": str(one.approval_id),
        "act": asked.pop("act"),
        "state": one.state_at(now),
        "asked": asked,
        "requested_at": instant_text(one.requested_at),
        "requested_by": one.by.actor,
        "expires_at": instant_text(one.expires_at),
        "decided_at": None if one.decided_at is None else instant_text(one.decided_at),
        "decided_by": one.decided_by,
        "reason": one.reason,
    }
