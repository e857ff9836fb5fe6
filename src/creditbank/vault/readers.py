"""Which processes serve, and which generations of the keys each of them can read.

A generation is used only when all of them can read it. A process that has said nothing for a while is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter
from sqlalchemy import Connection, delete, select, text

from creditbank.vault.tables import key_reader

ALIVE_MICROSECONDS = 15_000_000
"""How long a process counts as one that serves after it has last said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Of one ring: the generation that a process writes under, and those that it can read."""

    writes: int
    reads: tuple[int, ...]


Rings = Mapping[str, Use]
"""By the names of the rings."""

_RINGS = TypeAdapter(dict[str, Use])


def report(connection: Connection, process: str, rings: Rings, now: int) -> None:
    """Say that a process serves, and forget those that have been silent. `now` is in microseconds."""
    connection.execute(delete(key_reader).where(key_reader.c.seen_at < now - ALIVE_MICROSECONDS))
    values = {"process": process, "seen_at": now, "rings": _RINGS.dump_json(dict(rings))}
    connection.execute(_REPORT, values)


def leave(connection: Connection, process: str) -> None:
    """Say that a process serves no more."""
    connection.execute(delete(key_reader).where(key_reader.c.process == process))


def living(connection: Connection, now: int) -> dict[str, dict[str, Use]]:
    """What every process that serves can read, by its name."""
    statement = select(key_reader).where(key_reader.c.seen_at >= now - ALIVE_MICROSECONDS)
    return {row.process: _RINGS.validate_json(row.rings) for row in connection.execute(statement)}


_REPORT = text(
    "INSERT INTO key_reader (process, seen_at, rings) VALUES (:process, :seen_at, :rings)"
    " ON CONFLICT (process) DO UPDATE SET seen_at = excluded.seen_at, rings = excluded.rings"
)
