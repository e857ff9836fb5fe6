"""Appending and reading, one transaction at a time."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from creditbank.domain.events import AccountClosed, AccountOpened
from creditbank.domain.values import partition_of
from creditbank.ledger import log
from creditbank.ledger.database import writing
from tests.ledger.entries import CAUSE, entry, stream_in

NOW = 1_800_000_000_000_000


def append(engine: Engine, *entries: log.Entry, now: int = NOW) -> list[log.Recorded]:
    with writing(engine) as connection:
        return log.append(connection, entries, now)


def test_positions_count_up_from_one_in_each_partition(engine: Engine) -> None:
    ours, theirs = stream_in(5), stream_in(9)
    recorded = append(engine, entry(ours, 1), entry(theirs, 1), entry(ours, 2))
    assert [item.at for item in recorded] == ["5:1", "9:1", "5:2"]
    assert [item.at for item in append(engine, entry(ours, 3))] == ["5:3"]
    with engine.connect() as connection:
        assert log.heads(connection) == {5: 3, 9: 1}


def test_what_is_read_is_what_was_recorded(engine: Engine) -> None:
    stream_id = uuid4()
    recorded = append(engine, entry(stream_id, 1, AccountOpened(opened_by="school-1"), approved_by="school-2"))
    with engine.connect() as connection:
        assert log.stream(connection, stream_id) == recorded
    assert recorded == [
        log.Recorded(
            partition_id=partition_of(stream_id),
            position=1,
            stream_id=stream_id,
            version=1,
            recorded_at=NOW,
            actor="school-1",
            causation=CAUSE,
            type="account-opened/1",
            event=AccountOpened(opened_by="school-1"),
            approved_by="school-2",
        )
    ]


def test_who_approved_is_kept_of_many_events_too(engine: Engine) -> None:
    stream_id = uuid4()
    append(engine, *(entry(stream_id, one, approved_by="school-2" if one % 2 else None) for one in range(1, 101)))
    with engine.connect() as connection:
        kept = [item.approved_by for item in log.stream(connection, stream_id)]
    assert kept == ["school-2", None] * 50


def test_nothing_to_append_changes_nothing(engine: Engine) -> None:
    assert append(engine) == []
    with engine.connect() as connection:
        assert log.heads(connection) == {}


def test_a_roll_back_leaves_no_gap(engine: Engine) -> None:
    with writing(engine) as connection:
        log.append(connection, [entry(stream_in(5))], NOW)
        connection.rollback()
    assert append(engine, entry(stream_in(5)))[0].position == 1


def test_a_version_that_is_there_is_refused_and_nothing_else_of_the_append_stays(engine: Engine) -> None:
    stream_id, other = stream_in(5), stream_in(6)
    append(engine, entry(stream_id, 1))
    with pytest.raises(IntegrityError):
        append(engine, entry(other, 1), entry(stream_id, 2), entry(stream_id, 1))
    with engine.connect() as connection:
        assert log.heads(connection) == {5: 1}
        assert log.stream(connection, other) == []


def test_a_large_append_is_refused_like_a_small_one(engine: Engine) -> None:
    stream_id = stream_in(5)
    append(engine, entry(stream_id, 1))
    with pytest.raises(IntegrityError):
        append(engine, *(entry(stream_id, version) for version in range(100, 0, -1)))
    with engine.connect() as connection:
        assert log.heads(connection) == {5: 1}


def test_ledger_time_never_falls_in_a_partition_although_the_clock_does(engine: Engine) -> None:
    stream_id = stream_in(5)
    times = [NOW, NOW - 5_000_000, NOW + 1]
    recorded = [append(engine, entry(stream_id, version), now=now)[0] for version, now in enumerate(times, 1)]
    assert [item.recorded_at for item in recorded] == [NOW, NOW, NOW + 1]
    elsewhere = append(engine, entry(stream_in(6)), now=NOW - 9)
    assert elsewhere[0].recorded_at == NOW - 9


def test_streams_are_read_together_each_in_its_order(engine: Engine) -> None:
    first, second, empty = uuid4(), uuid4(), uuid4()
    append(engine, entry(second, 1), entry(first, 1), entry(second, 2))
    with engine.connect() as connection:
        histories = log.streams(connection, [first, second, empty])
    assert {stream_id: [item.version for item in history] for stream_id, history in histories.items()} == {
        first: [1],
        second: [1, 2],
        empty: [],
    }


def test_a_stream_is_read_on_from_a_version_and_up_to_a_limit(engine: Engine) -> None:
    stream_id = uuid4()
    append(engine, *(entry(stream_id, version) for version in range(1, 12)))
    with engine.connect() as connection:
        assert [item.version for item in log.stream(connection, stream_id, after=8)] == [9, 10, 11]
        assert [item.version for item in log.stream(connection, stream_id, after=2, limit=2)] == [3, 4]


def test_a_partition_is_read_on_from_a_position_and_by_type(engine: Engine) -> None:
    stream_id = stream_in(5)
    closed = AccountClosed(reason="moved away")
    append(engine, entry(stream_id, 1), entry(stream_id, 2, closed), entry(stream_id, 3), entry(stream_in(6), 1))
    with engine.connect() as connection:
        assert [item.position for item in log.partition(connection, 5, after=1)] == [2, 3]
        assert [item.position for item in log.partition(connection, 5, after=0, limit=1)] == [1]
        assert [item.event for item in log.partition(connection, 5, after=0, types=["account-closed/1"])] == [closed]


def test_everything_is_all_of_history_in_pages(engine: Engine) -> None:
    low, high = stream_in(5), stream_in(60)
    append(engine, *(entry(low, version) for version in range(1, log.PAGE + 2)), entry(high, 1))
    with engine.connect() as connection:
        pages = list(log.everything(connection))
    assert [len(page) for page in pages] == [log.PAGE, 1, 1]
    assert [item.at for page in pages for item in page] == [f"5:{n}" for n in range(1, log.PAGE + 2)] + ["60:1"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(0, 3), max_size=6),
            st.integers(0, 10**9),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_whatever_is_appended_positions_are_gapless_and_time_does_not_fall(
    sqlite_engine: Engine, transactions: list[tuple[list[int], int, bool]]
) -> None:
    streams = [stream_in(number) for number in range(4)]
    with sqlite_engine.connect() as connection:
        heads = Counter(log.heads(connection))
    versions: Counter[int] = Counter()
    for touched, now, keep in transactions:
        before = Counter(versions)
        with writing(sqlite_engine) as connection:
            entries = []
            for number in touched:
                versions[number] += 1
                entries.append(entry(streams[number], versions[number]))
            log.append(connection, entries, now)
            if not keep:
                connection.rollback()
                versions = before
    with sqlite_engine.connect() as connection:
        for number in range(4):
            history = log.partition(connection, number, after=0, limit=10_000)
            assert [item.position for item in history] == list(range(1, heads[number] + versions[number] + 1))
            assert [item.recorded_at for item in history] == sorted(item.recorded_at for item in history)
            assert [item.version for item in history if item.stream_id == streams[number]] == list(
                range(1, versions[number] + 1)
            )
