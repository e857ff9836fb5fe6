"""PostgreSQL connections that do not wait for ever: a server that is frozen says nothing, and does not hang up either.

The time limits that a server is told are kept by the server. One that was stopped by its machine, with its sockets
open, keeps none, and the operating system, which acknowledges every packet for it, finds nothing wrong.
"""

from __future__ import annotations

from time import monotonic
from typing import Any, TypeVar

from psycopg import Connection, OperationalError, generators
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

GRACE_SECONDS = 2.0
"""Beyond the time limit of a statement, in which its server must have said at least that it is over."""

_INTERVAL_SECONDS = 0.1
Answer = TypeVar("Answer")


class PatientConnection(Connection[Any]):
    """Waits for each answer a little longer than a statement may take, then gives the server up."""

    _patience: float | None = None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.prepared: dict[str, bytes] = {}
        """The names of the statements that its server has prepared for `pipeline`."""

    def wait_for_statements_of(self, milliseconds: float) -> None:
        """Say how long a statement may take from now on."""
        self._patience = milliseconds / 1000 + GRACE_SECONDS

    def rollback(self) -> None:
        """As inherited, which makes the server forget what psycopg has prepared: so it forgets all."""
        is_idle = self.pgconn.transaction_status == TransactionStatus.IDLE
        super().rollback()
        if self.prepared and not is_idle:
            self.prepared.clear()
            self.pgconn.send_query(b"DEALLOCATE ALL")
            self.wait(generators.execute(self.pgconn))

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
