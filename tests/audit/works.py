"""Work for a crew. Its processes import this by name, and nothing of what tests are run by."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection, update

from creditbank.ledger import log
from creditbank.projections.lots import lot


def events_seen(connection: Connection) -> Callable[[int], tuple[int, int]]:
    return lambda _: (sum(log.heads(connection).values()), os.getpid())


def patience(connection: Connection) -> Callable[[int], str]:
    shown = "SHOW idle_in_transaction_session_timeout"
    return lambda _: str(connection.exec_driver_sql(shown).scalar_one())


def writes(connection: Connection) -> Callable[[int], str]:
    return partial(_written, connection)


def _written(connection: Connection, _: int) -> str:
    connection.execute(update(lot).values(credits=0))
    return "written"


def dies(_: Connection) -> Callable[[int], int]:
    return os._exit  # as when the system takes its memory back


def lacks_a_table(connection: Connection) -> Callable[[int], int]:
    return lambda _: int(connection.exec_driver_sql("SELECT 1 FROM no_such_table").scalar_one())
