"""Verification step by step: the stored history against the published files, with every fault by its name.

The rounds of the log and what was signed are always looked at so; events in `sweep`, and here only
where one of them is known to be wrong, in the order of their positions. The first fault is named by its event.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from creditbank.audit import checking
from creditbank.audit.files import Fault, Leaves
from creditbank.audit.publisher import commitment_of
from creditbank.audit.transparency import merkle, records, tiles
from creditbank.audit.transparency.checkpoints import Checkpoint
from creditbank.audit.transparency.encoding import Malformed
from creditbank.audit.transparency.merkle import Unproven, leaf_hash
from creditbank.audit.transparency.notes import VerifierKey
from creditbank.audit.transparency.shelf import Shelf
from creditbank.domain.values import partition_of
from creditbank.ledger import log, sequence
from creditbank.ledger.sequence import Epoch, Seal, Stretch

CHECKPOINTS = 500
"""Signed checkpoints after which the tiles that they were looked up in are forgotten."""


@dataclass(slots=True, kw_only=True)
class History:
    """Compares stored history with the published leaves, one thing after the other."""

    shelf: Shelf
    salting: bytes = field(repr=False)
    keys: Collection[VerifierKey]
    head: Checkpoint

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
        for stretch in sequence.stretches_of(connection, partition_id, self.head.size - 1):
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
                commitment = _commitment(self.salting, row, previous)
                if commitment is None or leaves[index] != leaf_hash(records.event_entry(commitment)):
                    yield Fault(where=where, what="is not what was published")
                before[row.stream_id] = (row.version, commitment or b"")
                position = row.position + 1
            if position != stretch.first_position + stretch.count:
                yield Fault(where=f"event {stretch.partition_id}:{position}", what="is missing")
        yield from _heads(connection, before)


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
