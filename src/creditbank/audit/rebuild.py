"""Make every answer what history says, page by page, while the bank goes on.

What is right is left alone: nothing is locked for it and nothing is written. Where a page is not right, its accounts
are locked as a writer would lock them, looked at again, and mended in one short transaction. Readers never wait.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from creditbank.audit import crew, standing
from creditbank.audit.folds import STREAM, Folds, is_account
from creditbank.audit.replay import Progress
from creditbank.ledger import bulk, log, raw
from creditbank.ledger.database import allow_long_statements, commit_lazily, writing
from creditbank.ledger.raw import Range, RawReader
from creditbank.ledger.tables import event
from creditbank.projections import accounts as heads
from creditbank.projections import approvals, catalogue, rows

ATTEMPTS = 10
_STREAM_OF = itemgetter(STREAM)


Done = TypeVar("Done")


def rebuild(engine: Engine, progress: Progress | None = None, *, processes: int = 1) -> int:
    """Mend all projections and return the number of events that they follow from.

    Several processes share the accounts, on PostgreSQL only: SQLite has one writer. Raises Ended where one of them did
    not come to its end; what was mended stays so.
    """
    total, done = _written(engine, _mend_reference)
    with ExitStack() as stack:
        if processes > 1 and engine.dialect.name != "sqlite":
            members = stack.enter_context(crew.on_snapshot(engine, processes))
            results = members.results(_mender, raw.ranges(RawReader(members.connection), event, "stream_id"))
        else:
            results = map(_Mender(engine).mend, _ranges(engine))
        for events in results:
            done += events
            if progress:
                progress(done, max(done, total))
    _written(engine, _finish)
    return done


def _ranges(engine: Engine) -> Iterator[Range]:
    """Each by a transaction of its own: what is read and mended takes long, and SQLite keeps what a reader may need."""
    after: UUID | None = None
    while True:
        with engine.connect() as connection, connection.begin():
            upto = RawReader(connection).next_bound(event, "stream_id", after, raw.PAGE)
        yield Range(after, upto)
        if upto is None:
            return
        after = upto


def _mender(connection: Connection) -> Callable[[Range], int]:
    return _Mender(connection.engine).mend


@dataclass(slots=True)
class _Mender:
    """Mends range after range. Where one was wrong the next one probably is: it is not looked at twice."""

    engine: Engine
    is_suspicious: bool = False

    def mend(self, among: Range) -> int:
        """How many events of accounts are in the range."""
        if not self.is_suspicious:
            with self.engine.connect() as connection, connection.begin():
                folds, events = _folded(RawReader(connection), among, None)
                if not folds.compared(among):
                    return events
        events, self.is_suspicious = _written(self.engine, partial(_mend, among=among))
        return events


def _folded(reader: RawReader, among: Range, only: Container[Any] | None) -> tuple[Folds, int]:
    """The accounts of a range, or `only` some by their raw ids, and how many events they have.

    Raises ValueError where a history cannot be read.
    """
    folds, events = Folds(reader), 0
    for raw_id, rows_of_stream in groupby(reader.within(event, "stream_id", among, "stream_id, version"), _STREAM_OF):
        history = list(rows_of_stream)
        if is_account(history) and (only is None or raw_id in only):
            folds.add(raw_id, history)
            events += len(history)
    for one in folds.unreadable:
        raise ValueError(f"{one.where}: its history {one.stored}")
    return folds, events


def _written(engine: Engine, work: Callable[[Connection], Done]) -> Done:
    """Do work in one transaction, again where it met a writer who held what it needed."""
    for _ in range(ATTEMPTS - 1):
        try:
            with writing(engine) as connection:
                return work(connection)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in ("40P01", "55P03"):
                raise
    with writing(engine) as connection:
        return work(connection)


def _mend(connection: Connection, among: Range) -> tuple[int, bool]:
    """Whoever writes to an account locks its head: behind these locks history and rows stand still."""
    commit_lazily(connection)
    account_ids = log.streams_within(connection, standing.ACCOUNT_NAMES, among)
    heads.heads(connection, account_ids, lock=True)
    reader = RawReader(connection)
    only = {reader.id_of(account_id) for account_id in account_ids}
    folds, events = _folded(reader, among, only)
    others = folds.compared(among, only)
    # Never deleted and written anew: who waits for the lock of a head would find that there is none.
    changed = {owner for table, one in others.items() if one.surplus for owner in folds.owners(table, one)}
    for table, one in others.items():
        owner = 1 if table is standing.CLAIMS else 0
        bulk.insert(connection, table, [row for row in one.missing if row[owner] not in changed])
    if changed:
        page = standing.read(connection, sorted(changed & set(account_ids)))
        for table, wanted in page.expected.items():
            if wanted != page.stored[table]:
                rows.replace(connection, table, page.stored[table], wanted)
    return events, bool(others)


def _mend_reference(connection: Connection) -> tuple[int, int]:
    """The catalogue and the approvals; how many events there are in all, and how many of these.

    Every writer holds the epoch to the end of its transaction, so nobody writes meanwhile. There are few of both.
    """
    catalogue.turn(connection)
    published = log.encoded(connection, standing.REFERENCE_NAMES)
    rows.replace_reference(connection, published)
    done = len(published)
    for approval_ids in standing.pages(connection, standing.APPROVAL_NAMES):
        stored = approvals.by_ids(connection, approval_ids)
        for approval_id, history in log.streams(connection, approval_ids).items():
            if standing.approval_from(approval_id, history) != stored.get(approval_id):
                approvals.renew(connection, approval_id, history)
            done += len(history)
    return sum(log.heads(connection).values()), done


def _finish(connection: Connection) -> None:
    """Delete what belongs to nobody, and write something, so that all that was mended is on the disk behind this."""
    allow_long_statements(connection)
    rows.delete_strangers(connection)
    catalogue.turn(connection)  # last, since every writer waits for it
