"""Bad luck that is told when to strike: between any two statements, right before a commit, and right behind it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from creditbank.audit.transparency.shelf import Shelf
from creditbank.audit.transparency.tiles import Tile

Kind = Literal["kill", "cut", "race"]
"""The process dies; the connection to the database breaks; the database undoes a transaction that lost a race."""


class Killed(BaseException):
    """The process is gone, in the middle of whatever it did. Nobody in it has the time to catch this."""


class _Undone(sqlite3.OperationalError):
    """As the server says it of a transaction that met another one."""

    sqlstate = "40001"


@dataclass(slots=True)
class Faults:
    """Counts the points at which something may happen, and lets the armed fault strike at its own."""

    kind: Kind = "kill"
    struck: int = 0
    """How often one has struck since it was armed."""
    _left: int | None = None
    _times: int = 0

    def watch(self, engine: Engine) -> None:
        event.listen(engine, "before_cursor_execute", self._at_statement)
        event.listen(engine, "commit", self._at_commit)

    def arm(self, kind: Kind, after: int, times: int = 1) -> None:
        """Strike when `after` more points are passed, and at the points behind until it was `times` times."""
        self.kind, self._left, self._times, self.struck = kind, after, times, 0

    def disarm(self) -> None:
        self._left = None

    def point(self) -> None:
        """Something may happen here. Raises what does."""
        if self._left is None:
            return
        if self._left > 0:
            self._left -= 1
            return
        self.struck += 1
        self._left = 0 if self.struck < self._times else None
        if self.kind == "kill":
            raise Killed
        if self.kind == "cut":
            raise OperationalError("", None, sqlite3.OperationalError("gone"), connection_invalidated=True)
        raise OperationalError("", None, _Undone("could not serialize access"))

    def _at_statement(self, *_: Any) -> None:
        self.point()

    def _at_commit(self, connection: Connection) -> None:
        self.point()
        if self.kind == "race" or self._left is None:
            return  # behind a commit nobody can lose a race any more
        driver: Any = connection.connection.driver_connection
        driver.commit()
        self.point()


class BreakingShelf(Shelf):
    """A shelf at which a publisher may be cut off before and behind every file."""

    def __init__(self, folder: Path, faults: Faults) -> None:
        super().__init__(folder, is_durable=False)
        self._faults = faults

    def write(self, tile: Tile, content: bytes) -> None:
        self._faults.point()
        super().write(tile, content)

    def drop_partial(self, tile: Tile) -> None:
        self._faults.point()
        super().drop_partial(tile)

    def replace(self, name: str, text: str) -> None:
        self._faults.point()
        super().replace(name, text)
        self._faults.point()
