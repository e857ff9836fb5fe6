"""Several processes find what one finds, in the same order, on one moment of the database."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, update

from creditbank import projections
from creditbank.audit import crew
from creditbank.audit.rebuild import rebuild
from creditbank.audit.replay import differences
from creditbank.audit.whole import Bank
from creditbank.cli import installation
from creditbank.cli.outcome import Failed
from creditbank.ledger import log
from creditbank.ledger.tables import event
from creditbank.projections.accounts import account
from creditbank.projections.lots import lot
from creditbank.settings import Settings
from tests.audit import works
from tests.audit.bank import fill, publisher
from tests.audit.test_rebuild import contents

PROCESSES = 2


@pytest.fixture(autouse=True)
def short_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some accounts each, so that there is something to share."""
    monkeypatch.setattr("creditbank.ledger.raw.PAGE", 4)


def test_the_same_differences_are_found_in_the_same_order(engine: Engine) -> None:
    fill(engine, 12)
    with engine.begin() as connection:
        connection.execute(update(lot).values(credits=lot.c.credits + 1))
        connection.execute(update(account).where(account.c.version > 2).values(status="closed"))

    alone, told = list(differences(engine)), list[tuple[int, int]]()
    together = list(differences(engine, lambda done, total: told.append((done, total)), processes=PROCESSES))

    assert len(alone) == 12, "eight accounts, four of them with two certificates and closed"
    assert together == alone
    assert told == sorted(told), "progress never falls"
    assert told[-1][0] == told[-1][1]


def test_the_same_first_fault_is_named(engine: Engine, tmp_path: Path) -> None:
    one = publisher(engine, tmp_path)
    fill(engine, 12)
    one.publish()
    bank = Bank(engine=engine, shelf=one.shelf, data_dir=tmp_path, keys=one.verifier_keys())
    assert bank.verify(PROCESSES) == bank.verify(1)
    assert bank.verify(PROCESSES).fault is None
    with engine.begin() as connection:
        connection.execute(update(event).where(event.c.type == "certificate-awarded/1").values(actor="somebody"))
        connection.execute(update(lot).values(credits=1))

    alone, together = bank.verify(1), bank.verify(PROCESSES)

    assert together == alone
    assert alone.fault is not None
    assert "certificate-awarded/1" in alone.fault.where, "history comes before the answers"


def test_emptied_answers_are_rebuilt(engine: Engine) -> None:
    fill(engine, 12)
    before = contents(engine)
    with engine.begin() as connection:
        for table in projections.TABLES:
            connection.execute(delete(table))

    rebuild(engine, processes=PROCESSES)

    assert contents(engine) == before


def test_all_of_them_see_the_same_moment_and_nobody_is_kept_from_writing(engine: Engine) -> None:
    fill(engine, 2)
    with crew.on_snapshot(engine, PROCESSES) as members:
        before = sum(log.heads(members.connection).values())
        fill(engine, 2, first=2, furnished=True)
        seen = list(members.results(works.events_seen, range(20)))

    assert {events for events, _ in seen} == {before}
    assert len({process for _, process in seen}) == PROCESSES
    assert os.getpid() not in {process for _, process in seen}


def test_whoever_waits_for_the_others_is_not_cut_off(postgresql_engine: Engine) -> None:
    """What one process does alone may take longer than a request may pause."""
    with crew.on_snapshot(postgresql_engine, PROCESSES) as members:
        assert set(members.results(works.patience, range(4))) == {"1h"}
        assert works.patience(members.connection)(0) == "1h"
    with postgresql_engine.connect() as connection:
        assert works.patience(connection)(0) == "30s"


def test_none_of_them_can_write(engine: Engine) -> None:
    fill(engine, 1)
    with crew.on_snapshot(engine, PROCESSES) as members, pytest.raises(crew.Ended, match="failed"):
        list(members.results(works.writes, range(1)))


def test_one_that_dies_is_told(engine: Engine) -> None:
    with crew.on_snapshot(engine, PROCESSES) as members, pytest.raises(crew.Ended, match="exit code 9"):
        list(members.results(works.dies, [9, 9, 9]))


def test_a_database_that_lacks_a_table_is_damaged(engine: Engine) -> None:
    with crew.on_snapshot(engine, PROCESSES) as members, pytest.raises(crew.Damaged):
        list(members.results(works.lacks_a_table, range(1)))


def test_the_command_line_says_so(database_url: str) -> None:
    chosen = Settings(database_url=database_url)
    with pytest.raises(Failed, match="start again") as failed, installation.reached(chosen):
        raise crew.Ended("process 7 of this audit ended early, with exit code -9")
    assert failed.value.exit_code == 1


@pytest.mark.parametrize(("events", "most"), [(0, 1), (60_000, 1), (10_000_000, 8)])
def test_a_short_history_is_not_worth_another_process(events: int, most: int) -> None:
    assert 1 <= crew.size_for(events) <= most
