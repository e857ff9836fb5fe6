"""Which generations of each ring this database is tied to: their fingerprints, and how far each has come.

A generation is `made`, for every process to read its file; blind indexes are then `joining`, written beside the
current ones; then it is `current`, the one before it `former`, and in the end `destroyed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, Update, delete, insert, select, text, update

from creditbank.vault.keyfiles import ForeignKeys, KeyFiles, Ring, Standing, fingerprint
from creditbank.vault.tables import installation

State = Literal["made", "joining", "current", "former", "destroyed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One generation of a ring, as the database knows it."""

    ring: str
    number: int
    fingerprint: bytes
    state: State


def known(connection: Connection, ring: str) -> list[Generation]:
    """Every generation of a ring that there ever was, the oldest first."""
    statement = select(installation).where(installation.c.name == ring).order_by(installation.c.generation)
    return [
        Generation(ring=row.name, number=row.generation, fingerprint=row.fingerprint, state=row.state)
        for row in connection.execute(statement)
    ]


def bind(connection: Connection, keys: KeyFiles) -> None:
    """Tie a new database to these keys, or check that it is tied to them, and use what is current.

    Raises ForeignKeys where a file is missing, another one, or of a generation that this database never knew.
    """
    # Cursors may be re-keyed at will: only those that a stored value depends on are bound.
    # Of several processes that start a new bank at once, one ties it and the others check.
    rows = [{"name": ring.name, "print": fingerprint(ring.of(1))} for ring in keys.rings if 1 in ring.on_disk]
    if rows:
        connection.execute(_TIE, rows)
    for ring in keys.rings:
        generations = known(connection, ring.name)
        strangers = set(ring.on_disk) - {generation.number for generation in generations}
        if strangers:
            raise ForeignKeys(
                f"this database knows no generation {min(strangers)} of the key {ring.name}: it is another bank's, or"
                " was restored from before that key was made; move the file away to serve what it holds"
            )
        _follow(ring, generations)


def follow(connection: Connection, keys: KeyFiles) -> None:
    """Use what is current by now. Raises ForeignKeys where the file of a generation in use is missing or another.

    A database that is tied to no keys yet leaves them as they are.
    """
    for ring in keys.rings:
        if generations := known(connection, ring.name):
            _follow(ring, generations)


def readable(connection: Connection, keys: KeyFiles) -> dict[str, list[int]]:
    """The generations of each ring that these files can read, among those that are in use or are to be."""
    return {
        ring.name: [
            one.number for one in known(connection, ring.name) if one.state != "destroyed" and _opens(ring, one)
        ]
        for ring in keys.rings
    }


def enter(connection: Connection, ring: str, number: int, secret: bytes) -> None:
    """Say that a generation was made, for every process to read it before anything is written under it."""
    connection.execute(
        insert(installation).values(name=ring, generation=number, fingerprint=fingerprint(secret), state="made")
    )


def advance(connection: Connection, ring: str, number: int, state: State) -> None:
    """Let a generation come to its next state; one that becomes current makes a former one of the current one.

    To be called in a transaction that lets the catalogue's epoch grow before it.
    """
    if state == "current":
        is_another = installation.c.generation != number
        connection.execute(_of(ring).where(installation.c.state == "current", is_another).values(state="former"))
    connection.execute(_of(ring).where(installation.c.generation == number).values(state=state))


def withdraw(connection: Connection, ring: str, number: int) -> None:
    """Forget a generation that was made and never used: its file was lost before any process could read it."""
    is_it = (installation.c.name == ring) & (installation.c.generation == number) & (installation.c.state == "made")
    connection.execute(delete(installation).where(is_it))


def _of(ring: str) -> Update:
    return update(installation).where(installation.c.name == ring)


def _follow(ring: Ring, generations: Sequence[Generation]) -> None:
    standing = standing_of(generations)
    for one in generations:
        if one.number in (standing.current, standing.joining, *standing.former) and not _matches(ring, one):
            raise ForeignKeys(
                f"the key file {ring.name}.{one.number}.key is not the one that this database was installed with"
            )
    ring.stand(standing)


def standing_of(generations: Sequence[Generation]) -> Standing:
    """Which of these are in use. Raises ForeignKeys where none is current."""
    by_state: dict[State, list[int]] = {}
    for one in generations:
        by_state.setdefault(one.state, []).append(one.number)
    if "current" not in by_state:
        raise ForeignKeys("this database is tied to other key files")
    joining = by_state.get("joining")
    return Standing(
        current=by_state["current"][0],
        joining=joining[0] if joining else None,
        former=tuple(reversed(by_state.get("former", []))),
    )


def _matches(ring: Ring, generation: Generation) -> bool:
    return fingerprint(ring.of(generation.number)) == generation.fingerprint


def _opens(ring: Ring, generation: Generation) -> bool:
    try:
        return _matches(ring, generation)
    except ForeignKeys:
        return False


_TIE = text(
    "INSERT INTO installation (name, generation, fingerprint, state) VALUES (:name, 1, :print, 'current')"
    " ON CONFLICT DO NOTHING"
)
