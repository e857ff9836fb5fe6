"""Threads of one process that write to one SQLite file wait for each other, not for the file."""

from __future__ import annotations

from threading import Thread

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import TimeoutError

from creditbank.domain.events import AccountOpened
from creditbank.ledger import database, log
from creditbank.ledger.database import writing
from tests.ledger.entries import entry, stream_in

NOW = 1_800_000_000_000_000


def write(engine: Engine) -> None:
    with writing(engine) as connection:
        log.append(connection, [entry(stream_in(5), 1, AccountOpened(opened_by="x"))], NOW)


def test_a_turn_that_does_not_come_is_not_waited_for_without_end(
    sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)
    refused: list[BaseException] = []

    def wait() -> None:
        try:
            write(sqlite_engine)
        except TimeoutError as error:
            refused.append(error)

    with writing(sqlite_engine):
        waiting = Thread(target=wait)
        waiting.start()
        waiting.join()

    assert len(refused) == 1
    write(sqlite_engine)
