"""Sessions at rest: found by their secret, which is not kept; used, ended and forgotten."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import Engine, select

from creditbank.ledger.database import writing
from creditbank.vault import persons, sessions
from creditbank.vault.sessions import IDLE_MICROSECONDS, KEPT_MICROSECONDS, LONGEST_MICROSECONDS, MINUTE, Session
from creditbank.vault.tables import session as table

NOW = 1_795_000_000_000_000


def opened(engine: Engine, secret: str | None = None, **changes: object) -> Session:
    one = Session(
        session_id=sessions.new_id(),
        member_id="member-1",
        account_id=None,
        created_at=NOW,
        authenticated_at=NOW - 1,
        seen_at=NOW,
        expires_at=NOW + LONGEST_MICROSECONDS,
    )
    one = replace(one, **changes)  # type: ignore[arg-type]
    with writing(engine) as connection:
        sessions.add(connection, one, secret or sessions.new_secret())
    return one


def left(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(select(table.c.session_id)).scalars())


def test_a_session_is_found_by_its_secret_and_by_its_name(engine: Engine) -> None:
    secret = sessions.new_secret()
    one = opened(engine, secret)
    with engine.connect() as connection:
        assert sessions.find(connection, secret) == one
        assert sessions.named(connection, one.session_id) == one
        assert sessions.find(connection, sessions.new_secret()) is None
        [row] = connection.execute(select(table)).all()
    assert secret not in str(tuple(row))


@pytest.mark.parametrize("secret", ["", "x" * 42, "x" * 44, "é" * 43])
def test_what_cannot_be_a_secret_is_not_looked_for(secret: str, engine: Engine) -> None:
    assert sessions.digest(secret) is None
    with engine.connect() as connection:
        assert sessions.find(connection, secret) is None


def test_secrets_are_long_and_never_the_same() -> None:
    assert len({sessions.new_secret() for _ in range(1_000)}) == 1_000
    assert all(sessions.digest(sessions.new_secret()) is not None for _ in range(10))


def test_it_lasts_from_use_to_use_and_a_day_at_most(engine: Engine) -> None:
    one = opened(engine)
    assert one.ends_at(0) == NOW + IDLE_MICROSECONDS
    assert one.ends_at(NOW + 5) == NOW + 5 + IDLE_MICROSECONDS
    assert one.ends_at(one.expires_at) == one.expires_at


def test_a_use_is_written_once_a_minute(engine: Engine) -> None:
    one = opened(engine)
    seen = []
    for used_at in (NOW + MINUTE - 1, NOW + MINUTE, NOW + MINUTE + 1, NOW):
        with writing(engine) as connection:
            sessions.note_uses(connection, {one.session_id: used_at, "session-gone": used_at})
            found = sessions.named(connection, one.session_id)
            seen.append(found and found.seen_at)
    assert seen == [NOW, NOW + MINUTE, NOW + MINUTE, NOW + MINUTE]


def test_each_way_to_end_sessions_ends_those_and_no_others(engine: Engine) -> None:
    secret, account = sessions.new_secret(), uuid4()
    by_secret, by_name = opened(engine, secret), opened(engine)
    by_member = opened(engine, member_id="member-2")
    learners = [opened(engine, member_id=None, account_id=one) for one in (account, uuid4(), uuid4())]
    others = {opened(engine, member_id="member-3").session_id}
    with writing(engine) as connection:
        sessions.end_by_secret(connection, secret)
        sessions.end(connection, by_name.session_id)
        sessions.end_of_member(connection, "member-2")
        sessions.end_of_account(connection, account)
        assert learners[1].account_id is not None
        persons.erase(connection, [learners[1].account_id])
    assert left(engine) == others | {learners[2].session_id}
    assert {by_secret.session_id, by_member.session_id}.isdisjoint(left(engine))


def test_what_has_been_over_for_a_week_is_forgotten(engine: Engine) -> None:
    live, over = opened(engine), opened(engine, expires_at=NOW)
    idle = opened(engine, seen_at=NOW - IDLE_MICROSECONDS)
    for now, expected in (
        (NOW + KEPT_MICROSECONDS, {live, over, idle}),
        (NOW + KEPT_MICROSECONDS + 1, {live}),
        (NOW + KEPT_MICROSECONDS + LONGEST_MICROSECONDS + 1, set()),
    ):
        with writing(engine) as connection:
            sessions.sweep(connection, now)
        assert left(engine) == {one.session_id for one in expected}
