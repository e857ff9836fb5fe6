"""The bank as commands and queries see it: one engine, the vault, a clock, and the catalogue in memory."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from threading import Lock
from uuid import UUID
from zoneinfo import ZoneInfo

import uuid_utils.compat as uuids
from sqlalchemy import Connection, Engine

from creditbank.domain.catalogue import Catalogue
from creditbank.domain.errors import Unavailable
from creditbank.domain.events import RulebookVersionPublished
from creditbank.domain.instants import day_of
from creditbank.domain.rules import CompiledRules
from creditbank.domain.rules import compile as compile_rules
from creditbank.ledger import log
from creditbank.projections import catalogue as catalogue_projection
from creditbank.vault import generations
from creditbank.vault.erased import ErasedList
from creditbank.vault.keyfiles import ForeignKeys
from creditbank.vault.persons import Vault

CATALOGUE_FRESH_MICROSECONDS = 1_000_000

_logger = logging.getLogger("creditbank.vault")


@dataclass(slots=True, kw_only=True)
class Bank:
    """What every command and query needs.

    `clock` gives microseconds since 1970 UTC, and `new_id` an id that was never given before. What a command decides
    has its time and its chance from them, and from the command itself, and from nowhere else.
    """

    engine: Engine
    vault: Vault
    zone: ZoneInfo
    clock: Callable[[], int]
    erased: ErasedList
    new_id: Callable[[], UUID] = uuids.uuid7
    consent_required: bool = False
    """Whether every decision of an institution wants a standing consent, not only where a programme asks for it."""
    _compiled: dict[str, CompiledRules] = field(default_factory=dict)
    _catalogue: Catalogue = field(default_factory=Catalogue)
    _checked_at: int = 0
    _lock: Lock = field(default_factory=Lock)

    def day_of(self, microseconds: int) -> date:
        """The civil day of an instant, in the bank's zone."""
        return day_of(microseconds, self.zone)

    def now_in(self, connection: Connection) -> int:
        """The time at which is decided what this transaction records: never before anything that is recorded.

        So what has lapsed stays so when a clock is set back, or is slow in one of several processes.
        """
        return max(self.clock(), log.last_recorded_at(connection))

    def today(self) -> date:
        return self.day_of(self.clock())

    def catalogue_in(self, connection: Connection) -> Catalogue:
        """The catalogue as it stands in this transaction: read again, with the keys in use, when something changed."""
        return self._catalogue_at(catalogue_projection.epoch(connection), connection)

    def standing_later(self, connection: Connection) -> Callable[[], tuple[int, Catalogue]]:
        """The time at which is decided, as `now_in` has it, and the catalogue; asked together with others.

        The catalogue stays so to the transaction's end, in every process: what is awarded under an accreditation is
        recorded before that accreditation is withdrawn, or is decided after it.
        """
        latest = log.last_recorded_later(connection)
        epoch = catalogue_projection.held_later(connection)
        return lambda: (max(self.clock(), latest()), self._catalogue_at(epoch(), connection))

    def _catalogue_at(self, epoch: int, connection: Connection) -> Catalogue:
        with self._lock:
            if epoch != self._catalogue.epoch:
                found = catalogue_projection.read(connection)
                if found.epoch < self._catalogue.epoch:
                    return found  # as this transaction sees it, which began before the latest change
                self._follow_keys(connection)
                self._catalogue = found
            self._checked_at = self.clock()
            return self._catalogue

    def _follow_keys(self, connection: Connection) -> None:
        # A new generation of a key is announced by the epoch too. Who cannot read it must not go on under the old one.
        try:
            generations.follow(connection, self.vault.keys)
        except ForeignKeys as error:
            _logger.error("the bank stands still: %s", error)
            raise Unavailable() from None

    def catalogue(self) -> Catalogue:
        """The catalogue as it stood within the last second, in any process of the bank."""
        # A clock that was set back would make what is old look new for as long as it was set back.
        if not 0 <= self.clock() - self._checked_at <= CATALOGUE_FRESH_MICROSECONDS:
            with self.engine.connect() as connection, connection.begin():
                return self.catalogue_in(connection)
        return self._catalogue

    def is_suspended(self, connection: Connection, organisation: str | None) -> bool:
        """Whether whatever asks in this organisation's name is to be refused; never where it is nobody's."""
        if organisation is None:
            return False
        known = self.catalogue_in(connection).organisations.get(organisation)
        return known is not None and known.is_suspended

    def compiled(self, version: RulebookVersionPublished) -> CompiledRules:
        """A published version, made ready to decide; kept, since a version never changes."""
        if version.rules_sha256 not in self._compiled:
            self._compiled[version.rules_sha256] = compile_rules(version.rules)
        return self._compiled[version.rules_sha256]

    def adopt(self, catalogue: Catalogue) -> None:
        """Take over a catalogue that this process has just committed."""
        with self._lock:
            if catalogue.epoch > self._catalogue.epoch:
                self._catalogue = catalogue
