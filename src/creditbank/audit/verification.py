"""Verification: the published files against themselves, and the stored history against the published files.

Everything is recomputed, in the order of the partitions, with memory for one partition's streams and some tiles.
The first fault is named by event and partition.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from creditbank.audit import checking
from creditbank.audit.publisher import commitment_of
from creditbank.audit.transparency import merkle, records, tiles
from creditbank.audit.transparency.checkpoints import Checkpoint
from creditbank.audit.transparency.encoding import HASH_BYTES, Malformed
from creditbank.audit.transparency.merkle import Unproven, leaf_hash
from creditbank.audit.transparency.notes import VerifierKey
from creditbank.audit.transparency.shelf import Shelf
from creditbank.audit.transparency.tiles import WIDTH, Tile
from creditbank.domain.values import PARTITIONS, partition_of
from creditbank.ledger import log, sequence
from creditbank.ledger.sequence import Epoch, Seal, Stretch

Progress = Callable[[int, int], None]
CACHED_TILES = 256
BUNDLES = 64
"""Bundles of entries that are checked at once."""
CHECKPOINTS = 500
"""Signed checkpoints after which the tiles that they were looked up in are forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What does not hold. `where` names an event with its partition and position, a file, or a row of the log."""

    where: str
    what: str


def files(shelf: Shelf, keys: Collection[VerifierKey]) -> tuple[Checkpoint | None, list[Fault]]:
    """The published head, and the first fault of the files that it signs: nothing but the files is needed."""
    head, faults = signed_head(shelf, keys)
    if head is None:
        return None, faults
    return head, list(chain(_entries(shelf, head.size), hashes(shelf, head)))[:1]


def signed_head(shelf: Shelf, keys: Collection[VerifierKey]) -> tuple[Checkpoint | None, list[Fault]]:
    """The published head, unless nothing is published, or what is cannot be believed."""
    note = shelf.checkpoint()
    if note is None:
        return None, []
    try:
        return checking.signed_checkpoint(note, keys), []
    except (Malformed, Unproven) as error:
        return None, [Fault(where="checkpoint", what=str(error))]


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
    except OSError as error:
        yield Fault(where=tile.path, what=str(error))
        return
    if b"".join(tiles.subtree(tiles.split(part)) for part in below) != content:
        yield Fault(where=tile.path, what="its hashes are not the roots of the tiles below it")


@dataclass(slots=True, kw_only=True)
class History:
    """Compares stored history with the published leaves, partition by partition."""

    shelf: Shelf
    salting: bytes = field(repr=False)
    keys: Collection[VerifierKey]
    head: Checkpoint
    verified: int = 0
    unpublished: int = 0

    def faults(self, connection: Connection, progress: Progress | None = None) -> Iterator[Fault]:
        """Every event under the checkpoint has to be there, unchanged and at its place."""
        yield from self.order(connection)
        yield from self.signatures(connection)
        heads = log.heads(connection)
        for partition_id in range(PARTITIONS):
            before = self.verified
            yield from self.partition(connection, partition_id)
            self.unpublished += max(0, heads.get(partition_id, 0) - (self.verified - before))
            if progress:
                progress(self.verified, self.head.size)

    def last(self, connection: Connection) -> int:
        """The last leaf that is signed. It need not be shown yet, as while witnesses are silent; the heads of the
        streams know of it.
        """
        return max(self.head.size, sequence.tree(connection).published) - 1

    def order(self, connection: Connection) -> Iterator[Fault]:
        """Stretches, epochs and seals have to cover all indexes, and each partition from its first position on."""
        leaves, last = Leaves(self.shelf, self.head.size), self.head.size - 1
        epochs = {one.index: one for one in sequence.epochs_between(connection, 0, last)}
        stretches, seals = sequence.stretches(connection, last), sequence.seals(connection, last)
        stretch, seal = next(stretches, None), next(seals, None)
        index, number, ends = 0, 1, dict[int, int]()
        while index <= last:
            if stretch is not None and stretch.first_index == index:
                is_next = stretch.first_position == ends.get(stretch.partition_id, 0) + 1 and stretch.count > 0
                if not is_next or stretch.round != number:
                    where = f"partition {stretch.partition_id} from position {stretch.first_position}"
                    yield Fault(where=where, what="the rounds of the log do not follow one another")
                    return
                ends[stretch.partition_id] = stretch.first_position + stretch.count - 1
                index, stretch = index + stretch.count, next(stretches, None)
                continue
            here = seal if seal is not None and seal.index == index else None
            entry, where = self._other_entry(epochs.pop(index, None), here, ends)
            if entry is None or leaves[index] != leaf_hash(entry):
                yield Fault(where=where or f"leaf {index} of the log", what="is not what was published")
                return
            if here is not None:
                number, seal = number + 1, next(seals, None)
            index += 1
        if stretch or epochs or seal:
            yield Fault(where="rounds of the log", what="name leaves that lie within others")

    def _other_entry(self, epoch: Epoch | None, seal: Seal | None, ends: dict[int, int]) -> tuple[bytes | None, str]:
        """The entry of a leaf that is no event, and what it is called."""
        if epoch is not None:
            return records.heads_entry(epoch.streams, epoch.root, epoch.size), f"account heads at leaf {epoch.index}"
        if seal is None:
            return None, ""
        where = f"seal of round {seal.round}"
        if seal.heads != records.heads_text(seal.round, ends):
            return None, where
        salt = records.seal_salt(self.salting, seal.round)
        return records.seal_entry(records.seal_commitment(salt, seal.heads)), where

    def signatures(self, connection: Connection) -> Iterator[Fault]:
        """Every checkpoint that was ever signed has to be the head of a beginning of the log."""
        tree = sequence.tree(connection)
        largest = 0
        for number, signed in enumerate(sequence.checkpoints(connection)):
            if number % CHECKPOINTS == 0:
                hashes = tiles.reader(self.head.size, self.shelf.read)
            where = f"signed checkpoint of {signed.size} leaves"
            try:
                head = checking.signed_checkpoint(signed.note, self.keys)
            except (Malformed, Unproven) as error:
                yield Fault(where=where, what=str(error))
                continue
            if (head.size, head.root) != (signed.size, signed.root):
                yield Fault(where=where, what="is another one than its row says")
            if head.size <= self.head.size and merkle.root(head.size, hashes) != head.root:
                yield Fault(where=where, what="is not the head of what is published")
            largest = head.size
        if not self.head.size <= largest == tree.published <= tree.size:
            yield Fault(where="tree of the log", what=f"{tree}, but {largest} leaves are signed")

    def partition(self, connection: Connection, partition_id: int) -> Iterator[Fault]:
        """Every published event of a partition, in order, and the last one of each stream in it."""
        leaves = Leaves(self.shelf, self.head.size)
        before: dict[UUID, tuple[int, bytes]] = {}
        for stretch in sequence.stretches_of(connection, partition_id, self.last(connection)):
            position = stretch.first_position
            for row in _rows(connection, stretch):
                if isinstance(row, Fault):
                    yield row
                    return
                where = f"event {row.partition_id}:{row.position} ({row.type} of {row.stream_id})"
                version, previous = before.get(row.stream_id, (0, None))
                if row.position != position:
                    yield Fault(where=f"event {stretch.partition_id}:{position}", what="is missing")
                if row.version != version + 1:
                    yield Fault(where=where, what=f"is version {row.version} behind version {version}")
                index = stretch.first_index + row.position - stretch.first_position
                commitment, is_shown = _commitment(self.salting, row, previous), index < self.head.size
                entry = None if commitment is None else records.event_entry(commitment)
                if entry is None or (is_shown and leaves[index] != leaf_hash(entry)):
                    yield Fault(where=where, what="is not what was published")
                before[row.stream_id] = (row.version, commitment or b"")
                position = row.position + 1
                self.verified += is_shown
            if position != stretch.first_position + stretch.count:
                yield Fault(where=f"event {stretch.partition_id}:{position}", what="is missing")
        yield from _heads(connection, before)


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


def _commitment(salting: bytes, row: Any, previous: bytes | None) -> bytes | None:
    """None for an event that is not even text any more."""
    try:
        return commitment_of(salting, row, previous)
    except (UnicodeError, OverflowError):
        return None


def _rows(connection: Connection, stretch: Stretch) -> Iterator[Any]:
    """The stored events of a stretch, or a fault where one of them cannot even be read."""
    after, last = stretch.first_position - 1, stretch.first_position + stretch.count - 1
    limit = log.PAGE
    while after < last:
        try:
            page = log.stored(connection, stretch.partition_id, after, last, limit)
        except (ValueError, DBAPIError):
            if limit == 1:
                yield Fault(where=f"event {stretch.partition_id}:{after + 1}", what="cannot be read")
                return
            limit = 1  # one by one, to name the one
            continue
        if not page:
            return
        yield from page
        after = page[-1].position


def _heads(connection: Connection, streams: dict[UUID, tuple[int, bytes]]) -> Iterator[Fault]:
    stored = {
        row.stream_id: (row.partition_id, row.version, row.commitment) for row in sequence.heads(connection, streams)
    }
    for stream_id, (version, commitment) in streams.items():
        if stored.get(stream_id) != (partition_of(stream_id), version, commitment):
            yield Fault(where=f"head of {stream_id} in the log", what="is not its last event")
