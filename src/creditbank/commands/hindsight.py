"""Accounts as they were: in force on a past day, or as the bank knew them at a past moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection

from creditbank.commands.bank import Bank
from creditbank.domain import account as accounts
from creditbank.domain.account import Account
from creditbank.domain.events import AccountEvent
from creditbank.domain.instants import end_of
from creditbank.domain.timeline import Dated, Moment, account_at
from creditbank.ledger import log
from creditbank.ledger.log import Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Then:
    """An account at a moment: the day by which terms are judged, the instant in microseconds, times by version."""

    account: Account
    times: dict[int, int]
    on: date
    now: int


def account_then(bank: Bank, connection: Connection, account_id: UUID, moment: Moment) -> Then:
    """Replay an account to a moment."""
    return then_of(bank, account_id, log.stream(connection, account_id), moment)


def then_of(bank: Bank, account_id: UUID, history: Sequence[Recorded], moment: Moment) -> Then:
    """The account at a moment, by its whole history."""
    dated = [
        Dated(
            event=item.event,
            version=item.version,
            recorded_at=item.recorded_at,
            recorded_on=bank.day_of(item.recorded_at),
        )
        for item in history
        if isinstance(item.event, AccountEvent)
    ]
    now = bank.clock()
    if moment.known_at is not None:
        now = max(0, min(now, moment.known_at))  # nobody knows the future, and banks began after 1970
    today = bank.day_of(now)
    if moment.as_of is not None and moment.as_of < today:
        now = end_of(moment.as_of, bank.zone)
    on = moment.as_of or today
    account = account_at(accounts.empty(account_id), dated, moment)
    return Then(account=account, times={item.version: item.recorded_at for item in history}, on=on, now=now)
