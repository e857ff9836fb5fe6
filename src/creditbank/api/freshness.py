"""What the database says about credentials, remembered for so long as it may be believed without asking again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

FRESH_MICROSECONDS = 1_500_000
"""How long an answer is believed: what was revoked works no longer than this, in whatever process."""

REMEMBERED = 10_000

Answer = TypeVar("Answer")


class Remembered(Generic[Answer]):
    """Answers by name. Each is asked for at most once in a while, and once for all who wait for it."""

    def __init__(self, find: Callable[[str], Answer], clock: Callable[[], int]) -> None:
        self._find = find
        self._clock = clock
        self._known: dict[str, tuple[Answer, int]] = {}
        self._asking: dict[str, asyncio.Future[Answer]] = {}

    async def get(self, name: str) -> Answer:
        """The answer as it was a moment ago. Raises what `find` raises, which is not remembered."""
        known, now = self._known.get(name), self._clock()
        # A clock that was set back would make what is old look new for as long as it was set back.
        if known is None or not 0 <= now - known[1] <= FRESH_MICROSECONDS:
            known = (await self._ask(name), now)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[name] = known
        return known[0]

    def forget_name(self, name: str) -> None:
        """Ask again about one."""
        self._known.pop(name, None)

    def forget(self, matches: Callable[[Answer], bool]) -> None:
        """Ask again about those that have just changed."""
        self._known = {name: known for name, known in self._known.items() if not matches(known[0])}

    async def _ask(self, name: str) -> Answer:
        # One question for all who come with the same: a database that is slow to answer is not asked by each.
        asking = self._asking.get(name)
        if asking is None:
            asking = asyncio.ensure_future(asyncio.to_thread(self._find, name))
            self._asking[name] = asking
            asking.add_done_callback(lambda _: self._asking.pop(name))
        return await asyncio.shield(asking)
