"""Naming what is stored and is not what history says: slowly, and only where something was found to differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Table

from creditbank.audit import standing
from creditbank.audit.standing import Page
from creditbank.domain import events
from creditbank.domain.account import Account, Dealing
from creditbank.domain.events import AccountOpened
from creditbank.domain.values import partition_of
from creditbank.ledger.log import Recorded
from creditbank.projections import accounts as heads
from creditbank.projections import claims, consents, learner_requests, lots, usages


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that is stored is not what history says. `where` names the account, or the partition."""

    where: str
    what: str
    expected: str
    stored: str


def of_accounts(connection: Connection, account_ids: Sequence[UUID]) -> Iterator[Difference]:
    """What differs of these accounts, in their order."""
    for first in range(0, len(account_ids), standing.PAGE):
        yield from _compare(connection, standing.read(connection, account_ids[first : first + standing.PAGE]))


def of_rows(others: Mapping[Table, Sequence[UUID]], known: frozenset[UUID]) -> Iterator[Difference]:
    """Rows of accounts, by their table, that are others than history makes, where nothing that they say tells why."""
    for table, account_ids in others.items():
        for account_id in sorted(set(account_ids)):
            expected = "others" if account_id in known else "no such account in the partition"
            yield of_account(account_id, f"rows in {table.name}", expected, "rows")


def _compare(connection: Connection, page: Page) -> Iterator[Difference]:
    ids = list(page.histories)
    stored_heads = heads.rows(connection, ids)
    stored_lots, stored_uses = lots.of_accounts(connection, ids), usages.of_accounts(connection, ids)
    stored_dealings = heads.all_dealings(connection, ids)
    stored_consents = consents.of_accounts(connection, ids)
    stored_requests = learner_requests.of_accounts(connection, ids)
    claimed = claims.places(connection, {lot for account in page.accounts.values() for lot in account.lots})
    for account_id, account in page.accounts.items():
        history = page.histories[account_id]
        pairs = [
            ("versions", list(range(1, len(history) + 1)), [item.version for item in history]),
            ("head", _expected_head(account, history), _stored_head(stored_heads.get(account_id))),
            ("certificates", _expected_lots(account, history), _stored_lots(stored_lots[account_id])),
            ("uses", _expected_uses(account, history), _stored_uses(stored_uses[account_id])),
            ("dealings", _expected_dealings(account, history), stored_dealings[account_id]),
            ("consents", _expected_consents(account), stored_consents[account_id]),
            ("requests", account.rights.requests, stored_requests[account_id]),
            ("claims", _expected_claims(account), {lot: claimed.get(lot) for lot in account.lots}),
        ]
        for what, expected, stored in pairs:
            if expected != stored:
                yield of_account(account_id, what, expected, stored)


def of_account(account_id: UUID, what: str, expected: object, stored: object) -> Difference:
    return Difference(where=f"account {account_id}", what=what, expected=repr(expected), stored=repr(stored))


def _expected_head(account: Account, history: Sequence[Recorded]) -> object:
    opened = history[0].event
    opened_by = opened.opened_by if isinstance(opened, AccountOpened) else None
    return account.head, history[0].recorded_at, opened_by


def _stored_head(row: Row[Any] | None) -> object:
    return None if row is None else (heads.head_of(row), row.opened_at, row.opened_by)


def _expected_lots(account: Account, history: Sequence[Recorded]) -> object:
    times = {item.version: item.recorded_at for item in history}
    # Why a certificate is on hold stands in its history alone: no answer shows it.
    return [(replace(lot, withdrawn=False, imposed=False), times[lot.version]) for lot in account.lots.values()]


def _stored_lots(rows: Sequence[Row[Any]]) -> object:
    return [(lots.lot_from(row), row.recorded_at) for row in rows]


def _expected_uses(account: Account, history: Sequence[Recorded]) -> object:
    times = {item.version: item.recorded_at for item in history}
    return [(use, use.credits, times[use.version]) for use in account.uses.values()]


def _stored_uses(rows: Sequence[Row[Any]]) -> object:
    return [(usages.use_from(row), row.credits, row.recorded_at) for row in rows]


def _expected_claims(account: Account) -> dict[UUID, tuple[UUID, int]]:
    return {lot: (account.head.account_id, partition_of(lot)) for lot in account.lots}


def _expected_dealings(account: Account, history: Sequence[Recorded]) -> dict[str, Dealing]:
    """The one who opened the account stands on its head; a row is kept for those who came later."""
    named = {item.event.institution for item in history if isinstance(item.event, events.DealingOpened)}
    return {institution: account.dealings[institution] for institution in named}


def _expected_consents(account: Account) -> dict[UUID, tuple[str, date]]:
    given = account.rights.consents.items()
    return {consent_id: (one.institution, one.until) for consent_id, one in given if not one.withdrawn}
