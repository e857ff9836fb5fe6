"""Gathering: those who wait go together, each with their own answer, and nobody is left waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from threading import Event

import pytest

from creditbank.ledger.gather import Gatherer

PATIENCE = 5
"""Seconds after which a caller counts as left behind."""


class Trips:
    """Work that doubles numbers. 0 keeps it under way until the gate opens; a negative number fails the trip."""

    def __init__(self) -> None:
        self.made: list[list[int]] = []
        self.under_way = Event()
        self.gate = Event()

    def __call__(self, numbers: Sequence[int]) -> list[int | BaseException]:
        self.made.append(list(numbers))
        if 0 in numbers:
            self.under_way.set()
            assert self.gate.wait(PATIENCE)
        if any(number < 0 for number in numbers):
            raise ZeroDivisionError(str(min(numbers)))
        return [ValueError("odd") if number % 2 else number * 2 for number in numbers]


@contextmanager
def gatherer(work: Callable[[Sequence[int]], Sequence[int | BaseException]], limit: int = 10) -> Iterator[Gatherer]:
    one = Gatherer[int, int]("test", work, limit)
    yield one
    one.close()


def waiting_behind_a_trip(one: Gatherer, trips: Trips, *numbers: int) -> list[Future[int]]:
    """Submit numbers while a trip is under way, and let it end."""
    one.submit(0)
    assert trips.under_way.wait(PATIENCE)
    futures = [one.submit(number) for number in numbers]
    trips.gate.set()
    return futures


def test_a_lone_caller_starts_at_once() -> None:
    trips = Trips()
    with gatherer(trips) as one:
        assert one.submit(2).result(PATIENCE) == 4
    assert trips.made == [[2]]


def test_who_comes_while_a_trip_is_under_way_goes_with_the_next_as_far_as_there_is_room() -> None:
    trips = Trips()
    with gatherer(trips, limit=3) as one:
        futures = waiting_behind_a_trip(one, trips, 2, 4, 6, 8)
        assert [future.result(PATIENCE) for future in futures] == [4, 8, 12, 16]
    assert trips.made == [[0], [2, 4, 6], [8]]


def test_bulky_items_travel_alone_and_others_are_let_in_between_two_of_them() -> None:
    trips = Trips()
    one = Gatherer[int, int]("test", trips, 3, is_bulk=lambda number: number >= 100)
    futures = waiting_behind_a_trip(one, trips, 100, 102, 104, 2, 4, 6, 8)
    assert [future.result(PATIENCE) for future in futures] == [200, 204, 208, 4, 8, 12, 16]
    one.close()
    assert trips.made == [[0], [100], [2, 4, 6], [102], [8], [104]]


def test_owners_go_in_turn() -> None:
    trips = Trips()
    one = Gatherer[int, int]("test", trips, 2, owner=lambda number: number // 10)
    futures = waiting_behind_a_trip(one, trips, 10, 12, 14, 20, 30)
    assert [future.result(PATIENCE) for future in futures] == [20, 24, 28, 40, 60]
    one.close()
    assert trips.made == [[0], [10, 20], [30, 12], [14]]


def test_each_caller_gets_their_own_answer_or_refusal() -> None:
    trips = Trips()
    with gatherer(trips) as one:
        fine, refused, also_fine = waiting_behind_a_trip(one, trips, 2, 3, 4)
        assert (fine.result(PATIENCE), also_fine.result(PATIENCE)) == (4, 8)
        with pytest.raises(ValueError, match="odd"):
            refused.result(PATIENCE)


def test_an_unexpected_failure_reaches_only_the_caller_whom_it_concerns() -> None:
    trips = Trips()
    with gatherer(trips) as one:
        fine, failed, also_fine = waiting_behind_a_trip(one, trips, 2, -1, 4)
        assert (fine.result(PATIENCE), also_fine.result(PATIENCE)) == (4, 8)
        with pytest.raises(ZeroDivisionError):
            failed.result(PATIENCE)
    assert trips.made == [[0], [2, -1, 4], [2], [-1], [4]]


def test_work_that_ends_before_its_caller_looks_up_holds_nobody() -> None:
    """Ten thousand trips so short that each may be over before the submission is."""
    with gatherer(lambda numbers: list(numbers)) as one:
        futures = [one.submit(number) for number in range(10_000)]
        assert [future.result(PATIENCE) for future in futures] == list(range(10_000))


def test_closing_finishes_what_is_queued() -> None:
    trips = Trips()
    with gatherer(trips, limit=2) as one:
        futures = waiting_behind_a_trip(one, trips, 2, 4, 6, 8, 10)
        one.close()
        assert [future.result(timeout=0) for future in futures] == [4, 8, 12, 16, 20]


def test_a_closed_gatherer_takes_nobody_in_rather_than_let_them_wait() -> None:
    with gatherer(Trips()) as one:
        one.close()
        for _ in range(2):
            with pytest.raises(RuntimeError):
                one.submit(2)


def test_a_caller_who_gives_up_is_left_out_and_nobody_else_notices() -> None:
    trips = Trips()
    with gatherer(trips) as one:
        one.submit(0)
        assert trips.under_way.wait(PATIENCE)
        gone, stayed = one.submit(2), one.submit(4)
        gone.cancel()
        trips.gate.set()
        assert stayed.result(PATIENCE) == 8
        with pytest.raises(CancelledError):
            gone.result(PATIENCE)
    assert trips.made == [[0], [4]]


def test_a_task_that_is_cancelled_under_way_leaves_the_others_their_answers() -> None:
    trips = Trips()

    async def scenario(one: Gatherer) -> int:
        gone, stayed = asyncio.ensure_future(one.ask(0)), asyncio.ensure_future(one.ask(2))
        await asyncio.to_thread(trips.under_way.wait, PATIENCE)
        gone.cancel()
        trips.gate.set()
        return await asyncio.wait_for(stayed, PATIENCE)

    with gatherer(trips) as one:
        assert asyncio.run(scenario(one)) == 4
