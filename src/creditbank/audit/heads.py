"""Account heads: a tree over the last event of every stream, so that a history is proven to be told in full.

Once an epoch the log gets a leaf with the root of this tree. A history that ends with the commitment that
stands in the tree omits nothing up to then. The tree's leaves stand in the order of a keyed hash of the streams,
which tells nothing about them; the tree itself is not published.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from uuid import UUID

from sqlalchemy import Connection

from creditbank.audit.transparency import growth, merkle, records, tiles
from creditbank.audit.transparency.shelf import Shelf
from creditbank.audit.transparency.tiles import WIDTH, Tile
from creditbank.ledger import sequence

PAGE = 10_000
CHUNK = 65_536
RECORD_BYTES = 72
KEPT = 2
"""Trees of so many epochs are kept: that of a round which is not signed yet, and the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a stream stands in a tree of heads."""

    record: bytes
    index: int
    hashes: list[bytes]

    @property
    def version(self) -> int:
        return int.from_bytes(self.record[32:40], "big")

    @property
    def commitment(self) -> bytes:
        return self.record[40:]


@dataclass(frozen=True, slots=True)
class HeadTrees:
    """The trees of the last epochs, each in a folder named after the size of the log."""

    folder: Path

    def build(self, connection: Connection, salting: bytes, size: int) -> tuple[int, bytes]:
        """Make the tree of the heads as they are stored. Returns how many streams there are, and the root."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = Path(mkdtemp(prefix="draft-", dir=self.folder))
        shelf, count, root = Shelf(draft, is_durable=False), 0, merkle.EMPTY_ROOT
        for chunk in _sorted_records(connection, salting):
            root = growth.grow(shelf, count, root, chunk)
            count += len(chunk)
        try:
            draft.rename(self.folder / str(size))
        except OSError:  # it is there already: the same heads give the same tree
            shutil.rmtree(draft)
        self._forget()
        return count, root

    def find(self, stream_id: UUID, salting: bytes, size: int, streams: int) -> Head | None:
        """A stream's place in the tree of an epoch; None where it was not there yet, or the tree is not kept."""
        tag, shelf = records.head_tag(salting, stream_id), self._shelf(size)
        if not (self.folder / str(size)).is_dir():
            return None
        low, high = 0, streams
        while low < high:
            middle = (low + high) // 2
            record = _record(shelf, middle, streams)
            if record[:32] == tag:
                path = merkle.inclusion(middle, streams, tiles.reader(streams, shelf.read))
                return Head(record=record, index=middle, hashes=path)
            low, high = (middle + 1, high) if record[:32] < tag else (low, middle)
        return None

    def _shelf(self, size: int) -> Shelf:
        return Shelf(self.folder / str(size), is_durable=False)

    def _forget(self) -> None:
        sizes = sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdigit())
        for size in sizes[:-KEPT]:
            shutil.rmtree(self.folder / str(size), ignore_errors=True)


def _record(shelf: Shelf, index: int, streams: int) -> bytes:
    number, place = divmod(index, WIDTH)
    bundle = shelf.read(Tile(level=None, index=number, width=min(WIDTH, streams - number * WIDTH)))
    return tiles.unpack(bundle)[place]


def _sorted_records(connection: Connection, salting: bytes) -> Iterator[list[bytes]]:
    """The records of all streams in the order of their tags, some at a time: sorted in parts, on the disk."""
    with TemporaryDirectory(prefix="creditbank-heads-") as name:
        parts = [Path(name) / str(first) for first in range(256)]
        _spread(connection, salting, parts)
        waiting: list[bytes] = []
        for part in parts:
            if part.exists():
                content = part.read_bytes()
                waiting += sorted(content[at : at + RECORD_BYTES] for at in range(0, len(content), RECORD_BYTES))
            if len(waiting) >= CHUNK:
                yield waiting
                waiting = []
        if waiting:
            yield waiting


def _spread(connection: Connection, salting: bytes, parts: list[Path]) -> None:
    last: UUID | None = None
    while page := sequence.heads_after(connection, last, PAGE):
        spread: dict[int, list[bytes]] = {}
        for row in page:
            tag = records.head_tag(salting, row.stream_id)
            spread.setdefault(tag[0], []).append(records.head_record(tag, row.version, row.commitment))
        for first, found in spread.items():
            with parts[first].open("ab") as file:
                file.write(b"".join(found))
        last = page[-1].stream_id
