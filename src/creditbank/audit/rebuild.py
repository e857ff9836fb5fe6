"""Build every projection anew from history, in one transaction: readers see the old answers until it is done."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from creditbank import projections
from creditbank.ledger import log
from creditbank.ledger.database import allow_long_statements, writing
from creditbank.projections import claims, lots

ATTEMPTS = 10
CLAIMS_PAGE = 5_000

Progress = Callable[[int, int], None]
"""Called with how many events are done, and how many there are."""


def rebuild(engine: Engine, progress: Progress | None = None) -> int:
    """Rebuild all projections and return the number of events. Writers wait meanwhile, readers do not.

    A writer that already holds a row may be in the way: then one of the two is sent back, and tries again.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return _rebuild(engine, progress)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in ("40P01", "55P03"):
                raise
    return _rebuild(engine, progress)


def _rebuild(engine: Engine, progress: Progress | None) -> int:
    with writing(engine) as connection:
        allow_long_statements(connection)
        projections.clear(connection)
        total, done = sum(log.heads(connection).values()), 0
        for page in log.everything(connection):
            projections.apply(connection, page)
            done += len(page)
            if progress:
                progress(done, total)
        held = lots.holders(connection)
        while page_of_claims := list(islice(held, CLAIMS_PAGE)):
            claims.refill(connection, page_of_claims)
    return done
