"""Replay: recompute accounts from history, by the same `evolve`, and compare with what the bank answers.

The projections were kept by other code, step by step; that both agree is what an auditor wants to see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Row

from creditbank.audit import decisions, standing
from creditbank.audit.standing import Page
from creditbank.domain import events
from creditbank.domain.account import Account, Dealing
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.events import AccountOpened
from creditbank.domain.values import PARTITIONS, partition_of
from creditbank.ledger import accesses, log
from creditbank.ledger.database import snapshot
from creditbank.ledger.log import Recorded
from creditbank.ledger.numbering import Extent, Numbering
from creditbank.projections import accounts as heads
from creditbank.projections import approvals, catalogue, claims, consents, learner_requests, lots, usages

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that is stored is not what history says. `where` names the account, or the partition."""

    where: str
    what: str
    expected: str
    stored: str


def account_at(
    engine: Engine, account_id: UUID, *, version: int | None = None, until: int | None = None
) -> tuple[Account, list[Recorded]]:
    """An account as history has it up to a version, or up to a moment in microseconds, with that history."""
    with engine.connect() as connection, connection.begin():
        history = log.stream(connection, account_id)
    kept = [
        item
        for item in history
        if (version is None or item.version <= version) and (until is None or item.recorded_at <= until)
    ]
    return standing.folded_from(account_id, kept), kept


def differences(engine: Engine, progress: Progress | None = None) -> Iterator[Difference]:
    """Compare everything with history: positions, versions, heads, lots, uses, dealings, claims, decisions.

    Of the record of who looked, which follows from nothing else, the positions.
    """
    with snapshot(engine) as connection:
        yield from _gaps(connection, log.NUMBERS, "partition")
        yield from _gaps(connection, accesses.NUMBERS, "accesses of partition")
        total, done = sum(log.heads(connection).values()), 0
        reference = catalogue.read(connection)
        for account_ids in standing.pages(connection, standing.ACCOUNT_NAMES):
            page = standing.read(connection, account_ids)
            # Rows that agree to the byte agree in what they say; what others say is looked at one by one.
            if not (page.agrees and _are_gapless(page)):
                yield from _compare(connection, page)
            yield from _decision_differences(page, reference)
            done += page.events
            if progress:
                progress(done, total)
        yield from _strangers(connection)
        yield from _catalogue_differences(connection)
        yield from _approval_differences(connection)
        if progress:
            progress(total, total)


def _gaps(connection: Connection, numbers: Numbering, where: str) -> Iterator[Difference]:
    counted, found = numbers.heads(connection), numbers.extents(connection)
    moments = numbers.moments(connection)
    if set(moments) != set(range(PARTITIONS)):
        yield Difference(where=where, what="counters", expected=repr(PARTITIONS), stored=repr(sorted(moments)))
    for partition_id, (counter, row) in moments.items():
        head, stored = counted.get(partition_id, 0), found.get(partition_id, Extent())
        pairs = [
            ("count, first and last position", Extent(head, 1, head) if head else Extent(), stored),
            ("time of the counter", row, counter),
        ]
        for what, expected, is_stored in pairs:
            if expected != is_stored:
                yield Difference(
                    where=f"{where} {partition_id}", what=what, expected=repr(expected), stored=repr(is_stored)
                )


def _are_gapless(page: Page) -> bool:
    return all(history[-1].version == len(history) for history in page.histories.values())


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
                yield _difference(account_id, what, expected, stored)


def _decision_differences(page: Page, reference: Catalogue) -> Iterator[Difference]:
    for account_id, account in page.accounts.items():
        for use in account.uses.values():
            if fault := decisions.fault_of(use, reference):
                yield _difference(account_id, f"decision of {use.kind} {use.use_id}", fault.expected, fault.recorded)


def _difference(account_id: UUID, what: str, expected: object, stored: object) -> Difference:
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


def _strangers(connection: Connection) -> Iterator[Difference]:
    for table in (heads.account, lots.lot, usages.usage, heads.dealing, *consents.TABLES, *learner_requests.TABLES):
        if (account_id := log.without_history(connection, table, table.c.account_id)) is not None:
            yield _difference(account_id, f"rows in {table.name}", "no such account in the partition", "rows")
    if (claimed := lots.claimed_by_nobody(connection)) is not None:
        certificate_id, account_id = claimed
        yield _difference(account_id, f"claim of certificate {certificate_id}", "no such certificate", "a claim")


def _catalogue_differences(connection: Connection) -> Iterator[Difference]:
    expected, stored = log.encoded(connection, standing.REFERENCE_NAMES), catalogue.encoded(connection)
    for row in sorted(expected ^ stored, key=str)[:1]:
        says = "an event" if row in expected else "nothing"
        yield Difference(where="catalogue", what=f"{row[3]} {row[0]}", expected=says, stored="the other")


def _approval_differences(connection: Connection) -> Iterator[Difference]:
    for approval_ids in standing.pages(connection, standing.APPROVAL_NAMES):
        stored = approvals.by_ids(connection, approval_ids)
        for approval_id, history in log.streams(connection, approval_ids).items():
            expected = standing.approval_from(approval_id, history)
            if expected != stored.get(approval_id):
                yield Difference(
                    where=f"approval {approval_id}",
                    what="state",
                    expected=repr(expected),
                    stored=repr(stored.get(approval_id)),
                )
    if (unknown := log.without_history(connection, approvals.approval, approvals.approval.c.approval_id)) is not None:
        where, what = f"approval {unknown}", "rows in approval"
        yield Difference(where=where, what=what, expected="no such approval", stored="rows")
