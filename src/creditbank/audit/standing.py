"""What history says about some accounts, as rows of the projections, beside the rows that are stored.

The rows are made from accounts that were folded by `evolve`, not by the code that keeps the projections step by step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table

from creditbank.domain import account as accounts
from creditbank.domain import approvals
from creditbank.domain.account import Account
from creditbank.domain.approvals import Approval, Step
from creditbank.domain.events import Event
from creditbank.ledger import codec, log
from creditbank.ledger.log import Recorded
from creditbank.projections import accounts as heads
from creditbank.projections import claims, consents, learner_requests, lots, rows, usages

PAGE = 500
ACCOUNT_NAMES = [name for name in codec.NAMES if codec.stream_kind(name) == "account"]
APPROVAL_NAMES = [name for name in codec.NAMES if codec.stream_kind(name) == "approval"]
REFERENCE_NAMES = [name for name in codec.NAMES if name not in (*ACCOUNT_NAMES, *APPROVAL_NAMES)]
"""The events that streams of each kind hold."""

CLAIMS = claims.certificate_claim
Rows = list[tuple[Any, ...]]
"""Rows of one table, in an order that is the same on both sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some accounts in the order of their ids: their histories, how they stand, and both sides of every table."""

    histories: dict[UUID, list[Recorded]]
    accounts: dict[UUID, Account]
    expected: dict[Table, Rows]
    stored: dict[Table, Rows]


def pages(connection: Connection, first_types: Collection[str]) -> Iterator[list[UUID]]:
    """The ids of all streams that begin with an event of one of these types, page by page."""
    last: UUID | None = None
    while page := log.stream_ids(connection, first_types, last, PAGE):
        yield page
        last = page[-1]


def read(connection: Connection, account_ids: Sequence[UUID]) -> Page:
    """Fold these accounts from history, and read what is stored about them."""
    histories = log.streams(connection, account_ids)
    folded = {account_id: folded_from(account_id, history) for account_id, history in histories.items()}
    expected = _expected(histories, folded)
    stored = rows.stored(connection, account_ids, [certificate_id for certificate_id, *_ in expected[CLAIMS]])
    for side in (expected, stored):
        for found in side.values():
            found.sort(key=_key)
    return Page(histories=histories, accounts=folded, expected=expected, stored=stored)


def folded_from(account_id: UUID, history: Iterable[Recorded]) -> Account:
    """The account that a history makes."""
    return accounts.replay(accounts.empty(account_id), accounts.account_events(item.event for item in history))


def approval_from(approval_id: UUID, history: Sequence[Recorded]) -> Approval | None:
    """The approval that a history makes."""
    steps = [Step(item.event, item.actor, item.recorded_at) for item in history]  # type: ignore[arg-type]
    return approvals.replay(approval_id, steps)


def _expected(histories: dict[UUID, list[Recorded]], folded: dict[UUID, Account]) -> dict[Table, Rows]:
    expected = no_rows()
    for account_id, account in folded.items():
        history = histories[account_id]
        times = {item.version: item.recorded_at for item in history}
        add_rows(expected, account, history[0].partition_id, [item.event for item in history], times)
    return expected


def no_rows() -> dict[Table, Rows]:
    """Every table that follows from the histories of accounts, and nothing in it."""
    return {table: [] for table in (*rows.OF_ACCOUNTS, CLAIMS)}


def add_rows(
    expected: dict[Table, Rows],
    account: Account,
    partition_id: int,
    events: Sequence[Event],
    times: Mapping[int, int],
) -> None:
    """Add the rows that an account ought to have: its partition, its events, and when each version was recorded."""
    first, recorded_at = events[0], next(iter(times.values()))
    expected[heads.account] += heads.rows_of(account, partition_id, first, recorded_at)
    expected[heads.dealing] += heads.dealings_of(account, partition_id, events)
    # Of most accounts there is little to tell, and of all of them there are many.
    if account.lots:
        expected[lots.lot] += lots.rows_of(account, partition_id, times)
        expected[CLAIMS] += claims.rows_of(account)
    if account.uses:
        expected[usages.usage] += usages.rows_of(account, partition_id, times)
    if account.rights.consents:
        expected[consents.consent] += consents.rows_of(account, partition_id)
    if account.rights.requests:
        expected[learner_requests.learner_request] += learner_requests.rows_of(account, partition_id)


def _key(row: tuple[Any, ...]) -> tuple[int, Any]:
    """An order of rows: by the first column of every key, which is an id, and by what tells rows of it apart."""
    return row[0].int, row[1]
