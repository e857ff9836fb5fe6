"""Decisions about what a learner asks the authority for: made by the one, settled by the other."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from creditbank.domain import errors
from creditbank.domain.account import Account
from creditbank.domain.events import RequestKind, RequestMade, RequestSettled

MOST_OPEN = 20
"""Requests of one account that wait for an answer at the same time."""


def make(account: Account, request_id: UUID, kind: RequestKind, now: int) -> RequestMade:
    """A right that no state of the account takes away, while there is somebody who can ask."""
    if account.head.merged_into is not None:
        raise errors.AccountMerged(account.head.merged_into)
    if account.head.version == 0:
        raise errors.NotFound()
    if account.head.status == "erased":
        raise errors.WrongState("account", "erased")
    if sum(one.status == "open" for one in account.rights.requests.values()) >= MOST_OPEN:
        raise errors.TooManyOpenRequests()
    return RequestMade(request_id=request_id, kind=kind, made_at=now)


def settle(account: Account, request_id: UUID, outcome: Literal["done", "declined"], reason: str) -> RequestSettled:
    """The authority's answer, once; also after the erasure that was asked for."""
    if account.head.merged_into is not None:
        raise errors.AccountMerged(account.head.merged_into)
    request = account.rights.requests.get(request_id)
    if request is None:
        raise errors.NotFound()
    if request.status != "open":
        raise errors.WrongState("request", request.status)
    return RequestSettled(request_id=request_id, outcome=outcome, reason=reason)
