"""The whole bank verified: the published files, history against them, and the answers against history, in one pass.

Where the pass says that something is wrong, what is wrong is looked for step by step, in the order in which
`verification` would have met it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, Engine

from creditbank.audit import crew, replay, verification
from creditbank.audit.chain import Published
from creditbank.audit.crew import Crew
from creditbank.audit.naming import Difference
from creditbank.audit.replay import Progress, Seen
from creditbank.audit.transparency.checkpoints import Checkpoint
from creditbank.audit.transparency.encoding import HASH_BYTES
from creditbank.audit.transparency.notes import VerifierKey
from creditbank.audit.transparency.shelf import Shelf
from creditbank.audit.verification import Fault, History, Leaves
from creditbank.ledger import log, sequence
from creditbank.vault import logkeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Under which head, how many events are what was published, how many are not published yet, and the first fault."""

    head: Checkpoint | None
    fault: Fault | None
    verified: int = 0
    unpublished: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """What is verified, and by which keys. `data_dir` holds the published files and the secret behind the salts."""

    engine: Engine
    data_dir: Path
    keys: Collection[VerifierKey]

    def verify(self, processes: int, progress: Progress | None = None) -> Verified:
        """Everything, up to the first fault. Raises Ended where one of several processes did not come to its end."""
        shelf = Shelf(self.data_dir / "log")
        with crew.on_snapshot(self.engine, processes) as members:
            head, faults = verification.signed_head(shelf, self.keys)
            if head is not None:
                faults = _files(members, shelf, head)
            if faults:
                return Verified(head=head, fault=faults[0])
            if head is None:
                difference = next(replay.differences_of(members, None, Seen(), progress), None)
                return Verified(head=None, fault=_fault(difference))
            history = History(shelf=shelf, salting=logkeys.salting(self.data_dir), keys=self.keys, head=head)
            for fault in chain(history.order(members.connection), history.signatures(members.connection)):
                return Verified(head=head, fault=fault)
            with _sorted_leaves(members.connection, history, self.data_dir) as published:
                return _swept(members, history, published, progress)


def _files(members: Crew, shelf: Shelf, head: Checkpoint) -> list[Fault]:
    """The first fault of the published files."""
    check = partial(_entries_checker, folder=shelf.folder, size=head.size)
    for found in members.results(check, verification.entry_tasks(head.size)):
        if found:
            return found
    return list(islice(verification.hashes(shelf, head), 1))


def _entries_checker(_: Connection, folder: Path, size: int) -> Callable[[range], list[Fault]]:
    return partial(verification.entries, Shelf(folder), size)


@contextmanager
def _sorted_leaves(connection: Connection, history: History, data_dir: Path) -> Iterator[Published]:
    """The published leaves of events by partition and position, in a file that is gone at the end."""
    last = history.head.size - 1
    with TemporaryDirectory(prefix="creditbank-") as folder:
        file = Path(folder, "leaves")
        signed = sequence.ends(connection, history.last(connection))
        published = Published(leaves=file, signed=signed, ends=sequence.ends(connection, last), data_dir=data_dir)
        starts, leaves = published.starts, Leaves(history.shelf, history.head.size)
        with file.open("wb") as written:
            for stretch in sequence.stretches(connection, last):
                written.seek((starts[stretch.partition_id] + stretch.first_position - 1) * HASH_BYTES)
                for part in leaves.between(stretch.first_index, stretch.count):
                    written.write(part)
        yield published


def _swept(members: Crew, history: History, published: Published, progress: Progress | None) -> Verified:
    """The one pass, and where it found something the first fault, by name."""
    seen = Seen()
    found = replay.differences_of(members, published, seen, progress)
    difference = next(found, None)
    deque(found, maxlen=0)
    wrong = seen.suspects | {one for one, end in published.ends.items() if seen.published[one] != end}
    connection = members.connection
    unpublished = sum(log.heads(connection).values()) - seen.published.total()
    fault = _named(connection, history, sorted(wrong)) or _fault(difference)
    return Verified(head=history.head, fault=fault, verified=seen.published.total(), unpublished=max(0, unpublished))


def _named(connection: Connection, history: History, partitions: Sequence[int]) -> Fault | None:
    """The first fault of partitions of which one is known to have one."""
    for partition_id in partitions:
        for fault in history.partition(connection, partition_id):
            return fault
    what = "the heads of its streams in the log are others than history gives"
    return Fault(where=f"partition {partitions[0]}", what=what) if partitions else None


def _fault(one: Difference | None) -> Fault | None:
    if one is None:
        return None
    what = f"{one.what} is not what history says\n  history: {one.expected}\n  stored:  {one.stored}"
    return Fault(where=one.where, what=what)
