"""Many waiting callers, one trip to the database: what has gathered while a trip was under way goes with the next.

Writes gather into one transaction, hot reads into one statement. Nothing ever waits for company: an idle
gatherer starts at once, so a lone caller pays one thread switch and nothing else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Gatherer(Generic[Item, Result]):
    """Hands groups of items to `work`, which answers each in order: with a result or an exception to raise."""

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
        """Queue an item. The future ends with its result or raises what befell it."""
        future: Future[Result] = Future()
        with self._lock:
            self._waiting.append((item, future))
            if not self._busy:
                self._start()
        return future

    async def ask(self, item: Item) -> Result:
        return await asyncio.wrap_future(self.submit(item))

    def close(self) -> None:
        """Finish what is queued and stop the thread."""
        while True:
            with self._lock:
                if not self._busy:
                    break
                future = self._waiting[-1][1] if self._waiting else None
            if future is not None:
                future.exception()
            self._executor.submit(int).result()
        self._executor.shutdown(wait=True)

    def _start(self) -> None:
        group = [self._waiting.popleft() for _ in range(min(self._limit, len(self._waiting)))]
        self._busy = True
        running = self._executor.submit(self._work, [item for item, _ in group])
        running.add_done_callback(partial(self._deliver, [future for _, future in group]))

    def _deliver(self, futures: Sequence[Future[Result]], done: Future[Sequence[Result | BaseException]]) -> None:
        with self._lock:
            self._busy = False
            if self._waiting:
                self._start()
        failure = done.exception()
        results = done.result() if failure is None else [failure] * len(futures)
        for future, result in zip(futures, results, strict=True):
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)
