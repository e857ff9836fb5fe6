"""The publisher: puts new events into the public log, and signs what it has read back.

A round has three steps, each of which may be broken off and done again: give the new events their indexes
(committed first, so that they are final), write tiles and bundles from them, and sign the root that the written
files give. One process at a time: the row of the tree is locked while a step decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine

from creditbank.audit import checking, guard
from creditbank.audit.cosigning import Cosigners
from creditbank.audit.heads import HeadTrees
from creditbank.audit.transparency import growth, merkle, notes, records
from creditbank.audit.transparency.checkpoints import Checkpoint
from creditbank.audit.transparency.notes import Note, VerifierKey
from creditbank.audit.transparency.records import Record
from creditbank.audit.transparency.shelf import CHECKPOINT, KEYS, Forked, Shelf
from creditbank.ledger import log, sequence
from creditbank.ledger.database import snapshot, writing
from creditbank.ledger.sequence import Epoch, Seal, Tree

EPOCH_SECONDS = 3_600
"""How often the log commits to the last event of every stream."""

ROUND_LIMIT = 5_000
"""Events in one round: what is in memory at once, and how long a round holds the tree, and on SQLite the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Publishes the log of one bank. `clock` gives microseconds since 1970 UTC."""

    engine: Engine
    shelf: Shelf
    signing: tuple[Ed25519PrivateKey, ...] = field(repr=False)
    salting: bytes = field(repr=False)
    trees: HeadTrees
    origin: str
    clock: Callable[[], int]
    cosigners: Cosigners | None = None
    epoch_seconds: int = EPOCH_SECONDS

    def verifier_keys(self) -> list[VerifierKey]:
        return [notes.key_of(key, self.origin) for key in self.signing]

    def stop(self) -> None:
        """Keep nobody waiting for a witness any more."""
        if self.cosigners is not None:
            self.cosigners.stop()

    def open(self) -> None:
        """Show the keys, and write the files anew where there are none: all of them follow from history.

        Raises Forked where a witness remembers more than the database holds: nothing may be signed on it.
        """
        if self.cosigners is not None:
            remembered = self.cosigners.highest(self.origin, self.verifier_keys())
            with self.engine.connect() as connection, connection.begin():
                if (lacking := guard.missing(connection, self.shelf, remembered)) is not None:
                    raise Forked(lacking)
        self.shelf.replace(KEYS, "".join(f"{key}\n" for key in self.verifier_keys()))
        if self.shelf.checkpoint() is None:
            self._write_anew()

    def _write_anew(self) -> None:
        with snapshot(self.engine) as connection:
            tree, size, root = sequence.tree(connection), 0, merkle.EMPTY_ROOT
            before: dict[UUID, bytes] = {}
            for seal in sequence.seals(connection, tree.published - 1):
                entries, heads = self.entries(connection, size, seal.index, before)
                before.update({stream_id: head[2] for stream_id, head in heads.items()})
                root = growth.grow(self.shelf, size, root, entries)
                size = seal.index + 1
            if tree.published and root != self._signed_root(connection, tree):
                raise Forked(f"history does not give the root that was signed for {tree.published} leaves")
        self._show()

    def publish(self) -> Checkpoint | None:
        """One round: finish what was begun, else take what is new. None where there is nothing to publish.

        Raises Forked where the published files are not what history gives; nothing is signed then.
        """
        head = None
        while head is None and self._has_news():
            tree = self._sequence()
            if tree.size > tree.published:
                head = self._finish(tree)  # None where another publisher was faster
        self._show()
        return head

    def _has_news(self) -> bool:
        """Whether there is a round to finish or to begin; looks without a lock, since mostly there is none.

        Raises Forked where the database lacks what is published: another round would be a fork of the log.
        """
        with self.engine.connect() as connection, connection.begin():
            if (lacking := guard.missing(connection, self.shelf)) is not None:
                raise Forked(lacking)
            tree, seal = sequence.tree(connection), sequence.last_seal(connection)
            done = {} if seal is None else records.heads_of(seal.heads)
            return tree.size > tree.published or done != log.heads(connection) or self._is_epoch_due(connection, tree)

    def _finish(self, tree: Tree) -> Checkpoint | None:
        """Write and sign a round that has its indexes; None where another publisher has signed it meanwhile."""
        with snapshot(self.engine) as connection:
            entries, heads = self.entries(connection, tree.published, tree.size - 1)
            root = self._signed_root(connection, tree)
        if len(entries) != tree.size - tree.published:
            raise Forked(f"the round to {tree.size} leaves has {len(entries)} entries: history is shorter than the log")
        # Without a lock: whoever else writes these files writes the same bytes.
        new_root = growth.grow(self.shelf, tree.published, root, entries)
        head = Checkpoint(origin=self.origin, size=tree.size, root=new_root)
        with writing(self.engine) as connection:
            if sequence.tree(connection, lock=True) != tree:
                return None
            sequence.keep_commitments(connection, heads)
            sequence.add_checkpoint(connection, head.size, head.root, self._signed(head), self.clock())
        return head

    def _sequence(self) -> Tree:
        """Give what is new its indexes; where a round is unfinished, that one comes first."""
        with snapshot(self.engine) as connection:
            heads = self._due_heads(connection)
        with writing(self.engine) as connection:
            tree = sequence.tree(connection, lock=True)
            if tree.size > tree.published:
                return tree
            last = sequence.last_seal(connection)
            done = {} if last is None else records.heads_of(last.heads)
            stretches = sequence.next_stretches(log.heads(connection), done, tree.size, tree.rounds + 1, ROUND_LIMIT)
            index = tree.size + sum(one.count for one in stretches)
            epoch = None
            if heads is not None and heads[0] == tree.size:
                epoch = Epoch(index=index, size=heads[0], streams=heads[1], root=heads[2])
                index += 1
            if index == tree.size:
                return tree
            ends = {one.partition_id: one.first_position + one.count - 1 for one in stretches}
            text = records.heads_text(tree.rounds + 1, {**done, **ends})
            sequence.add_round(connection, stretches, epoch, Seal(index=index, round=tree.rounds + 1, heads=text))
            return Tree(rounds=tree.rounds + 1, size=index + 1, published=tree.published)

    def _due_heads(self, connection: Connection) -> tuple[int, int, bytes] | None:
        """Once an epoch: a size of the log, and how many streams it then has, under which root."""
        tree = sequence.tree(connection)
        if not self._is_epoch_due(connection, tree):
            return None
        return (tree.size, *self.trees.build(connection, self.salting, tree.size))

    def _is_epoch_due(self, connection: Connection, tree: Tree) -> bool:
        last = sequence.last_epoch(connection, tree.size)
        known = 0 if last is None else last.index + 2  # the leaf of the last epoch and its seal are no news
        if tree.size != tree.published or tree.size <= known:
            return False
        since = sequence.signed_at(connection, max(0, known - 1))
        return self.clock() >= since + self.epoch_seconds * 1_000_000

    def _signed(self, head: Checkpoint) -> str:
        signatures = tuple(notes.sign(head.text, key, self.origin) for key in self.signing)
        return str(Note(text=head.text, signatures=signatures))

    def _signed_root(self, connection: Connection, tree: Tree) -> bytes:
        root = sequence.signed_root(connection, tree.published) if tree.published else merkle.EMPTY_ROOT
        if root is None:
            raise Forked(f"no checkpoint of {tree.published} leaves is known, though they are published")
        return root

    def entries(
        self, connection: Connection, first: int, last: int, before: Mapping[UUID, bytes] | None = None
    ) -> tuple[list[bytes], dict[UUID, tuple[int, int, bytes]]]:
        """The entries of the round from one index to that of its seal, and the last commitment of each stream in it.

        `before` are the commitments of streams before the round; without it, those that are stored.
        """
        heads: dict[UUID, tuple[int, int, bytes]] = {}
        entries = []
        for stretch in sequence.stretches_between(connection, first, last):
            for page in log.pages(connection, stretch.partition_id, stretch.first_position, stretch.count):
                new = {row.stream_id for row in page} - heads.keys()
                known = sequence.commitments(connection, new) if before is None else before
                for row in page:
                    mine = heads.get(row.stream_id)
                    commitment = commitment_of(self.salting, row, mine[2] if mine else known.get(row.stream_id))
                    heads[row.stream_id] = (row.partition_id, row.version, commitment)
                    entries.append(records.event_entry(commitment))
        epochs = sequence.epochs_between(connection, first, last)
        entries += [records.heads_entry(epoch.streams, epoch.root, epoch.size) for epoch in epochs]
        seal = sequence.seal_at(connection, last)
        salt = records.seal_salt(self.salting, seal.round)
        entries.append(records.seal_entry(records.seal_commitment(salt, seal.heads)))
        return entries, heads

    def _show(self) -> None:
        """Show the last checkpoint that was signed, once it is cosigned. Raises Forked where a witness has another."""
        with self.engine.connect() as connection, connection.begin():
            signed = sequence.latest_checkpoint(connection)
        shown = self.shelf.checkpoint()
        if signed is None:
            return
        if shown is not None and checking.head_of(shown).size >= checking.head_of(signed).size:
            return
        note: str | None = signed
        if self.cosigners is not None:
            note = self.cosigners.cosigned(signed, self.verifier_keys(), self._check_remembered)
        if note is not None:
            self.shelf.replace(CHECKPOINT, note)

    def _check_remembered(self, remembered: Checkpoint) -> None:
        """Another publisher may have been faster: only what the database does not know of is a fork."""
        with self.engine.connect() as connection, connection.begin():
            if (lacking := guard.missing(connection, self.shelf, remembered)) is not None:
                raise Forked(lacking)


def record_of(row: Any, previous: bytes | None) -> Record:
    """A stored event as it is committed to."""
    return Record(
        at=f"{row.partition_id}:{row.position}",
        stream=row.stream_id,
        version=row.version,
        type=row.type,
        recorded_at=row.recorded_at,
        actor=row.actor,
        approved_by=row.approved_by,
        causation=row.causation,
        body=row.body,
        previous=previous,
    )


def commitment_of(salting: bytes, row: Any, previous: bytes | None) -> bytes:
    """The commitment of a stored event behind the one before it in its stream."""
    salt = records.event_salt(salting, row.stream_id.bytes, row.version)
    return records.event_commitment(salt, record_of(row, previous).text)
