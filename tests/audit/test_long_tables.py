"""What compares whole tables takes work that grows with them, not with their square."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Table, insert

from creditbank.ledger.database import open_engine, writing
from creditbank.ledger.tables import event
from creditbank.projections import lots, rows
from creditbank.projections.claims import certificate_claim

CERTIFICATES = 1_000
MOST_STEPS_EACH = 500
"""Of SQLite's machine, for each certificate; looked for one by one it takes thousands."""

ANYTHING: dict[type, Any] = {int: 1, str: "x", bytes: b"x", date: date(2026, 11, 24), dict: {}}


def anything(table: Table, **chosen: UUID) -> dict[str, Any]:
    """A row whose other values do not matter."""
    return {one.name: chosen.get(one.name) or ANYTHING.get(one.type.python_type) or uuid4() for one in table.c}


@pytest.mark.parametrize("work", [rows.delete_strangers, lots.claimed_by_nobody])
def test_claims_are_compared_with_certificates_in_one_go(sqlite_url: str, work: Callable[[Connection], object]) -> None:
    engine, steps = open_engine(sqlite_url), 0

    def count() -> int:
        nonlocal steps
        steps += 100
        return 0

    with writing(engine) as connection:
        account_id = uuid4()
        named = [{"certificate_id": uuid4(), "account_id": account_id} for _ in range(CERTIFICATES)]
        connection.execute(insert(event), anything(event, stream_id=account_id))
        for table in (certificate_claim, lots.lot):
            connection.execute(insert(table), [anything(table, **one) for one in named])
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_progress_handler(count, 100)
        work(connection)
        driver.set_progress_handler(None, 0)
    engine.dispose()
    assert 0 < steps < CERTIFICATES * MOST_STEPS_EACH
