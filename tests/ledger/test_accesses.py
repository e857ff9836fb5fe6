"""The second log: who looked at which account, numbered without gaps, and listed with the newest first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from creditbank.ledger import accesses
from creditbank.ledger.accesses import Access, Look
from creditbank.ledger.database import open_engine, writing
from creditbank.ledger.numbering import Extent
from tests.ledger.entries import stream_in

NOW = 1_800_000_000_000_000


def look(**changes: Any) -> Look:
    named = {
        "credential": "key-1",
        "role": "institution",
        "organisation": "HBVTC",
        "operation": "accounts:read",
        "fields": "balance",
        "purpose": "admission",
    }
    return Look(**{**named, **changes})


def record(engine: Engine, *account_ids: UUID, now: int = NOW, **changes: Any) -> None:
    with writing(engine) as connection:
        accesses.append(connection, [Access(one, look(**changes)) for one in account_ids], now)


def test_positions_count_up_from_one_in_each_partition(engine: Engine) -> None:
    ours, theirs = stream_in(5), stream_in(9)
    record(engine, ours, theirs, ours)
    record(engine, ours)
    with engine.connect() as connection:
        assert accesses.NUMBERS.heads(connection) == {5: 3, 9: 1}
        assert accesses.NUMBERS.extents(connection) == {5: Extent(3, 1, 3), 9: Extent(1, 1, 1)}


def test_what_is_read_is_what_was_recorded(engine: Engine) -> None:
    account_id = stream_in(5)
    record(engine, account_id, on_behalf_of="desk 4", organisation=None)
    with engine.connect() as connection:
        [found] = accesses.of_accounts(connection, [account_id], None, 10)
    assert found.access == Access(account_id, look(on_behalf_of="desk 4", organisation=None))
    assert found.place == (NOW, 5, 1)


def test_the_newest_of_several_accounts_come_first_page_by_page(engine: Engine) -> None:
    ours, theirs, foreign = stream_in(5), stream_in(9), stream_in(5)
    for later in range(3):
        record(engine, ours, theirs, foreign, now=NOW + later)
    with engine.connect() as connection:
        whole = accesses.of_accounts(connection, [ours, theirs], None, 10)
        first = accesses.of_accounts(connection, [ours, theirs], None, 2)
        rest = accesses.of_accounts(connection, [ours, theirs], first[-1].place, 10)
    assert [one.accessed_at - NOW for one in whole] == [2, 2, 1, 1, 0, 0]
    assert {one.access.account_id for one in whole} == {ours, theirs}
    assert first + rest == whole


def test_time_never_falls_in_a_partition(engine: Engine) -> None:
    account_id = stream_in(5)
    record(engine, account_id, now=NOW)
    record(engine, account_id, now=NOW - 1)
    with engine.connect() as connection:
        assert [one.accessed_at for one in accesses.of_accounts(connection, [account_id], None, 10)] == [NOW, NOW]


def test_writers_at_once_leave_no_gap(engine: Engine, database_url: str) -> None:
    def write(number: int) -> None:
        own = open_engine(database_url)
        for _ in range(10):
            record(own, *(stream_in(partition) for partition in (number, 40, 41)))
        own.dispose()

    with ThreadPoolExecutor(4) as pool:
        for written in [pool.submit(write, number) for number in range(4)]:
            written.result()
    with engine.connect() as connection:
        expected = {**dict.fromkeys(range(4), Extent(10, 1, 10)), **dict.fromkeys((40, 41), Extent(40, 1, 40))}
        assert accesses.NUMBERS.extents(connection) == expected


def test_a_missing_end_is_seen_without_counting(engine: Engine) -> None:
    record(engine, stream_in(5), stream_in(9), stream_in(9))
    with engine.connect() as connection:
        assert accesses.NUMBERS.without_end(connection) == []
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM access_record WHERE partition_id = 9 AND position = 2")
        connection.exec_driver_sql("DELETE FROM access_record WHERE partition_id = 5")
    with engine.connect() as connection:
        assert accesses.NUMBERS.without_end(connection) == [5, 9]
