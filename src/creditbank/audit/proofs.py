"""Proofs for those who hold an event: that it stands in the public log, and that its stream is told in full."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection, Engine

from creditbank.audit import checking
from creditbank.audit.heads import Head, HeadTrees
from creditbank.audit.publisher import record_of
from creditbank.audit.transparency import merkle, records, tiles
from creditbank.audit.transparency.checkpoints import Proof
from creditbank.audit.transparency.shelf import Shelf
from creditbank.ledger import log, sequence
from creditbank.ledger.sequence import Epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An event with what opens its entry: the canonical record, and its salt."""

    record: str
    salt: bytes

    @property
    def commitment(self) -> bytes:
        return records.event_commitment(self.salt, self.record)

    @property
    def extra(self) -> bytes:
        """What a proof carries beside the hashes, so that nothing else is needed to check it."""
        return records.canonical({"record": self.record, "salt": records.short(self.salt)}).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """That a history was told in full at a size of the log: its head among all heads, and their leaf in the log."""

    epoch: Epoch
    head: Head
    hashes: list[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prover:
    """Makes proofs under the checkpoint that is published at the moment."""

    engine: Engine
    shelf: Shelf
    trees: HeadTrees
    salting: bytes = field(repr=False)

    def event(self, stream_id: UUID, version: int) -> str | None:
        """The `.tlog-proof` of an event, None while no checkpoint covers it."""
        found = self._prove(stream_id, first=version, last=version)
        return str(found[0]) if found else None

    def stream(self, stream_id: UUID) -> list[Proof]:
        """The proofs of a stream's events, the first event first, as far as the checkpoint covers them."""
        return self._prove(stream_id, first=1, last=None)

    def _prove(self, stream_id: UUID, first: int, last: int | None) -> list[Proof]:
        """Those of the versions from `first` to `last`. The records before them are read, since each names the last."""
        note = self.shelf.checkpoint()
        if note is None:
            return []
        size = checking.head_of(note).size
        hashes = tiles.reader(size, self.shelf.read)
        proofs = []
        with self.engine.connect() as connection, connection.begin():
            for opened, index in self._opened(connection, stream_id, last)[first - 1 :]:
                if index is None or index >= size:
                    break
                path = merkle.inclusion(index, size, hashes)
                proofs.append(Proof(index=index, hashes=path, checkpoint=note, extra=opened.extra))
        return proofs

    def complete(self, stream_id: UUID, size: int) -> Complete | None:
        """Under a checkpoint of this size, the proof of the last epoch; None before the first that has the stream."""
        with self.engine.connect() as connection, connection.begin():
            epoch = sequence.last_epoch(connection, size)
        if epoch is None:
            return None
        head = self.trees.find(stream_id, self.salting, epoch.size, epoch.streams)
        if head is None:
            return None
        hashes = merkle.inclusion(epoch.index, size, tiles.reader(size, self.shelf.read))
        return Complete(epoch=epoch, head=head, hashes=hashes)

    def _opened(self, connection: Connection, stream_id: UUID, upto: int | None) -> list[tuple[Opened, int | None]]:
        previous: bytes | None = None
        found: list[tuple[Opened, int | None]] = []
        for row in log.stored_stream(connection, stream_id, upto):
            opened = Opened(
                record=record_of(row, previous).text,
                salt=records.event_salt(self.salting, row.stream_id.bytes, row.version),
            )
            found.append((opened, sequence.index_of(connection, row.partition_id, row.position)))
            previous = opened.commitment
        return found
