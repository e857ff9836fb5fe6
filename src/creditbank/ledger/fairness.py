"""A waiting line in which everybody's items go in turn: who brings a thousand does not hold up who brings one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Turns(Generic[Item]):
    """Items by their owner: those of one owner in their order, and one of each owner in turn. For one thread."""

    def __init__(self, owner: Callable[[Item], Hashable]) -> None:
        self._owner = owner
        self._lines: dict[Hashable, deque[Item]] = {}

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, item: Item) -> None:
        self._lines.setdefault(self._owner(item), deque()).append(item)

    def next(self) -> Item:
        """Take the next item out. Raises StopIteration where there is none."""
        owner = next(iter(self._lines))
        line = self._lines.pop(owner)
        item = line.popleft()
        if line:
            self._lines[owner] = line  # behind everybody else
        return item
