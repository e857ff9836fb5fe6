"""Rows are the same whichever way they went into the database."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import DataError, IntegrityError

from creditbank.ledger import bulk
from creditbank.ledger.database import writing
from creditbank.ledger.tables import command_log
from creditbank.projections.lots import lot

MANY = 120
FEW = 12


def row(account_id: UUID, number: str) -> tuple[Any, ...]:
    """A lot with every kind of value that our tables hold: the awkward ones on purpose."""
    return (
        account_id,
        uuid4(),
        UUID(int=7),
        2**62 + int(number),
        1_800_000_000_000_000,
        15_000,
        date(2026, 2, 28),
        None,
        date(9999, 12, 31),
        63,
        -1,
        1,
        "active",
        "学校 \\N \t\n'\"",
        number,
        "",
        "高级",
        "x-cert",
        None,
        bytes(range(256)),
    )


@pytest.mark.parametrize("chunk", [1, FEW, MANY])
def test_rows_come_back_as_they_went_in(engine: Engine, chunk: int) -> None:
    account_id = uuid4()
    rows = [row(account_id, f"{number:04d}") for number in range(MANY)]
    with writing(engine) as connection:
        for start in range(0, MANY, chunk):
            bulk.insert(connection, lot, rows[start : start + chunk])
    with engine.connect() as connection:
        stored = connection.execute(select(lot).where(lot.c.account_id == account_id).order_by(lot.c.number))
        assert [tuple(found) for found in stored] == rows


@pytest.mark.parametrize("count", [2, MANY])
def test_a_conflict_is_an_integrity_error(engine: Engine, count: int) -> None:
    rows = [row(uuid4(), "1") for _ in range(count)]
    rows[-1] = rows[0]
    with pytest.raises(IntegrityError), writing(engine) as connection:
        bulk.insert(connection, lot, rows)


@pytest.mark.parametrize("count", [1, MANY])
def test_what_the_server_cannot_hold_is_a_data_error(postgresql_engine: Engine, count: int) -> None:
    rows = [("scope", f"key {number}\0", 0, 200, 0, b"", "", b"") for number in range(count)]
    with pytest.raises(DataError), writing(postgresql_engine) as connection:
        bulk.insert(connection, command_log, rows)


def test_no_rows_are_no_work(engine: Engine) -> None:
    with writing(engine) as connection:
        bulk.insert(connection, lot, [])
        assert connection.execute(select(lot)).all() == []


@pytest.mark.parametrize("count", [1, FEW])
def test_ids_may_come_as_their_bytes(engine: Engine, count: int) -> None:
    whole = [row(uuid4(), f"N{number}") for number in range(count)]
    bare = [tuple(value.bytes if isinstance(value, UUID) else value for value in one) for one in whole]

    with writing(engine) as connection:
        bulk.insert(connection, lot, bare)

    with engine.connect() as connection, connection.begin():
        found = bulk.Lookup(select(lot), lot.c.account_id).rows(connection, [one[0] for one in bare])
    assert sorted(map(tuple, found)) == sorted(whole)
