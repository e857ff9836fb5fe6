"""Before a bank serves: what its list of erased accounts and its database say of each other is made one.

A database that was restored from a backup may hold persons who were erased since. They are erased again, before
anybody can ask for them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from sqlalchemy import Engine

from creditbank.commands import erasures
from creditbank.commands.accounts import Erase
from creditbank.commands.bank import Bank
from creditbank.commands.desk import Desk, Request
from creditbank.domain.errors import HistoryBehind, WrongState
from creditbank.ledger.database import writing
from creditbank.projections import accounts
from creditbank.vault import persons
from creditbank.vault.erased import Erased, ErasedList

ACTOR = "authority:erased-list"
REASON = "erased before; restored from a backup since, and erased again by the list of erased accounts"
CHUNK = 500

_logger = logging.getLogger("creditbank.vault")


@dataclass(frozen=True, slots=True, kw_only=True)
class Discord:
    """Where list and database differ: who is listed and not erased, and who is erased and not listed."""

    alive: Mapping[UUID, Erased]
    unlisted: frozenset[UUID]


def discord(engine: Engine, erased_list: ErasedList) -> Discord:
    """One reading of the list, each of its accounts looked up by its key, and one indexed query for those erased.

    Raises ListDamaged.
    """
    listed = erased_list.read()
    with engine.connect() as connection, connection.begin():
        alive = {account_id for some in _chunks(listed) for account_id in accounts.unerased(connection, some)}
        alive |= {account_id for some in _chunks(listed) for account_id in persons.kept(connection, some)}
        erased = accounts.erased(connection)
    return Discord(alive={one: listed[one] for one in alive}, unlisted=frozenset(erased - listed.keys()))


def reconcile(bank: Bank, desk: Desk) -> Discord:
    """Erase again whom the list names, and list whom the database has erased. Returns what was found.

    Raises ListDamaged, OSError where the list cannot be written, and Unavailable.
    """
    found = discord(bank.engine, bank.erased)
    for some in _chunks(found.unlisted):
        with bank.engine.connect() as connection, connection.begin():
            lines = erasures.lines_of(connection, some)
        bank.erased.append(lines)
    if found.alive:
        # The keys first: they are gone whatever becomes of the events.
        for some in _chunks(found.alive):
            with writing(bank.engine) as connection:
                persons.erase(connection, some)
        _record(bank, desk, found.alive.values())
        _logger.warning("%d accounts of a restored backup were erased again", len(found.alive))
    return found


def _record(bank: Bank, desk: Desk, lines: Iterable[Erased]) -> None:
    try:
        for line in lines:
            _erase(bank, desk, line)
    except HistoryBehind:
        # Published events are missing, and nothing may be written before they are back: the next start records it.
        _logger.warning("the erasures are not recorded yet: published history is missing")


def _erase(bank: Bank, desk: Desk, line: Erased) -> None:
    with bank.engine.connect() as connection, connection.begin():
        if not accounts.unerased(connection, [line.account_id]):
            return  # merged into one that is listed too, or only the person's row is left
    command = Erase(account_id=line.account_id, reason=REASON, receipt=line.receipt, is_repeated=True)
    try:
        desk.call(Request(command=command, actor=ACTOR))
    except WrongState:
        return  # another process that starts now was faster


def _chunks(account_ids: Iterable[UUID]) -> Iterator[list[UUID]]:
    waiting = iter(account_ids)
    while some := list(islice(waiting, CHUNK)):
        yield some
