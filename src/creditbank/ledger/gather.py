"""Many waiting callers, one trip to the database: what has gathered while a trip was under way goes with the next.

Writes gather into one transaction, hot reads into one statement. Nothing ever waits for company: an idle
gatherer starts at once, so a lone caller pays one thread switch and nothing else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Gatherer(Generic[Item, Result]):
    """Hands groups of items to `work`, which answers each in order: with a result or an exception to raise.

    Where `work` itself raises, nothing may have come of the group: its items are then worked on one by one.
    """

    def __init__(
        self, name: str, work: Callable[[Sequence[Item]], Sequence[Result | BaseException]], limit: int
    ) -> None:
        self._work = work
        self._limit = limit
        self._lock = Lock()
        self._busy = False
        self._waiting: deque[tuple[Item, Future[Result]]] = deque()
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
            self._waiting.append((item, future))
        return future

    async def ask(self, item: Item) -> Result:
        return await asyncio.wrap_future(self.submit(item))

    def close(self) -> None:
        """Finish what is queued and stop the thread."""
        self._executor.shutdown(wait=True)

    def _work_off(self) -> None:
        while group := self._next_group():
            for (_, future), result in zip(group, self._results([item for item, _ in group]), strict=True):
                if isinstance(result, BaseException):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    def _next_group(self) -> list[tuple[Item, Future[Result]]]:
        group: list[tuple[Item, Future[Result]]] = []
        with self._lock:
            while self._waiting and len(group) < self._limit:
                item, future = self._waiting.popleft()
                # From here on it can no longer be cancelled, so that its result has a place to go.
                if future.set_running_or_notify_cancel():
                    group.append((item, future))
            self._busy = bool(group)
        return group

    def _results(self, items: Sequence[Item]) -> Sequence[Result | BaseException]:
        try:
            return self._work(items)
        except Exception as failure:  # noqa: BLE001 -- it is raised again, in the caller whom it concerns
            if len(items) == 1:
                return [failure]
            return [result for item in items for result in self._results([item])]
