"""Jobs: the certificates of a withdrawn accreditation go on hold, chunk by chunk, whatever happens in between."""

from __future__ import annotations

from datetime import date
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from creditbank.audit import replay
from creditbank.commands import accounts, catalogue, certificates, jobs
from creditbank.commands.jobs import HoldNext, JobRunner
from creditbank.ledger import jobs as job_table
from tests.commands.bank import (
    PATIENCE,
    asked,
    award,
    bank_on,
    body,
    events_in,
    furnish,
    holder,
    open_desk,
    tell,
    together,
)
from tests.domain.facts import certificate

JULY = date(2026, 7, 1)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "CHUNK", 2)


def withdrawn(desk: Any, count: int) -> tuple[UUID, list[UUID]]:
    """Five certificates at most, their accreditation withdrawn from July on: the job, and the accounts."""
    accreditation_id = furnish(desk)
    held_by = [UUID(body(tell(desk, award(f"N{one}", holder(f"P{one}"))))["account_id"]) for one in range(count)]
    tell(desk, award("before", holder("P0"), issued_on=date(2026, 6, 30)))
    command = catalogue.Withdraw(
        organisation="BIM-EVAL", accreditation_id=accreditation_id, effective_from=JULY, reason="inspection"
    )
    answer = body(tell(desk, command))
    assert answer["affected"] == count
    return UUID(answer["job_id"]), held_by


def states(engine: Engine, account_ids: list[UUID]) -> dict[str, str]:
    lots = [lot for one in account_ids for lot in replay.account_at(engine, one)[0].lots.values()]
    return {lot.number: lot.status for lot in lots}


def progress(engine: Engine, job_id: UUID) -> tuple[str, int, int]:
    with engine.connect() as connection, connection.begin():
        job = job_table.find(connection, job_id)
    assert job is not None
    return job.state, job.done, job.total


def test_a_job_holds_what_was_issued_from_the_day_on_and_nothing_else(engine: Engine) -> None:
    bank = bank_on(engine)
    with open_desk(bank) as desk:
        job_id, account_ids = withdrawn(desk, 5)
        runner = JobRunner(bank, desk)
        runner.start(job_id).result(PATIENCE)
        runner.close()
    assert states(engine, account_ids) == {"before": "active"} | {f"N{one}": "held" for one in range(5)}
    assert progress(engine, job_id) == ("finished", 5, 5)
    assert list(replay.differences(engine)) == []


def test_a_job_that_a_crash_left_behind_is_taken_up_where_it_stood(engine: Engine) -> None:
    bank = bank_on(engine)
    with open_desk(bank) as desk:
        job_id, account_ids = withdrawn(desk, 5)
        tell(desk, HoldNext(job_id=job_id))
        assert progress(engine, job_id) == ("running", 2, 5)
        runner = JobRunner(bank, desk)
        runner.resume()
        runner.start(job_id).result(PATIENCE)
        runner.close()
    assert progress(engine, job_id) == ("finished", 5, 5)
    assert list(states(engine, account_ids).values()).count("held") == 5


def test_a_finished_job_is_not_done_again(engine: Engine) -> None:
    bank = bank_on(engine)
    with open_desk(bank) as desk:
        job_id, _ = withdrawn(desk, 1)
        runner = JobRunner(bank, desk)
        runner.start(job_id).result(PATIENCE)
        count = events_in(engine)
        tell(desk, certificates.release(certificate("N0"), None, "cleared"))
        runner.start(job_id).result(PATIENCE)
        runner.resume()
        runner.close()
    assert events_in(engine) == count + 1
    assert progress(engine, job_id) == ("finished", 1, 1)


def test_lanes_take_turns_whatever_their_number_of_jobs(sqlite_engine: Engine) -> None:
    bank = bank_on(sqlite_engine)
    taken: list[str] = []
    let_go = Event()

    def job(name: str, steps: int) -> Any:
        left = iter(range(steps, 0, -1))

        def step() -> bool:
            assert let_go.wait(PATIENCE)
            taken.append(name)
            return next(left) > 1

        return step

    with open_desk(bank) as desk:
        runner = JobRunner(bank, desk)
        jobs_of_one = [runner.carry(job(name, 2), lane="one") for name in ("a", "b", "c")]
        job_of_other = runner.carry(job("x", 3), lane="other")
        let_go.set()
        for finished in (*jobs_of_one, job_of_other):
            finished.result(PATIENCE)
        runner.close()
    assert taken == ["a", "x", "a", "x", "b", "x", "b", "c", "c"]


def test_a_job_that_fails_does_not_hold_up_its_lane(sqlite_engine: Engine) -> None:
    bank = bank_on(sqlite_engine)

    def fail() -> bool:
        raise ValueError

    with open_desk(bank) as desk:
        runner = JobRunner(bank, desk)
        failing, following = runner.carry(fail, lane="one"), runner.carry(lambda: False, lane="one")
        with pytest.raises(ValueError):
            failing.result(PATIENCE)
        following.result(PATIENCE)
        runner.close()


def test_two_workers_on_one_job_hold_each_certificate_once(engine: Engine) -> None:
    with open_desk(bank_on(engine)) as desk:
        job_id, account_ids = withdrawn(desk, 2)
        together(desk, *(asked(HoldNext(job_id=job_id)) for _ in range(4)))
    assert progress(engine, job_id)[1] == 2
    assert list(states(engine, account_ids).values()).count("held") == 2


def test_a_certificate_that_moves_in_the_same_group_is_held_where_it_went(engine: Engine) -> None:
    bank = bank_on(engine)
    with open_desk(bank) as desk:
        job_id, (first, second) = withdrawn(desk, 2)
        merge = accounts.Merge(account_id=second, merged=first, reason="same person")
        together(desk, asked(merge), asked(HoldNext(job_id=job_id)))
        runner = JobRunner(bank, desk)
        runner.start(job_id).result(PATIENCE)
        runner.close()
    assert states(engine, [second]) == {"before": "active", "N0": "held", "N1": "held"}
    assert progress(engine, job_id) == ("finished", 2, 2)
    assert list(replay.differences(engine)) == []


def test_a_database_that_is_away_for_a_moment_does_not_end_a_job(
    postgresql_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first chunk meets connections that the server has closed; it is tried again."""
    monkeypatch.setattr(jobs, "PAUSE_SECONDS", 0)
    bank = bank_on(postgresql_engine)
    with open_desk(bank) as desk:
        job_id, _ = withdrawn(desk, 1)
        with postgresql_engine.connect() as survivor, survivor.begin():
            survivor.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
            runner = JobRunner(bank, desk)
            runner.start(job_id).result(PATIENCE)
        runner.close()
    assert progress(postgresql_engine, job_id) == ("finished", 1, 1)


def test_closing_stops_after_the_chunk_at_hand(engine: Engine) -> None:
    bank = bank_on(engine)
    with open_desk(bank) as desk:
        job_id, _ = withdrawn(desk, 3)
        runner = JobRunner(bank, desk)
        runner.close()
        with pytest.raises(RuntimeError):
            runner.start(job_id)
    assert progress(engine, job_id) == ("running", 0, 3)
