"""What the public log commits to, made again stream by stream, and held against the published leaves.

The leaves lie in a file by partition and position: streams are swept in the order of their ids, and the leaves of a
stream stand anywhere.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import finalize

from creditbank.audit.transparency import records
from creditbank.audit.transparency.encoding import HASH_BYTES
from creditbank.audit.transparency.merkle import leaf_hash
from creditbank.domain.values import partition_of
from creditbank.ledger.raw import RawReader, Rows
from creditbank.vault import logkeys

Head = tuple[Any, int, int, bytes]
"""As `log_head` keeps it: stream, partition, version and commitment of its last published event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The leaves of the events, sorted into a file; how many positions of each partition; where the salts come from.

    `signed` are positions too: what was signed last need not be shown yet.
    """

    leaves: Path
    ends: Mapping[int, int]
    signed: Mapping[int, int]
    data_dir: Path

    @property
    def starts(self) -> dict[int, int]:
        """Which leaf of the file is the first of each partition."""
        starts, start = {}, 0
        for partition_id, end in sorted(self.ends.items()):
            starts[partition_id], start = start, start + end
        return starts


class Chain:
    """Follows streams, and remembers where they left what is published."""

    def __init__(self, published: Published, reader: RawReader) -> None:
        self._ends, self._signed, self._starts = dict(published.ends), dict(published.signed), published.starts
        self._salts = records.Salts(logkeys.salting(published.data_dir))
        self._descriptor = os.open(published.leaves, os.O_RDONLY)
        finalize(self, os.close, self._descriptor)
        self._reader = reader
        self._causation: tuple[Any, str] = (None, "")
        self._taken, self._suspects = Counter[int](), set[int]()

    def follow(self, raw_id: Any, history: Rows) -> Head | None:
        """Compare the shown events of one stream; what ought to be its head in the log, None where it has none."""
        stream, text = self._reader.bytes_of(raw_id), self._reader.text_of(raw_id)
        previous: bytes | None = None
        last = 0
        for row in history:
            partition_id, position, _, version, *_ = row
            if not 0 < position <= self._signed.get(partition_id, 0):
                continue
            commitment = self._commitment(row, stream, text, previous)
            if not self._is_as_shown(partition_id, position, commitment) or version != last + 1:
                self._suspects.add(partition_id)
            last, previous = version, commitment
        if not last:
            return None
        return raw_id, partition_of(stream), last, previous or b""

    def _is_as_shown(self, partition_id: int, position: int, commitment: bytes | None) -> bool:
        """Whether an event is the one at its place, where that is shown already."""
        if position > self._ends.get(partition_id, 0):
            return commitment is not None
        self._taken[partition_id] += 1
        leaf = os.pread(self._descriptor, HASH_BYTES, (self._starts[partition_id] + position - 1) * HASH_BYTES)
        return commitment is not None and leaf == leaf_hash(records.event_entry(commitment))

    def _commitment(self, row: tuple[Any, ...], stream: bytes, text: str, previous: bytes | None) -> bytes | None:
        """None for an event that is not even text any more."""
        partition_id, position, _, version, recorded_at, causation, actor, approved_by, name, body = row
        if causation != self._causation[0]:  # what one request did stands together
            self._causation = causation, self._reader.text_of(causation)
        at = f"{partition_id}:{position}"
        try:
            record = records.record_text(
                at, text, version, name, recorded_at, actor, approved_by, self._causation[1], body, previous
            )
            return records.event_commitment(self._salts.event(stream, version), record)
        except (UnicodeError, OverflowError):
            return None

    def other_heads(self, stored: Rows, expected: Iterable[Head]) -> set[int]:
        """The partitions of streams whose stored head is not their last published event."""
        return {row[1] for row in set(stored) ^ set(expected)}

    def taken(self) -> tuple[Counter[int], set[int]]:
        """How many published events of each partition were seen since the last call, and which partitions are wrong."""
        found = self._taken, self._suspects
        self._taken, self._suspects = Counter(), set()
        return found
