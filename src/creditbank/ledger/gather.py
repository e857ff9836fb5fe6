"""Many waiting callers, one trip to the database: what has gathered while a trip was under way goes with the next.

Writes gather into one transaction, hot reads into one statement. Nothing ever waits for company: an idle
gatherer starts at once, so a lone caller pays one thread switch and nothing else. Nor does it wait long for a
crowd: bulky items travel alone, one between two groups of others, and everybody's items go in turn.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any, Generic, NamedTuple, TypeVar

from creditbank.ledger.fairness import Turns

Item = TypeVar("Item")
Result = TypeVar("Result")


def _nobody(_item: object) -> Hashable:
    return None


def _never(_item: object) -> bool:
    return False


class _Waiting(NamedTuple, Generic[Item]):
    """An item, and where its result goes: a future of a thread, or of an event loop."""

    item: Item
    future: Future[Any] | asyncio.Future[Any]

    def taken(self) -> bool:
        """Whether its caller still waits. From here on a thread's future can no longer be cancelled."""
        if isinstance(self.future, Future):
            return self.future.set_running_or_notify_cancel()
        return not self.future.cancelled()


class Gatherer(Generic[Item, Result]):
    """Hands groups of items to `work`, which answers each in order: with a result or an exception to raise.

    Where `work` itself raises, nothing may have come of the group: its items are then worked on one by one.
    `owner` says whose an item is, `is_bulk` whether it takes as long as a whole group.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Sequence[Item]], Sequence[Result | BaseException]],
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
        self._waiting = Turns[_Waiting[Item]](lambda waiting: owner(waiting.item))
        self._bulk = Turns[_Waiting[Item]](lambda waiting: owner(waiting.item))
        self._was_bulk = False
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    def submit(self, item: Item) -> Future[Result]:
        """Queue an item. The future ends with its result or raises what befell it.

        Raises RuntimeError when the gatherer is closed. An item whose future is cancelled in time is left out.
        """
        future: Future[Result] = Future()
        self._add(_Waiting(item, future))
        return future

    async def ask(self, item: Item) -> Result:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._add(_Waiting(item, future))
        return await future

    def _add(self, waiting: _Waiting[Item]) -> None:
        with self._lock:
            if not self._busy:
                self._executor.submit(self._work_off)
                self._busy = True
            (self._bulk if self._is_bulk(waiting.item) else self._waiting).add(waiting)

    def close(self) -> None:
        """Finish what is queued and stop the thread."""
        self._executor.shutdown(wait=True)

    def _work_off(self) -> None:
        while group := self._next_group():
            _hand_out(group, self._results([waiting.item for waiting in group]))

    def _next_group(self) -> list[_Waiting[Item]]:
        with self._lock:
            # Turn and turn about: neither can keep the other waiting for more than one trip.
            group = [] if self._was_bulk else self._taken(self._bulk, 1)
            self._was_bulk = bool(group)
            group = group or self._taken(self._waiting, self._limit) or self._taken(self._bulk, 1)
            self._busy = bool(group)
        return group

    @staticmethod
    def _taken(line: Turns[_Waiting[Item]], most: int) -> list[_Waiting[Item]]:
        group: list[_Waiting[Item]] = []
        while line and len(group) < most:
            waiting = line.next()
            if waiting.taken():
                group.append(waiting)
        return group

    def _results(self, items: Sequence[Item]) -> Sequence[Result | BaseException]:
        try:
            return self._work(items)
        except Exception as failure:  # noqa: BLE001 -- it is raised again, in the caller whom it concerns
            if len(items) == 1:
                return [failure]
            return [result for item in items for result in self._results([item])]


def _hand_out(group: Sequence[_Waiting[Any]], results: Sequence[Any]) -> None:
    """Give each its result. A loop is woken once for all who wait in it: to wake it costs more than to answer."""
    of_loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = defaultdict(list)
    for (_, future), result in zip(group, results, strict=True):
        if isinstance(future, Future):
            _settle(future, result)
        else:
            of_loops[future.get_loop()].append((future, result))
    for loop, answered in of_loops.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle_all, answered)


def _settle_all(answered: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in answered:
        if not future.done():
            _settle(future, result)


def _settle(future: Future[Any] | asyncio.Future[Any], result: Any) -> None:
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)
