"""What is on a disk and what is only said to be: a tree of files that forgets at a power cut what was not synced.

A file keeps what it held when it was synced last, a directory which names it had. Of everything since, a cut lets
each sector survive by chance, in any order, as a disk does; modes and owners are always kept.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

SECTOR = 512
ROOT = 1

Survives = Callable[[], bool]
"""Asked once for each thing that was not synced: whether it reached the disk all the same."""


@dataclass(slots=True, kw_only=True)
class File:
    """Everything that is not a directory. Its mode says what it is."""

    mode: int
    uid: int
    gid: int
    modified: int
    content: bytearray = field(default_factory=bytearray)
    _kept: bytearray = field(default_factory=bytearray)
    _written: list[tuple[int, int]] = field(default_factory=list)
    _shortest: int = 0
    """The least size since the last sync: what was kept beyond it is gone."""

    @property
    def size(self) -> int:
        return len(self.content)

    def write(self, start: int, what: bytes | memoryview) -> None:
        if start > self.size:
            self.content.extend(bytes(start - self.size))
        end = start + len(what)
        self.content[start:end] = what
        if self._written and self._written[-1][1] == start:
            start = self._written.pop()[0]
        self._written.append((start, end))

    def resize(self, size: int) -> None:
        del self.content[size:]
        self.content.extend(bytes(size - self.size))
        self._shortest = min(self._shortest, size)

    def sync(self) -> None:
        self._forget_size(lambda: True)
        for start, end in self._written:
            self._kept[start:end] = self.content[start:end]
        self._begin()

    def forget(self, survives: Survives) -> None:
        self._forget_size(survives)
        for sector in self._sectors():
            if survives():
                self._kept[sector] = self.content[sector]
        self.content = bytearray(self._kept)
        self._begin()

    def _forget_size(self, survives: Survives) -> None:
        if (self._shortest < len(self._kept) or self.size != len(self._kept)) and survives():
            del self._kept[self._shortest :]
            self._kept.extend(bytes(self.size - len(self._kept)))

    def _sectors(self) -> Iterator[slice]:
        end = min(len(self._kept), self.size)
        touched = {one for start, stop in self._written for one in range(start // SECTOR, -(-min(stop, end) // SECTOR))}
        for one in sorted(touched):
            yield slice(one * SECTOR, min((one + 1) * SECTOR, end))

    def _begin(self) -> None:
        self._written.clear()
        self._shortest = self.size


@dataclass(slots=True, kw_only=True)
class Directory:
    """Names, and the numbers of what they name."""

    mode: int
    uid: int
    gid: int
    modified: int
    names: dict[bytes, int] = field(default_factory=dict)
    _kept: dict[bytes, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return 0

    def sync(self) -> None:
        self._kept = dict(self.names)

    def forget(self) -> None:
        self.names = dict(self._kept)


Node = File | Directory


@dataclass(slots=True)
class Tree:
    """All files of one disk, by their numbers."""

    nodes: dict[int, Node] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=lambda: count(ROOT + 1))

    def __post_init__(self) -> None:
        self.nodes[ROOT] = Directory(mode=stat.S_IFDIR | 0o755, uid=0, gid=0, modified=0)

    def directory(self, number: int) -> Directory:
        found = self.nodes[number]
        assert isinstance(found, Directory)
        return found

    def file(self, number: int) -> File:
        found = self.nodes[number]
        assert isinstance(found, File)
        return found

    def add(self, parent: int, name: bytes, node: Node) -> int:
        """Name something new; its number."""
        number = next(self._numbers)
        self.nodes[number] = node
        self.directory(parent).names[name] = number
        return number

    def rename(self, parent: int, name: bytes, other: int, new_name: bytes) -> None:
        self.directory(other).names[new_name] = self.directory(parent).names.pop(name)

    def sync(self) -> None:
        """Everything, as `sync` does."""
        for node in self.nodes.values():
            node.sync()

    def cut(self, survives: Survives) -> None:
        """The power is cut. Names survive all together or not at all, so that nothing is in two places by a rename."""
        if not survives():
            for node in self.nodes.values():
                if isinstance(node, Directory):
                    node.forget()
        self.nodes = dict(self._reached(ROOT))
        for node in self.nodes.values():
            if isinstance(node, File):
                node.forget(survives)
        self.sync()

    def _reached(self, number: int) -> Iterator[tuple[int, Node]]:
        node = self.nodes[number]
        yield number, node
        if isinstance(node, Directory):
            for one in node.names.values():
                yield from self._reached(one)
