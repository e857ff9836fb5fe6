"""Make every answer what history says, page by page, while the bank goes on.

What is right is left alone: nothing is locked for it and nothing is written. Where a page is not right, its accounts
are locked as a writer would lock them, looked at again, and mended in one short transaction. Readers never wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from creditbank.audit import standing
from creditbank.audit.standing import Page
from creditbank.ledger import log
from creditbank.ledger.database import allow_long_statements, writing
from creditbank.projections import accounts as heads
from creditbank.projections import approvals, catalogue, rows

ATTEMPTS = 10

Progress = Callable[[int, int], None]
"""Called with how many events are done, and how many there are."""

Done = TypeVar("Done")


def rebuild(engine: Engine, progress: Progress | None = None) -> int:
    """Mend all projections and return the number of events that they follow from."""
    total, done = _written(engine, _mend_reference)
    is_suspicious, last = False, None
    while account_ids := _next_accounts(engine, last):
        page = None if is_suspicious else _looked_at(engine, account_ids)
        # Where one page was wrong the next one probably is: it is not looked at twice.
        is_suspicious = page is None or not page.agrees
        if is_suspicious:
            page, is_suspicious = _written(engine, partial(_mend, account_ids=account_ids))
        assert page is not None
        done, last = done + page.events, account_ids[-1]
        if progress:
            progress(done, max(done, total))
    _written(engine, _delete_strangers)
    return done


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


def _next_accounts(engine: Engine, last: UUID | None) -> list[UUID]:
    with engine.connect() as connection, connection.begin():
        return log.stream_ids(connection, standing.ACCOUNT_NAMES, last, standing.PAGE)


def _looked_at(engine: Engine, account_ids: Sequence[UUID]) -> Page:
    with engine.connect() as connection, connection.begin():
        return standing.read(connection, account_ids)


def _mend(connection: Connection, account_ids: Sequence[UUID]) -> tuple[Page, bool]:
    """Whoever writes to an account locks its head: behind these locks history and rows stand still."""
    heads.heads(connection, account_ids, lock=True)
    page = standing.read(connection, account_ids)
    for table, wanted in page.expected.items():
        if wanted != page.stored[table]:
            rows.replace(connection, table, page.stored[table], wanted)
    return page, not page.agrees


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


def _delete_strangers(connection: Connection) -> None:
    allow_long_statements(connection)
    rows.delete_strangers(connection)
