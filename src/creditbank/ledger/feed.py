"""The feed: all partitions as one stream that can be followed, with a cursor that says how far one has come.

A cursor is the last position seen in each of the 64 partitions. Positions are gapless and in commit order, so
whoever goes on from a cursor misses nothing and sees nothing twice.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from creditbank.domain.values import PARTITIONS
from creditbank.ledger import log
from creditbank.ledger.log import Recorded

_FORMAT = 1
_LONGEST = 1_024
"""Characters: 64 numbers of up to 63 bits and the format byte fit, and nothing much longer is ever read."""


class NotACursor(ValueError):
    """The text is not a cursor of this feed."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last position seen of each partition."""

    positions: tuple[int, ...] = (0,) * PARTITIONS

    def after(self, partition_id: int, position: int) -> Cursor:
        positions = self.positions
        return Cursor((*positions[:partition_id], position, *positions[partition_id + 1 :]))

    def text(self) -> str:
        """Opaque text: a format byte and 64 variable-length numbers, base64url."""
        packed = bytearray([_FORMAT])
        for position in self.positions:
            while position >= 0x80:
                packed.append(position & 0x7F | 0x80)
                position >>= 7
            packed.append(position)
        return urlsafe_b64encode(packed).decode().rstrip("=")

    @staticmethod
    def of(text: str) -> Cursor:
        """Read a cursor. Raises NotACursor."""
        if len(text) > _LONGEST:
            raise NotACursor
        try:
            packed = b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
        except (UnicodeEncodeError, NotBase64):
            raise NotACursor from None
        positions, value, shift = [], 0, 0
        for byte in packed[1:]:
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                positions.append(value)
                value, shift = 0, 0
        if packed[:1] != bytes([_FORMAT]) or len(positions) != PARTITIONS or shift or max(positions) >= 2**63:
            raise NotACursor
        return Cursor(tuple(positions))


@dataclass(frozen=True, slots=True)
class Step:
    """An event of the feed, with the cursor behind it."""

    recorded: Recorded
    cursor: Cursor


def read(connection: Connection, cursor: Cursor, limit: int, types: Collection[str] = ()) -> tuple[list[Step], Cursor]:
    """The next events behind a cursor, partition by partition, and the cursor to go on from.

    The cursor moves past events of other types too, so that a follower of rare ones does not read in vain.
    """
    steps: list[Step] = []
    for partition_id, head in sorted(log.heads(connection).items()):
        wanted = limit - len(steps)
        if wanted == 0:
            break
        after = cursor.positions[partition_id]
        if head <= after:
            continue
        page = log.partition(connection, partition_id, after, wanted, types, upto=head)
        for recorded in page:
            cursor = cursor.after(partition_id, recorded.position)
            steps.append(Step(recorded, cursor))
        if len(page) < wanted:
            cursor = cursor.after(partition_id, head)
    return steps, cursor
