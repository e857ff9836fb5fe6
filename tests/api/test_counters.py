"""Counters begin anew when their time is over, and there are never more of them than was allowed."""

from __future__ import annotations

import threading

import pytest
from limits.storage import storage_from_string

from creditbank.api.counters import RecentCounters
from tests.api.seconds import Seconds


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


def test_a_counter_begins_anew_when_its_window_is_over(clock: Seconds) -> None:
    counters = RecentCounters(clock=clock)
    assert [counters.incr("a", 60), counters.incr("a", 60, 5)] == [1, 6]
    clock.now += 59.9
    assert (counters.get("a"), counters.get_expiry("a")) == (6, 660.0)
    clock.now = 660.0
    assert (counters.get("a"), counters.get_expiry("a")) == (0, 660.0)
    assert counters.incr("a", 60) == 1
    assert counters.get_expiry("a") == 720.0


def test_beyond_the_capacity_the_oldest_window_gives_way(clock: Seconds) -> None:
    counters = RecentCounters(capacity=3, clock=clock)
    for key in "abcd":
        clock.now += 1
        counters.incr(key, 60)
        counters.incr("b", 60)
    assert [counters.get(key) for key in "abcd"] == [0, 5, 1, 1]


def test_what_is_over_is_forgotten_as_others_come(clock: Seconds) -> None:
    counters = RecentCounters(clock=clock)
    for number in range(100):
        counters.incr(str(number), 60)
    clock.now += 60
    for number in range(100, 150):
        counters.incr(str(number), 60)
    assert counters.reset() == 50


def test_a_counter_can_be_cleared(clock: Seconds) -> None:
    counters = RecentCounters(clock=clock)
    counters.incr("a", 60)
    counters.incr("b", 60)
    counters.clear("a")
    assert [counters.get("a"), counters.get("b"), counters.check()] == [0, 1, True]


def test_the_library_finds_it_by_its_scheme_and_it_starts_no_thread() -> None:
    before = threading.active_count()
    counters = storage_from_string("recent://")
    assert isinstance(counters, RecentCounters)
    for number in range(1000):
        counters.incr(str(number), 60)
    assert threading.active_count() == before
