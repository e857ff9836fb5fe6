"""The rollback guard: nothing is written on a history that is shorter than, or other than, what was published.

After a failover to a standby that lagged, or the restore of an old backup, events are missing that a checkpoint
was signed for. Whoever wrote on would make the log a fork for good. So the bank serves reads only, and says what
is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from creditbank.audit import checking
from creditbank.audit.transparency import records
from creditbank.audit.transparency.checkpoints import Checkpoint
from creditbank.audit.transparency.encoding import Malformed
from creditbank.audit.transparency.shelf import Shelf
from creditbank.domain import errors
from creditbank.ledger import log, sequence

GUARDED = "guarded"
"""What a connection bears after a look that found nothing: it is forgotten with the connection to the server."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Looks through every connection once, since each may lead to another server; again, as long as it finds something.

    `remembered` is the largest checkpoint of this log that a witness remembers: whoever restores the published files
    together with the database takes nothing back that others have seen.
    """

    engine: Engine
    shelf: Shelf
    remembered: Checkpoint | None = None

    @property
    def missing(self) -> str | None:
        """What the database lacks of what was published; None where it lacks nothing."""
        with self.engine.connect() as connection, connection.begin():
            return self._look(connection)

    def check(self, connection: Connection) -> None:
        """Raise HistoryBehind where nothing may be written through this connection."""
        if self._look(connection) is not None:
            raise errors.HistoryBehind()

    def _look(self, connection: Connection) -> str | None:
        if connection.info.get(GUARDED) is self:
            return None
        lacking = missing(connection, self.shelf, self.remembered)
        if lacking is None:
            connection.info[GUARDED] = self
        return lacking


def missing(connection: Connection, shelf: Shelf, remembered: Checkpoint | None = None) -> str | None:
    """Compare the database with the published checkpoint, with what a witness remembers, and with its own last seal.

    Three rows and 64 counters.
    """
    note = shelf.checkpoint()
    if note is not None:
        try:
            head = checking.head_of(note)
        except Malformed as fault:
            return f"the published checkpoint cannot be read: {fault}"
        if (lacking := _beyond(connection, head, "published")) is not None:
            return lacking
    if remembered is not None and (lacking := _beyond(connection, remembered, "cosigned by a witness")) is not None:
        return lacking
    seal = sequence.last_seal(connection)
    heads = log.heads(connection)
    for partition_id, last in records.heads_of(seal.heads).items() if seal else ():
        if (head_position := heads.get(partition_id, 0)) < last:
            return f"positions {head_position + 1} to {last} of partition {partition_id} are missing"
    return None


def _beyond(connection: Connection, head: Checkpoint, what: str) -> str | None:
    """What the database lacks of a log of which others have this head."""
    tree = sequence.tree(connection)
    if tree.published < head.size:
        return f"leaves {tree.published} to {head.size - 1} of the log are {what} and not in the database"
    if sequence.signed_root(connection, head.size) != head.root:
        return f"the checkpoint of {head.size} leaves that is {what} is not the one that the database knows"
    return None
