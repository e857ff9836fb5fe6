"""PostgreSQL connections that do not wait for ever: a server that is frozen says nothing, and does not hang up either.

The time limits that a server is told are kept by the server. One that was stopped by its machine, with its sockets
open, keeps none, and the operating system, which acknowledges every packet for it, finds nothing wrong.
"""

from __future__ import annotations

from time import monotonic
from typing import Any, TypeVar

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen

GRACE_SECONDS = 2.0
"""Beyond the time limit of a statement, in which its server must have said at least that it is over."""

_INTERVAL_SECONDS = 0.1
Answer = TypeVar("Answer")


class PatientConnection(Connection[Any]):
    """Waits for each answer a little longer than a statement may take, then gives the server up."""

    _patience: float | None = None

    def wait_for_statements_of(self, milliseconds: float) -> None:
        """Say how long a statement may take from now on."""
        self._patience = milliseconds / 1000 + GRACE_SECONDS

    def wait(self, gen: PQGen[Answer], interval: float = _INTERVAL_SECONDS, timeout: float | None = None) -> Answer:
        """As inherited. Raises OperationalError, and is closed, when the time is over."""
        limit = self._patience if timeout is None else timeout
        began = monotonic()
        try:
            return super().wait(gen, interval, limit)
        except OperationalError:
            # With its answer missing the connection is good for nothing, not even for a rollback.
            if limit is not None and monotonic() - began >= limit:
                self.pgconn.finish()
            raise
