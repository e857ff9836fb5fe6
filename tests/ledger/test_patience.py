"""No call to a database lasts for ever: what takes too long is cut, and a server that says nothing is given up."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from time import monotonic

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, TimeoutError

from creditbank.ledger import database, patience
from creditbank.ledger.database import allow_long_statements, open_engine, snapshot

STATEMENT_MS = 300
SLEEP = "SELECT pg_sleep(0.35)"


@pytest.fixture
def hasty_engine(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr(database, "STATEMENT_TIMEOUT_MS", STATEMENT_MS)
    monkeypatch.setattr(database, "POOL_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(patience, "GRACE_SECONDS", 0.2)
    engine = open_engine(postgresql_url, pool_size=1)
    yield engine
    engine.dispose()


def test_a_statement_that_takes_too_long_is_cut_by_the_server(hasty_engine: Engine) -> None:
    with hasty_engine.connect() as connection, pytest.raises(OperationalError, match="statement timeout"):
        connection.exec_driver_sql(SLEEP)


def test_long_work_has_its_own_time_and_leaves_none_of_it_behind(hasty_engine: Engine) -> None:
    with hasty_engine.connect() as connection, connection.begin():
        allow_long_statements(connection)
        connection.exec_driver_sql(SLEEP)
    with snapshot(hasty_engine) as connection:
        connection.exec_driver_sql(SLEEP)
    with hasty_engine.connect() as connection, pytest.raises(OperationalError, match="statement timeout"):
        connection.exec_driver_sql(SLEEP)


def test_a_server_that_says_nothing_is_given_up_and_asked_anew_over_another_connection(hasty_engine: Engine) -> None:
    with hasty_engine.connect() as connection:
        backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        os.kill(backend, signal.SIGSTOP)
        began = monotonic()
        try:
            with pytest.raises(OperationalError) as silence:
                connection.exec_driver_sql("SELECT 1")
            waited = monotonic() - began
        finally:
            os.kill(backend, signal.SIGCONT)
    assert silence.value.connection_invalidated
    assert STATEMENT_MS / 1000 <= waited < 2
    with hasty_engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() != backend


def test_who_finds_no_free_connection_is_told_so_in_time(hasty_engine: Engine) -> None:
    with hasty_engine.connect():
        began = monotonic()
        with pytest.raises(TimeoutError):
            hasty_engine.connect()
        assert monotonic() - began < 2


def test_every_connection_is_told_all_its_time_limits(postgresql_engine: Engine) -> None:
    with postgresql_engine.connect() as connection:
        told = {
            name: connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        }
    assert told == {
        "statement_timeout": "8s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "30s",
    }
