"""Where the rate limits keep their counters: a storage of the library `limits` that stays small and starts no threads.

The library's own storage in memory keeps a counter for everybody who came within the window, however many they
are, and starts a thread up to a hundred times a second that walks over all of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from limits.storage import Storage

CAPACITY = 50_000
"""Counters of one limit. Who comes beyond takes the place of the one whose window began longest ago."""


class RecentCounters(Storage):
    """What a fixed window needs: a number per key, which begins anew when its time is over.

    Instants are seconds of the given clock. Not for several threads: the event loop counts.
    """

    STORAGE_SCHEME = ["recent"]

    def __init__(
        self,
        uri: str | None = None,
        wrap_exceptions: bool = False,
        *,
        capacity: int = CAPACITY,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__(uri, wrap_exceptions)
        self.clock = clock
        self._capacity = capacity
        self._counters: OrderedDict[str, tuple[int, float]] = OrderedDict()
        """Count and end of its window, in the order in which the windows began."""

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = self.clock()
        count, end = self._counters.get(key, (0, now))
        if end <= now:
            self._counters.pop(key, None)
            self._make_room(now)
            count, end = 0, now + expiry
        self._counters[key] = (count + amount, end)
        return count + amount

    def get(self, key: str) -> int:
        count, end = self._counters.get(key, (0, 0.0))
        return count if end > self.clock() else 0

    def get_expiry(self, key: str) -> float:
        now = self.clock()
        return max(now, self._counters.get(key, (0, now))[1])

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        forgotten = len(self._counters)
        self._counters.clear()
        return forgotten

    def clear(self, key: str) -> None:
        self._counters.pop(key, None)

    def _make_room(self, now: float) -> None:
        """For every counter that begins, two that are over can go: so none stays long, and nobody waits for it."""
        for _ in range(2):
            oldest = next(iter(self._counters), None)
            if oldest is not None and (self._counters[oldest][1] <= now or len(self._counters) >= self._capacity):
                del self._counters[oldest]
