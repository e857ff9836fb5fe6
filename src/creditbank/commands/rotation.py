"""Rotation of the bank's keys while servers go on writing: a new generation for all, and in the end none of the old.

Each step stands in the database, and is committed in a transaction that lets the catalogue's epoch grow: it waits for
every unit at work, and every unit after it sees the step before it writes. A rotation that was killed goes on from the
step at which it stood.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, TimeoutError

from creditbank.ledger.database import allow_long_statements, writing
from creditbank.projections import accounts, catalogue
from creditbank.vault import generations, keyfiles, readers, rekeying
from creditbank.vault.generations import Generation, State
from creditbank.vault.keyfiles import ForeignKeys, KeyFiles, Ring
from creditbank.vault.persons import Vault

BATCH = 200
ATTEMPTS = 20
LOOK_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 0.5
PATIENCE_SECONDS = 40.0
"""How long to wait for processes that serve: longer than one that has died counts as alive."""

_PENDING: tuple[State, ...] = ("made", "joining")

Progress = Callable[[int, int], None]
Result = TypeVar("Result")


class Page(Protocol):
    """Work on the next accounts behind one: says which these were, and how much of theirs it changed."""

    def __call__(self, connection: Connection, after: UUID | None) -> tuple[list[UUID], int]: ...


class NotReadable(RuntimeError):
    """Processes that serve cannot read a generation of a key, or still write under an older one."""


class StillNeeded(RuntimeError):
    """Stored values would be worth nothing without a generation of a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What a rotation came to: the generation that is current now, and how many values were made anew for it."""

    ring: str
    generation: int
    changed: int
    resumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Rotates the keys of one bank. `clock` gives microseconds since 1970 UTC."""

    engine: Engine
    data_dir: Path
    keys: KeyFiles
    clock: Callable[[], int]
    progress: Progress | None = None
    patience_seconds: float = PATIENCE_SECONDS

    def rotate(self, name: str) -> Rotated:
        """Put a new generation in the place of the current one, or carry to its end what was begun before.

        Raises NotReadable where a process that serves cannot read the new generation.
        """
        ring = self.keys.ring(name)
        resumed = self._read(lambda connection: self._is_unfinished(connection, ring))
        changed = 0
        if not resumed or self._pending(ring):
            number = self._made(ring)
            self._await(name, lambda use: number in use.reads, f"cannot read {name}.{number}.key")
            if name == "blind-index":
                self._step(ring, number, "joining")
                changed = self._reindex(ring)
            self._step(ring, number, "current")
        if name == "wrapping":
            changed = self._walk(self._rewrap)
        elif name == "blind-index":
            self._drop_claims(ring)
        return Rotated(ring=name, generation=ring.current, changed=changed, resumed=resumed)

    def retire(self, name: str) -> list[int]:
        """Destroy every generation before the current one, and say which these were.

        Raises StillNeeded, and NotReadable where a process that serves has not noticed the current generation.
        """
        ring = self.keys.ring(name)
        self._read(lambda connection: generations.follow(connection, self.keys))
        retired = [number for number in sorted(ring.read) if number < ring.current]
        for number in retired:
            if needed := self._read(partial(self._needs, name=name, number=number)):
                raise StillNeeded(f"{needed} stored values need generation {number} of the key {name}")
        self._await(name, lambda use: use.writes == ring.current, f"do not use generation {ring.current} of {name} yet")
        for number in retired:
            self._step(ring, number, "destroyed")
        destroyed = [one.number for one in self._known(ring) if one.state == "destroyed"]
        for number in destroyed:  # those of before too, whose files a crash may have left
            keyfiles.destroy(self._folder, name, number)
        return retired

    @property
    def _folder(self) -> Path:
        return keyfiles.folder_of(self.data_dir)

    def _is_unfinished(self, connection: Connection, ring: Ring) -> bool:
        known = generations.known(connection, ring.name)
        if any(one.state in _PENDING for one in known):
            return True
        former = [one.number for one in known if one.state == "former"]
        return ring.name != "api-keys" and any(self._needs(connection, ring.name, number) for number in former)

    def _needs(self, connection: Connection, name: str, number: int) -> int:
        return rekeying.needs(connection, name, number, self.clock())

    def _known(self, ring: Ring) -> list[Generation]:
        return self._read(lambda connection: generations.known(connection, ring.name))

    def _pending(self, ring: Ring) -> Generation | None:
        """The generation that was made and is not current yet."""
        return next((one for one in self._known(ring) if one.state in _PENDING), None)

    def _made(self, ring: Ring) -> int:
        """The number of the generation that is to become current, with its file in place."""
        if (pending := self._pending(ring)) is None:
            pending = self._write(lambda connection: self._make(connection, ring))
        try:
            keyfiles.publish(self._folder, ring.name, pending.number)
        except ForeignKeys:
            if pending.state != "made":
                raise
            self._write(lambda connection: generations.withdraw(connection, ring.name, pending.number))
            return self._made(ring)
        return pending.number

    def _make(self, connection: Connection, ring: Ring) -> Generation:
        catalogue.turn(connection)
        known = generations.known(connection, ring.name)
        if known[-1].state in _PENDING:  # somebody else was faster
            return known[-1]
        number = known[-1].number + 1
        # The file first: a generation that stands in the database can be read, or is known to be lost.
        secret = keyfiles.draft(self._folder, ring.name, number)
        generations.enter(connection, ring.name, number, secret)
        return generations.known(connection, ring.name)[-1]

    def _step(self, ring: Ring, number: int, state: State) -> None:
        """Let a generation come to a state, for everybody from now on."""

        def step(connection: Connection) -> None:
            catalogue.turn(connection)
            generations.advance(connection, ring.name, number, state)

        self._write(step)
        self._read(lambda connection: generations.follow(connection, self.keys))

    def _rewrap(self, connection: Connection, after: UUID | None) -> tuple[list[UUID], int]:
        return rekeying.rewrap(connection, Vault(self.keys), after, BATCH)

    def _reindex(self, ring: Ring) -> int:
        def page(connection: Connection, after: UUID | None) -> tuple[list[UUID], int]:
            account_ids = rekeying.claimants(connection, after, BATCH)
            # Whoever merges, corrects or erases holds the head: claims stay where they are meanwhile.
            accounts.heads(connection, account_ids, lock=True)
            return account_ids, rekeying.reindex(connection, Vault(self.keys), account_ids)

        changed = self._walk(page)
        # A merge may have moved claims to an account that was done already.
        while not self._read(lambda connection: rekeying.is_indexed(connection, ring)):
            changed += self._walk(page)
        return changed

    def _drop_claims(self, ring: Ring) -> None:
        def page(connection: Connection, after: UUID | None) -> tuple[list[UUID], int]:
            account_ids = rekeying.claimants(connection, after, BATCH)
            return account_ids, rekeying.drop_claims(connection, ring, account_ids)

        while self._walk(page):
            continue

    def _walk(self, page: Page) -> int:
        """Go through all accounts in small transactions, giving others their turn between two of them."""
        total = self._read(rekeying.persons)
        after, done, changed = None, 0, 0
        while True:
            began = monotonic()
            seen, made = self._write(partial(page, after=after))
            if not seen:
                return changed
            after, done, changed = seen[-1], done + len(seen), changed + made
            if self.progress:
                self.progress(done, max(total, done))
            if made:
                Event().wait(min(monotonic() - began, LONGEST_PAUSE_SECONDS))

    def _await(self, name: str, is_ready: Callable[[readers.Use], bool], complaint: str) -> None:
        """Wait until every process that serves is ready. Raises NotReadable."""
        deadline, pause = monotonic() + self.patience_seconds, Event()
        while late := [
            process
            for process, rings in self._read(lambda connection: readers.living(connection, self.clock())).items()
            if name not in rings or not is_ready(rings[name])
        ]:
            if monotonic() > deadline:
                raise NotReadable(f"processes that serve {complaint}: {', '.join(sorted(late))}")
            pause.wait(LOOK_SECONDS)

    def _read(self, work: Callable[[Connection], Result]) -> Result:
        with self.engine.connect() as connection, connection.begin():
            allow_long_statements(connection)
            return work(connection)

    def _write(self, work: Callable[[Connection], Result]) -> Result:
        """Work in a transaction of its own, tried again where somebody else was in the way."""
        for _ in range(ATTEMPTS - 1):
            try:
                with writing(self.engine) as connection:
                    return work(connection)
            except (DBAPIError, TimeoutError) as error:
                if not _was_in_the_way(error):
                    raise
        with writing(self.engine) as connection:
            return work(connection)


def _was_in_the_way(error: Exception) -> bool:
    """Whether a lock was not to be had in time, or another rotation did the same at the same moment."""
    if isinstance(error, IntegrityError | TimeoutError):
        return True
    sqlstate = getattr(getattr(error, "orig", None), "sqlstate", None)
    is_busy = isinstance(error, OperationalError) and "database is locked" in str(error.orig)
    return is_busy or sqlstate in ("40001", "40P01", "55P03")
