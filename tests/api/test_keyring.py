"""The key ring: it asks the database about a key rarely, once for all who wait, and is not fooled by the clock."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from creditbank.api.keyring import KeyRing
from creditbank.api.last_uses import LastUses
from creditbank.app import open_bank
from creditbank.commands.bank import Bank
from creditbank.domain.errors import Unauthenticated
from creditbank.ledger.database import writing
from creditbank.settings import Settings
from creditbank.vault import apikeys
from tests.api.bank import Clock, key_of

DAY = 86_400_000_000


@pytest.fixture
def bank(engine: Engine, tmp_path: Path) -> Bank:
    opened = open_bank(Settings(data_dir=tmp_path / "data"), engine)
    opened.clock = Clock()
    return opened


def test_many_who_come_with_one_key_ask_the_database_once(bank: Bank) -> None:
    ring, key, questions = KeyRing(bank, LastUses(bank)), key_of(bank, "authority"), []
    event.listen(bank.engine, "before_cursor_execute", lambda *arguments: questions.append(arguments[2]))

    async def ask() -> set[str]:
        return {one.role for one in await asyncio.gather(*(ring.principal(key) for _ in range(32)))}

    assert asyncio.run(ask()) == {"authority"}
    assert len([question for question in questions if "api_key" in question]) == 1


def test_a_key_that_nobody_knows_is_refused_to_all_who_wait(bank: Bank) -> None:
    ring, key = KeyRing(bank, LastUses(bank)), key_of(bank, "authority")
    with writing(bank.engine) as connection:
        connection.exec_driver_sql("DELETE FROM api_key")

    async def ask() -> list[object]:
        asked = (ring.principal(key) for _ in range(8))
        return await asyncio.gather(*asked, return_exceptions=True)

    assert [isinstance(answer, Unauthenticated) for answer in asyncio.run(ask())] == [True] * 8


def test_a_clock_that_is_set_back_does_not_revive_a_revoked_key(bank: Bank) -> None:
    ring, key = KeyRing(bank, LastUses(bank)), key_of(bank, "authority")
    asyncio.run(ring.principal(key))
    now = bank.clock()
    bank.clock = lambda: now - DAY
    with writing(bank.engine) as connection:
        apikeys.revoke(connection, str(apikeys.id_of(key)), bank.clock())
    with pytest.raises(Unauthenticated):
        asyncio.run(ring.principal(key))


def test_a_clock_that_is_set_back_does_not_keep_an_old_catalogue(bank: Bank, tmp_path: Path) -> None:
    other = open_bank(Settings(data_dir=tmp_path / "data"), bank.engine)
    epoch = other.catalogue().epoch
    now = bank.clock()
    other.clock = lambda: now - DAY
    with writing(bank.engine) as connection:
        connection.exec_driver_sql("UPDATE catalogue_epoch SET epoch = epoch + 1")
    assert other.catalogue().epoch == epoch + 1
