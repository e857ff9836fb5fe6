"""Statements that go together: fewer trips, the same order, the same errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError

from creditbank.ledger import bulk, pipeline, trips
from creditbank.ledger.database import writing
from creditbank.projections.claims import certificate_claim

CLAIMS = bulk.Lookup(select(certificate_claim), certificate_claim.c.certificate_id)
MOVE = bulk.Update(certificate_claim, [certificate_claim.c.certificate_id], [certificate_claim.c.account_id])
A, B, ACCOUNT = uuid4(), uuid4(), uuid4()


def claim(connection: Any, *certificates: UUID, account_id: UUID = ACCOUNT) -> None:
    bulk.insert(connection, certificate_claim, [(one, account_id, 0) for one in certificates])


def held(connection: Any) -> set[UUID]:
    return {row.certificate_id for row in CLAIMS.rows(connection, [A, B])}


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many statements go with each trip."""
    made: list[int] = []

    def run(connection: Any, statements: Sequence[pipeline.Statement]) -> list[Sequence[Any]]:
        made.append(len(statements))
        return pipeline.run(connection, statements)

    with monkeypatch.context() as patch:
        patch.setattr(trips, "pipeline", type("Counting", (), {"run": staticmethod(run)}))
        yield made


def test_what_is_told_goes_with_what_is_asked(postgresql_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with counted(monkeypatch) as made, writing(postgresql_engine) as connection, trips.together(connection):
        claim(connection, A)
        claim(connection, B)
        assert held(connection) == {A, B}
    assert made == [3]


def test_what_is_asked_for_later_goes_together_in_its_order(
    postgresql_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with counted(monkeypatch) as made, writing(postgresql_engine) as connection:
        before = CLAIMS.later(connection, [A, B])
        with trips.together(connection):
            claim(connection, A)
            behind = CLAIMS.later(connection, [A, B])
            assert made == []
            assert [row.certificate_id for row in behind()] == [A]
        assert before() == []
    assert made == [3]


def test_what_is_asked_for_later_on_either_database_is_what_was_asked(engine: Engine) -> None:
    with writing(engine) as connection:
        claim(connection, A)
        rows = CLAIMS.later(connection, [A, B])
        assert [row.account_id for row in rows()] == [ACCOUNT]


def test_a_question_that_nobody_came_back_for_goes_with_its_transaction(
    postgresql_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ZeroDivisionError), writing(postgresql_engine) as connection:
        CLAIMS.later(connection, [A])
        raise ZeroDivisionError
    with counted(monkeypatch) as made, writing(postgresql_engine) as connection:
        assert held(connection) == set()
    assert made == [1]


def test_what_nobody_asks_behind_goes_at_the_end(postgresql_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with counted(monkeypatch) as made, writing(postgresql_engine) as connection:
        with trips.together(connection):
            claim(connection, A)
            claim(connection, B)
            assert made == []
        assert made == [2]
    with postgresql_engine.connect() as connection:
        assert held(connection) == {A, B}


def test_whoever_speaks_to_the_database_otherwise_sees_what_was_told(engine: Engine) -> None:
    with writing(engine) as connection, trips.together(connection):
        claim(connection, A)
        assert len(connection.execute(select(certificate_claim)).all()) == 1


def test_many_rows_stay_behind_what_was_told_before_them(engine: Engine) -> None:
    with pytest.raises(IntegrityError), writing(engine) as connection, trips.together(connection):
        claim(connection, A)
        claim(connection, *(uuid4() for _ in range(200)), A)


def test_a_conflict_of_what_waits_is_an_integrity_error_and_undoes_all(engine: Engine) -> None:
    with pytest.raises(IntegrityError), writing(engine) as connection, trips.together(connection):
        claim(connection, A)
        claim(connection, A)
        claim(connection, B)
    with engine.connect() as connection:
        assert held(connection) == set()


def test_a_connection_that_has_failed_serves_again(postgresql_engine: Engine) -> None:
    for _ in range(3):
        with pytest.raises(IntegrityError), writing(postgresql_engine) as connection:
            claim(connection, A, A)
        with writing(postgresql_engine) as connection:
            assert held(connection) == set()


def test_what_waits_is_forgotten_where_the_work_fails(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError), writing(engine) as connection, trips.together(connection):
        claim(connection, A)
        raise ZeroDivisionError
    with writing(engine) as connection:
        claim(connection, B)
        assert held(connection) == {B}


def test_rows_are_changed_each_to_its_own_values(engine: Engine) -> None:
    first, second = uuid4(), uuid4()
    with writing(engine) as connection:
        claim(connection, A, B)
        MOVE.apply(connection, [(A, first), (B, second)])
        MOVE.apply(connection, [])
        moved = {row.certificate_id: row.account_id for row in CLAIMS.rows(connection, [A, B])}
    assert moved == {A: first, B: second}
