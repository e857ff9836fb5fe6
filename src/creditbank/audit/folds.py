"""Accounts folded from rows as the database keeps them, and the rows that follow, beside those that are stored."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Table

from creditbank.audit import naming, standing
from creditbank.audit.naming import Difference
from creditbank.domain import account as accounts
from creditbank.domain.use import Use
from creditbank.ledger import codec
from creditbank.ledger.raw import Range, RawReader, Rows
from creditbank.ledger.tables import event as event_table

_AT = {column.name: at for at, column in enumerate(event_table.columns)}
STREAM, _TYPE, _BODY = _AT["stream_id"], _AT["type"], _AT["body"]
_PARTITION, _VERSION, _RECORDED_AT = _AT["partition_id"], _AT["version"], _AT["recorded_at"]

_ACCOUNT_NAMES = frozenset(standing.ACCOUNT_NAMES)
_FEW_BYTES = 64
_decoded = lru_cache(maxsize=4_096)(codec.decode)
"""For events of a few words: many accounts begin with the same one."""


def is_account(history: Rows) -> bool:
    """Whether the events of a stream are those of an account."""
    return history[0][_TYPE] in _ACCOUNT_NAMES


@dataclass(frozen=True, slots=True)
class Apart:
    """The rows of a table that ought to be there and are not, and the raw ones that are there and ought not to be."""

    missing: Rows
    surplus: Rows


class Folds:
    """What follows from the accounts of a range: the rows that they ought to have, and their uses.

    Of the folded accounts themselves nothing is kept: objects that live for a moment cost half as much.
    """

    def __init__(self, reader: RawReader) -> None:
        self._reader = reader
        self.account_ids: list[UUID] = []
        self.uses: list[tuple[UUID, Use]] = []
        self.expected = standing.no_rows()
        self.unreadable: list[Difference] = []
        self.with_gaps = False
        """Whether a version is missing in one of them."""

    def add(self, raw_id: Any, history: Rows) -> None:
        """Fold one account."""
        account_id = self._reader.uuid_of(raw_id)
        try:
            events = [_event(row[_TYPE], row[_BODY]) for row in history if row[_TYPE] in _ACCOUNT_NAMES]
            account = accounts.replay(accounts.empty(account_id), events)
            times = {row[_VERSION]: row[_RECORDED_AT] for row in history}
            standing.add_rows(self.expected, account, history[0][_PARTITION], events, times)
        except (ValueError, LookupError) as error:
            said = f"cannot be read: {type(error).__name__}"
            self.unreadable.append(naming.of_account(account_id, "history", "events that follow one another", said))
            return
        self.account_ids.append(account_id)
        self.uses += [(account_id, use) for use in account.uses.values()]
        if history[-1][_VERSION] != len(history):
            self.with_gaps = True

    def compared(self, among: Range, only: Container[Any] | None = None) -> dict[Table, Apart]:
        """By their table, the rows of a range in which history and database differ.

        Of the stored rows those of every account there, or `only` those of some, by their raw ids.
        """
        found = dict[Table, Apart]()
        for table, expected in self.expected.items():
            if table is standing.CLAIMS:
                stored = self._reader.among(table, "certificate_id", [row[0] for row in expected])
            else:
                stored = self._reader.within(table, "account_id", among)
                if only is not None:
                    stored = [row for row in stored if row[0] in only]
            if not stored:
                found |= {table: Apart(expected, [])} if expected else {}
                continue
            made = self._reader.made(table, expected)
            there, wanted = set(stored), set(made)
            if there != wanted:
                missing = [row for row, raw in zip(expected, made, strict=True) if raw not in there]
                found[table] = Apart(missing, [row for row in stored if row not in wanted])
        return found

    def owners(self, table: Table, apart: Apart) -> list[UUID]:
        """The accounts of the rows that differ."""
        owner = 1 if table is standing.CLAIMS else 0
        return [*(row[owner] for row in apart.missing), *(self._reader.uuid_of(row[owner]) for row in apart.surplus)]


def _event(name: str, body: bytes) -> Any:
    return _decoded(name, body) if len(body) < _FEW_BYTES else codec.decode(name, body)
