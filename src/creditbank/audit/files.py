"""The published files against themselves: every hash, from the entries up to the signed root."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice

from creditbank.audit import checking
from creditbank.audit.transparency import merkle, tiles
from creditbank.audit.transparency.checkpoints import Checkpoint
from creditbank.audit.transparency.encoding import HASH_BYTES, Malformed
from creditbank.audit.transparency.merkle import Unproven, leaf_hash
from creditbank.audit.transparency.notes import VerifierKey
from creditbank.audit.transparency.shelf import Shelf
from creditbank.audit.transparency.tiles import WIDTH, Tile

CACHED_TILES = 256
BUNDLES = 64
"""Bundles of entries that are checked at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What does not hold. `where` names an event with its partition and position, a file, or a row of the log."""

    where: str
    what: str


def check(shelf: Shelf, keys: Collection[VerifierKey]) -> tuple[Checkpoint | None, list[Fault]]:
    """The published head, and the first fault of the files that it signs: nothing but the files is needed."""
    head, faults = signed_head(shelf.checkpoint(), keys)
    if head is None:
        return None, faults
    return head, list(chain(_entries(shelf, head.size), hashes(shelf, head)))[:1]


def signed_head(note: str | None, keys: Collection[VerifierKey]) -> tuple[Checkpoint | None, list[Fault]]:
    """The head that the published checkpoint says, or why there is none: it is missing, or cannot be believed."""
    if note is None:
        return None, [Fault(where="checkpoint", what="is not there")]
    try:
        return checking.signed_checkpoint(note, keys), []
    except (Malformed, Unproven) as error:
        return None, [Fault(where="checkpoint", what=str(error))]


def beginning(shelf: Shelf, head: Checkpoint, shown: Checkpoint) -> Iterator[Fault]:
    """The checkpoint that is shown has to be that of a beginning of the log, whose files are known to be whole."""
    if shown.origin != head.origin:
        yield Fault(where="checkpoint", what=f"is that of {shown.origin}, the log is called {head.origin}")
    elif merkle.root(shown.size, tiles.reader(head.size, shelf.read)) != shown.root:
        yield Fault(where="checkpoint", what=f"is not what was signed: {shown.size} leaves have another root")


def entry_tasks(size: int) -> Iterator[range]:
    """The bundles of a log of so many leaves, some at a time."""
    bundles = -(-size // WIDTH)
    return (range(first, min(first + BUNDLES, bundles)) for first in range(0, bundles, BUNDLES))


def _entries(shelf: Shelf, size: int) -> Iterator[Fault]:
    for task in entry_tasks(size):
        yield from entries(shelf, size, task)


def entries(shelf: Shelf, size: int, bundles: range) -> list[Fault]:
    """The first fault of some bundles: each has to hold the entries whose hashes its tile holds."""
    tasks = (Tile(level=None, index=index, width=min(WIDTH, size - index * WIDTH)) for index in bundles)
    return list(islice(chain.from_iterable(_bundle(shelf, bundle) for bundle in tasks), 1))


def hashes(shelf: Shelf, head: Checkpoint) -> Iterator[Fault]:
    """What is wrong with the tiles above the entries, up to the root."""
    for tile in tiles.tiles_of(head.size):
        if tile.level:
            yield from _tile(shelf, tile, tile.level)
    try:
        root = merkle.root(head.size, tiles.reader(head.size, shelf.read))
    except (ValueError, OSError) as error:
        yield Fault(where="tiles", what=str(error))
        return
    if root != head.root:
        yield Fault(where="checkpoint", what=f"its root is not that of the first {head.size} leaves")


def _bundle(shelf: Shelf, bundle: Tile) -> Iterator[Fault]:
    """A bundle has to hold the entries whose hashes its tile holds."""
    try:
        entries = tiles.unpack(shelf.read(bundle))
        hashes = shelf.read(Tile(level=0, index=bundle.index, width=bundle.width))
    except (ValueError, OSError) as error:
        yield Fault(where=bundle.path, what=str(error))
        return
    if len(entries) != bundle.width or b"".join(map(leaf_hash, entries)) != hashes:
        yield Fault(where=bundle.path, what="its entries are not those that the tile of level 0 names")


def _tile(shelf: Shelf, tile: Tile, level: int) -> Iterator[Fault]:
    """Each hash of a tile has to be the root of the full tile below it."""
    try:
        content = shelf.read(tile)
        below = [shelf.read(Tile(level=level - 1, index=tile.index * WIDTH + place)) for place in range(tile.width)]
    except (ValueError, OSError) as error:
        yield Fault(where=tile.path, what=str(error))
        return
    if len(content) != tile.width * HASH_BYTES or any(len(part) != WIDTH * HASH_BYTES for part in below):
        yield Fault(where=tile.path, what="it, or a tile below it, does not hold as many hashes as it should")
        return
    if b"".join(tiles.subtree(tiles.split(part)) for part in below) != content:
        yield Fault(where=tile.path, what="its hashes are not the roots of the tiles below it")


class Leaves:
    """The published leaf hashes, by index; some tiles are kept."""

    def __init__(self, shelf: Shelf, size: int) -> None:
        self._size = size
        self._tile = lru_cache(maxsize=CACHED_TILES)(shelf.read)

    def between(self, first: int, count: int) -> Iterator[bytes]:
        """The hashes of leaves that follow one another, tile by tile."""
        end = first + count
        while first < end:
            number, place = divmod(first, WIDTH)
            taken = min(WIDTH - place, end - first)
            yield self._content(number)[place * HASH_BYTES : (place + taken) * HASH_BYTES]
            first += taken

    def __getitem__(self, index: int) -> bytes:
        number, place = divmod(index, WIDTH)
        return self._content(number)[place * HASH_BYTES : (place + 1) * HASH_BYTES]

    def _content(self, number: int) -> bytes:
        return self._tile(Tile(level=0, index=number, width=min(WIDTH, self._size - number * WIDTH)))
