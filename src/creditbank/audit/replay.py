"""Replay: recompute accounts from history, by the same `evolve`, and compare with what the bank answers.

The projections were kept by other code, step by step; that both agree is what an auditor wants to see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from sqlalchemy import Connection, Engine

from creditbank.audit import crew, naming, standing
from creditbank.audit.chain import Published
from creditbank.audit.crew import Crew
from creditbank.audit.naming import Difference
from creditbank.audit.sweep import Sweeper, Swept
from creditbank.domain.account import Account
from creditbank.domain.values import PARTITIONS
from creditbank.ledger import accesses, log
from creditbank.ledger.log import Recorded
from creditbank.ledger.numbering import Extent, Numbering
from creditbank.ledger.raw import Range, RawReader, ranges
from creditbank.ledger.tables import event
from creditbank.projections import approvals, catalogue, claims, lots

Progress = Callable[[int, int], None]
"""Called with how many events are done, and how many there are."""


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


def differences(engine: Engine, progress: Progress | None = None, *, processes: int = 1) -> Iterator[Difference]:
    """Compare everything with history: positions, versions, heads, lots, uses, dealings, claims, decisions.

    Of the record of who looked, which follows from nothing else, the positions. The differences and their order are
    the same for any number of processes. Raises Ended where one of several did not come to its end.
    """
    with crew.on_snapshot(engine, processes) as members:
        yield from differences_of(members, None, Seen(), progress)


@dataclass(slots=True)
class Seen:
    """What a pass has come to so far, beside differences."""

    claims: int = 0
    published: Counter[int] = field(default_factory=Counter)
    """Events of each partition that the public log covers."""
    suspects: set[int] = field(default_factory=set)
    """Partitions in which one of them is not what was published."""


def differences_of(
    members: Crew, published: Published | None, seen: Seen, progress: Progress | None
) -> Iterator[Difference]:
    """The same on a snapshot; with a published log, `seen` is what was compared with it when all is over."""
    connection = members.connection
    yield from _gaps(connection, log.NUMBERS, "partition")
    yield from _gaps(connection, accesses.NUMBERS, "accesses of partition")
    total, done, are_right = sum(log.heads(connection).values()), 0, True
    tasks = ranges(RawReader(connection), event, "stream_id")
    for swept in members.results(partial(_sweeper, published=published), tasks):
        seen.claims += swept.claims
        seen.published += swept.published
        seen.suspects |= swept.suspects
        are_right = are_right and not swept.differences
        yield from swept.differences
        done += swept.events
        if progress:
            progress(min(done, total), total)
    # Every claim that history makes is there: only where there are more is one of them nobody's.
    if not are_right or claims.count(connection) != seen.claims:
        yield from _claims_of_nobody(connection)
    yield from _catalogue_differences(connection)
    yield from _approval_differences(connection)


def _sweeper(connection: Connection, published: Published | None) -> Callable[[Range], Swept]:
    return Sweeper(connection, published).sweep


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


def _claims_of_nobody(connection: Connection) -> Iterator[Difference]:
    if (claimed := lots.claimed_by_nobody(connection)) is not None:
        certificate_id, account_id = claimed
        what = f"claim of certificate {certificate_id}"
        yield naming.of_account(account_id, what, "no such certificate", "a claim")


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
