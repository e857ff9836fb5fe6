"""A rebuild mends what is wrong and nothing else, while the bank goes on."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, Row, delete, select, text, update

from creditbank import projections
from creditbank.audit.rebuild import rebuild
from creditbank.audit.replay import differences
from creditbank.ledger.database import writing
from creditbank.projections.accounts import account, heads
from creditbank.projections.lots import lot
from tests.commands.bank import PATIENCE, award, bank_on, body, furnish, holder, open_desk, tell
from tests.commands.test_locks import wait_until_somebody_waits


def learners(engine: Engine, count: int) -> list[UUID]:
    """A bank of so many learners, a certificate each."""
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        awards = [award(f"N{number}", holder(f"P{number}")) for number in range(count)]
        return [UUID(body(tell(desk, one))["account_id"]) for one in awards]


def contents(engine: Engine) -> dict[str, list[Any]]:
    with engine.connect() as connection, connection.begin():
        return {
            table.name: sorted(map(repr, connection.execute(select(table).order_by(*table.primary_key))))
            for table in projections.TABLES
        }


def versions_of_rows(engine: Engine) -> Sequence[Row[Any]]:
    """Which transaction wrote each row, and where it stands."""
    with engine.connect() as connection, connection.begin():
        tables = ("account", "lot", "certificate_claim", "catalogue")
        parts = (f"SELECT '{name}', xmin::text, ctid::text FROM {name}" for name in tables)
        return sorted(connection.execute(text(" UNION ALL ".join(parts))))


def test_from_emptied_tables_everything_is_as_it_was(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creditbank.ledger.raw.PAGE", 4)
    learners(engine, 5)
    before = contents(engine)
    with engine.begin() as connection:
        for table in projections.TABLES:
            connection.execute(delete(table))

    events = rebuild(engine)

    assert events == 16, "six of the catalogue, two of each learner"
    assert contents(engine) == before
    assert list(differences(engine)) == []


def test_what_is_right_is_not_written_again(postgresql_engine: Engine) -> None:
    account_ids = learners(postgresql_engine, 3)
    before = versions_of_rows(postgresql_engine)
    rebuild(postgresql_engine)
    assert versions_of_rows(postgresql_engine) == before
    with postgresql_engine.begin() as connection:
        connection.execute(update(lot).where(lot.c.account_id == account_ids[1]).values(credits=1))

    rebuild(postgresql_engine)

    changed = set(versions_of_rows(postgresql_engine)) - set(before)
    assert [row[0] for row in changed] == ["lot"]
    assert list(differences(postgresql_engine)) == []


def test_a_writer_goes_on_meanwhile_and_nothing_of_it_is_lost(postgresql_engine: Engine) -> None:
    engine = postgresql_engine
    mended, other = learners(engine, 2)
    with engine.begin() as connection:
        connection.execute(update(account).where(account.c.account_id == mended).values(status="closed"))
    with open_desk(bank_on(engine)) as desk, ThreadPoolExecutor() as threads:
        with writing(engine) as writer:
            heads(writer, [other], lock=True)
            rebuilt = threads.submit(rebuild, engine)
            wait_until_somebody_waits(engine)
            # The page waits for one head; whoever is new is not held up by that.
            assert tell(desk, award("N9", holder("new"))).status == 201
        rebuilt.result(PATIENCE)
        assert tell(desk, award("N10", mended)).status == 201
    assert list(differences(engine)) == []
