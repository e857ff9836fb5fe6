"""Many waiting callers, one trip to the database: what has gathered while a trip was under way goes with the next.

Writes gather into one transaction, hot reads into one statement. Nothing ever waits for company: an idle
gatherer starts at once, so a lone caller pays one thread switch and nothing else. Nor does it wait long for a
crowd: bulky items travel alone, one between two groups of others, and everybody's items go in turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Generic, TypeVar

from creditbank.ledger.fairness import Turns

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[Sequence[Item]], Sequence[Result | BaseException]]
"""Answers a group in order: with a result each, or an exception to raise."""


def _nobody(_item: object) -> Hashable:
    return None


def _never(_item: object) -> bool:
    return False


class Gatherer(Generic[Item, Result]):
    """Hands groups of items to `work`, which answers each in order: with a result or an exception to raise.

    Where `work` itself raises, nothing may have come of the group: its items are then worked on one by one.
    `owner` says whose an item is, `is_bulk` whether it takes as long as a whole group.
    """

    def __init__(
        self,
        name: str,
        work: Work[Item, Result],
        limit: int,
        *,
        owner: Callable[[Item], Hashable] = _nobody,
        is_bulk: Callable[[Item], bool] = _never,
    ) -> None:
        self._work = work
        self._limit = limit
        self._is_bulk = is_bulk
        self._lock = Lock()
        self._busy = False
        self._waiting = Turns[tuple[Item, Future[Result]]](lambda waiting: owner(waiting[0]))
        self._bulk = Turns[tuple[Item, Future[Result]]](lambda waiting: owner(waiting[0]))
        self._was_bulk = False
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    def submit(self, item: Item) -> Future[Result]:
        """Queue an item. The future ends with its result or raises what befell it.

        Raises RuntimeError when the gatherer is closed. An item whose future is cancelled in time is left out.
        """
        future: Future[Result] = Future()
        with self._lock:
            if not self._busy:
                self._executor.submit(self._work_off)
                self._busy = True
            (self._bulk if self._is_bulk(item) else self._waiting).add((item, future))
        return future

    async def ask(self, item: Item) -> Result:
        return await asyncio.wrap_future(self.submit(item))

    def close(self) -> None:
        """Finish what is queued and stop the thread."""
        self._executor.shutdown(wait=True)

    def _work_off(self) -> None:
        while group := self._next_group():
            results = results_of(self._work, [item for item, _ in group])
            for (_, future), result in zip(group, results, strict=True):
                if isinstance(result, BaseException):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    def _next_group(self) -> list[tuple[Item, Future[Result]]]:
        with self._lock:
            # Turn and turn about: neither can keep the other waiting for more than one trip.
            group = [] if self._was_bulk else self._taken(self._bulk, 1)
            self._was_bulk = bool(group)
            group = group or self._taken(self._waiting, self._limit) or self._taken(self._bulk, 1)
            self._busy = bool(group)
        return group

    @staticmethod
    def _taken(line: Turns[tuple[Item, Future[Result]]], most: int) -> list[tuple[Item, Future[Result]]]:
        group: list[tuple[Item, Future[Result]]] = []
        while line and len(group) < most:
            item, future = line.next()
            # From here on it can no longer be cancelled, so that its result has a place to go.
            if future.set_running_or_notify_cancel():
                group.append((item, future))
        return group


def results_of(work: Work[Item, Result], items: Sequence[Item]) -> Sequence[Result | BaseException]:
    """The answers to a group: where one item broke it, each of them alone, so that the others do not suffer."""
    try:
        return work(items)
    except Exception as failure:  # noqa: BLE001 -- it is raised again, in the caller whom it concerns
        if len(items) == 1:
            return [failure]
        return [result for item in items for result in results_of(work, [item])]
