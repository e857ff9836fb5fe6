"""The feed: from any cursor on, everything comes once, partition by partition and in order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sqlalchemy import Engine

from creditbank.domain.events import AccountClosed, AccountOpened
from creditbank.domain.values import PARTITIONS
from creditbank.ledger import feed, log
from creditbank.ledger.database import writing
from creditbank.ledger.feed import Cursor, NotACursor, Step
from tests.ledger.entries import entry, stream_in

START = Cursor()
QUICK = settings(max_examples=40, derandomize=True, deadline=None)


def append(engine: Engine, *partitions: int, closed: bool = False) -> None:
    """One event in each of these partitions, one transaction for all."""
    event = AccountClosed(reason="left") if closed else AccountOpened(opened_by="school")
    with writing(engine) as connection:
        log.append(connection, [entry(stream_in(one), event=event) for one in partitions], now=1)


def read(engine: Engine, cursor: Cursor, limit: int = 100, types: tuple[str, ...] = ()) -> tuple[list[Step], Cursor]:
    with engine.connect() as connection, connection.begin():
        return feed.read(connection, cursor, limit, types)


def places(steps: list[Step]) -> list[str]:
    return [step.recorded.at for step in steps]


def test_everything_comes_once_page_by_page(engine: Engine) -> None:
    append(engine, 5, 3, 5)
    append(engine, 3, 63)
    cursor, seen = START, []
    while True:
        steps, reached = read(engine, cursor, limit=2)
        if reached == cursor:
            break
        seen += places(steps)
        cursor = reached
    assert seen == ["3:1", "3:2", "5:1", "5:2", "63:1"]


def test_from_the_cursor_of_any_event_on_the_rest_follows(engine: Engine) -> None:
    append(engine, 1, 1, 2, 40)
    steps, end = read(engine, START)
    for number, step in enumerate(steps):
        assert places(read(engine, step.cursor)[0]) == places(steps)[number + 1 :]
    assert steps[-1].cursor == end


def test_what_is_written_later_follows_even_in_an_earlier_partition(engine: Engine) -> None:
    append(engine, 9)
    _, cursor = read(engine, START)
    append(engine, 2, 9)
    assert places(read(engine, cursor)[0]) == ["2:1", "9:2"]


def test_a_follower_of_rare_events_does_not_read_the_others_again(engine: Engine) -> None:
    append(engine, 1, 1, 2)
    steps, cursor = read(engine, START, types=("account-closed/1",))
    assert (steps, cursor) == ([], read(engine, START)[1])
    append(engine, 1, closed=True)
    steps, _ = read(engine, cursor, types=("account-closed/1",))
    assert places(steps) == ["1:3"]


def test_a_full_page_of_rare_events_skips_none(engine: Engine) -> None:
    append(engine, 1, closed=True)
    append(engine, 1)
    append(engine, 1, closed=True)
    first, cursor = read(engine, START, limit=1, types=("account-closed/1",))
    second, _ = read(engine, cursor, limit=1, types=("account-closed/1",))
    assert places(first + second) == ["1:1", "1:3"]


def test_an_empty_bank_has_an_empty_feed(engine: Engine) -> None:
    assert read(engine, START) == ([], START)


@QUICK
@given(some.lists(some.integers(0, 2**63 - 1), min_size=PARTITIONS, max_size=PARTITIONS))
def test_a_cursor_reads_what_it_writes(positions: list[int]) -> None:
    cursor = Cursor(tuple(positions))
    assert Cursor.of(cursor.text()) == cursor


@QUICK
@given(some.text(max_size=120) | some.binary(max_size=90).map(lambda raw: raw.hex()))
def test_no_other_text_is_a_cursor(text: str) -> None:
    try:
        cursor = Cursor.of(text)
    except NotACursor:
        return
    assert len(cursor.positions) == PARTITIONS


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[:-4],
        lambda text: text + "AAAA",
        lambda text: "!" + text,
        lambda text: "B" + text[1:],
        lambda text: "/" * 88,
        lambda text: "é",
    ],
)
def test_a_spoilt_cursor_is_refused(spoil: object) -> None:
    with pytest.raises(NotACursor):
        Cursor.of(spoil(Cursor().text()))  # type: ignore[operator]
