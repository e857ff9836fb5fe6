"""What is locked by somebody else is waited for a while, not for ever, and never once for each who waits."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from time import monotonic
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from creditbank.app import open_bank
from creditbank.commands.accounts import ChangeStatus, OpenAccount
from creditbank.commands.bank import Bank
from creditbank.commands.desk import Desk, Request, Settled
from creditbank.domain.errors import Unavailable
from creditbank.ledger import database
from creditbank.ledger.database import open_engine, writing
from creditbank.projections.accounts import account
from creditbank.settings import Settings
from creditbank.vault.persons import Holder, Person
from tests.api.bank import certificate, ready_bank

WAIT_MS = 150
CALLERS = 16


@pytest.fixture
def impatient_engine(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr(database, "LOCK_TIMEOUT_MS", WAIT_MS)
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", WAIT_MS)
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def test_callers_behind_a_lock_are_told_together_to_ask_again(impatient_engine: Engine, tmp_path: Path) -> None:
    bank = open_bank(Settings(data_dir=tmp_path / "data"), impatient_engine)
    desk = Desk(bank)
    account_id = _opened(bank, desk)
    suspensions = [_suspension(account_id, f"key-{number}") for number in range(CALLERS)]
    with writing(impatient_engine) as connection:
        connection.execute(select(account).where(account.c.account_id == account_id).with_for_update()).one()
        began = monotonic()
        outcomes = desk.settle(suspensions)
        waited = monotonic() - began
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * CALLERS
    assert waited < CALLERS / 4 * WAIT_MS / 1000, "not one after the other"
    assert [type(outcome) for outcome in desk.settle(suspensions[:1])] == [Settled]
    desk.close()


def _opened(bank: Bank, desk: Desk) -> UUID:
    holder = Holder(person=Person(name="王小明", document_type="LOCAL", number="HB-1"))
    desk.settle([Request(command=OpenAccount(holder=holder, opened_by="authority", institution=None), actor="test")])
    with bank.engine.connect() as connection, connection.begin():
        return connection.execute(select(account.c.account_id)).scalar_one()


def _suspension(account_id: UUID, key: str) -> Request:
    command = ChangeStatus(account_id=account_id, change="suspension", reason="test", if_match=None)
    return Request(command=command, actor="test", key=("authority", key), fingerprint=key.encode())


def test_a_file_that_somebody_else_writes_to_is_readable_for_whoever_is_on_record_as_reading_it(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", WAIT_MS)
    with ready_bank(sqlite_url, tmp_path / "data") as bank:
        account_id, posted = bank.account(), certificate()
        path = f"/v1/accounts/{account_id}/balance"
        assert bank.authority.get(path).status_code == 200
        learner = bank.learner(account_id)
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = bank.issuer.post("/v1/certificates", posted, key="one")
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            assert int(refused.headers["Retry-After"]) > 0
            assert [one.get(path).status_code for one in (bank.authority, learner, bank.auditor)] == [200, 200, 503]
            other.execute("ROLLBACK")
        awarded = bank.issuer.post("/v1/certificates", posted, key="one")
        assert awarded.status_code == 201
        assert "Idempotency-Replayed" not in awarded.headers


def test_when_every_connection_is_taken_requests_are_told_to_come_again(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "POOL_TIMEOUT_SECONDS", WAIT_MS / 1000)
    with ready_bank(database_url, tmp_path / "data") as bank, ExitStack() as stack:
        account_id = bank.account()
        for _ in range(database.POOL_SIZE):
            stack.enter_context(bank.core.engine.connect())
        answers = [
            bank.authority.get(f"/v1/accounts/{account_id}/balance"),
            bank.issuer.post("/v1/certificates", certificate(), key="one"),
            bank.public.get("/v1/verify/BIM-EVAL/none"),
        ]
        assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(503, "unavailable")] * 3
        stack.close()
        assert bank.authority.get(f"/v1/accounts/{account_id}/balance").status_code == 200
