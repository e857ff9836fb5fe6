"""Two persons: what waits for a second one, who that may be, and how it ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, assert_never
from uuid import UUID

from creditbank.domain import errors
from creditbank.domain.acts import Act
from creditbank.domain.events import ApprovalEvent, ApprovalGiven, ApprovalRefused, ApprovalRequested

DAYS = 7
TERM_MICROSECONDS = DAYS * 86_400 * 1_000_000
"""How long an act waits for its second person."""

State = Literal["pending", "approved", "refused", "expired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatory:
    """One of the two: role and organisation, how events name it, its credential, and the person where it is known."""

    role: str
    organisation: str | None
    actor: str
    credential: str
    person: str | None

    @property
    def party(self) -> tuple[str, str | None]:
        """On whose behalf: both persons act for the same. All authorities are the bank itself."""
        return self.role, None if self.role == "authority" else self.organisation

    @property
    def names(self) -> frozenset[str]:
        """What tells it from others."""
        return frozenset(name for name in (self.credential, self.person) if name is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """An act that waits, or waited, for its second person. Times are microseconds since 1970 UTC."""

    approval_id: UUID
    act: Act
    by: Signatory
    if_match: str | None
    requested_at: int
    expires_at: int
    settled: Literal["approved", "refused"] | None = None
    decided_at: int | None = None
    decided_by: str | None = None
    reason: str | None = None

    def state_at(self, now: int) -> State:
        if self.settled is not None:
            return self.settled
        return "pending" if now < self.expires_at else "expired"


@dataclass(frozen=True, slots=True)
class Step:
    """An event of an approval, with its actor and its moment in microseconds."""

    event: ApprovalEvent
    actor: str
    at: int


def replay(approval_id: UUID, steps: Iterable[Step]) -> Approval | None:
    """The approval that these events make; None without any."""
    approval: Approval | None = None
    for step in steps:
        match step.event:
            case ApprovalRequested():
                approval = _requested(approval_id, step.event, step)
            case ApprovalGiven():
                approval = _settled(approval, "approved", step, None)
            case ApprovalRefused():
                approval = _settled(approval, "refused", step, step.event.reason)
            case _:
                assert_never(step.event)
    return approval


def _requested(approval_id: UUID, event: ApprovalRequested, step: Step) -> Approval:
    by = Signatory(
        role=event.role,
        organisation=event.organisation,
        actor=step.actor,
        credential=event.credential,
        person=event.person,
    )
    return Approval(
        approval_id=approval_id,
        act=event.asked,
        by=by,
        if_match=event.if_match,
        requested_at=step.at,
        expires_at=event.expires_at,
    )


def _settled(
    approval: Approval | None, settled: Literal["approved", "refused"], step: Step, reason: str | None
) -> Approval:
    assert approval is not None, "the first event of an approval is the request"
    return replace(approval, settled=settled, decided_at=step.at, decided_by=step.actor, reason=reason)


def request(act: Act, by: Signatory, if_match: str | None, now: int) -> ApprovalRequested:
    return ApprovalRequested(
        asked=act,
        role=by.role,
        organisation=by.party[1],
        credential=by.credential,
        person=by.person,
        if_match=if_match,
        expires_at=now + TERM_MICROSECONDS,
    )


def give(approval: Approval, *, is_another: bool, now: int) -> ApprovalGiven:
    """Raises WrongState where it waits no longer, SecondPersonNeeded where it is not another person who gives it."""
    _require_pending(approval, now)
    if not is_another:
        raise errors.SecondPersonNeeded()
    return ApprovalGiven(role=approval.by.role, organisation=approval.by.party[1])


def refuse(approval: Approval, reason: str, now: int) -> ApprovalRefused:
    """Whoever might give it may refuse it, and the one who asked may withdraw it. Raises WrongState."""
    _require_pending(approval, now)
    return ApprovalRefused(role=approval.by.role, organisation=approval.by.party[1], reason=reason)


def _require_pending(approval: Approval, now: int) -> None:
    if (state := approval.state_at(now)) != "pending":
        raise errors.WrongState("approval", state)


def is_another(first: Signatory, second: Signatory, made_first: frozenset[str], made_second: frozenset[str]) -> bool:
    """Whether two signatories are two persons.

    Two persons who are known decide it. Else the credentials do: neither may be the other, nor have made the other,
    at however many removes; `made_…` are all names in the line of makers of each. Whoever issues credentials is of
    the authority: of its own acts, two that one hand has made are that hand's.
    """
    if first.person is not None and second.person is not None:
        return first.person != second.person
    if first.role == "authority" and not made_first.isdisjoint(made_second):
        return False
    return first.names.isdisjoint(second.names | made_second) and second.names.isdisjoint(made_first)
