"""One pass over all of history, range by range of ids: each event is read once, and everything is made of it that
follows from it: the rows of the answers, the decisions, and what the public log commits to.

Rows are compared as the database keeps them. Only where some differ is it worth knowing why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from creditbank.audit import decisions, naming, standing
from creditbank.audit.chain import Chain, Published
from creditbank.audit.folds import STREAM, Folds, is_account
from creditbank.audit.naming import Difference
from creditbank.domain.catalogue import Catalogue
from creditbank.ledger import sequence
from creditbank.ledger.raw import Range, RawReader
from creditbank.ledger.tables import event as event_table
from creditbank.projections import catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a range came to. `suspects` are partitions in which something is not as it was published."""

    events: int
    published: Counter[int]
    claims: int
    differences: tuple[Difference, ...]
    suspects: frozenset[int]


@dataclass(slots=True)
class Sweeper:
    """Sweeps range after range of one snapshot; without a published log, only the answers."""

    connection: Connection
    published: Published | None
    _reader: RawReader = field(init=False)
    _reference: Catalogue = field(init=False)
    _chain: Chain | None = field(init=False)

    def __post_init__(self) -> None:
        self._reader = RawReader(self.connection)
        self._reference = catalogue.read(self.connection)
        self._chain = None if self.published is None else Chain(self.published, self._reader)

    def sweep(self, among: Range) -> Swept:
        """Everything about the streams of a range. What cannot be read is a difference."""
        try:
            return self._sweep(among)
        except (DBAPIError, UnicodeError) as error:
            if self.connection.dialect.name != "sqlite":
                raise
            # A file that was written into beside SQLite: text that is none.
            said = Difference(where=f"ids from {among.after}", what="rows", expected="text", stored=str(error.args[0]))
            everywhere = frozenset[int]() if self.published is None else frozenset(self.published.ends)
            return Swept(events=0, published=Counter(), claims=0, differences=(said,), suspects=everywhere)

    def _sweep(self, among: Range) -> Swept:
        events = self._reader.within(event_table, "stream_id", among, "stream_id, version")
        folds = Folds(self._reader)
        heads = []
        for raw_id, rows_of_stream in groupby(events, itemgetter(STREAM)):
            history = list(rows_of_stream)
            if is_account(history):
                folds.add(raw_id, history)
            if self._chain is not None and (head := self._chain.follow(raw_id, history)) is not None:
                heads.append(head)
        published, suspects = Counter[int](), set[int]()
        if self._chain is not None:
            published, suspects = self._chain.taken()
            suspects |= self._chain.other_heads(self._reader.within(sequence.log_head, "stream_id", among), heads)
        return Swept(
            events=len(events),
            published=published,
            claims=len(folds.expected[standing.CLAIMS]),
            differences=tuple(self._differences(among, folds)),
            suspects=frozenset(suspects),
        )

    def _differences(self, among: Range, folds: Folds) -> Iterator[Difference]:
        yield from folds.unreadable
        others = {table: folds.owners(table, apart) for table, apart in folds.compared(among).items()}
        if others or folds.with_gaps:
            named = list(naming.of_accounts(self.connection, folds.account_ids))
            yield from named
            told = {difference.where for difference in (*folds.unreadable, *named)}
            untold = {table: [one for one in ids if f"account {one}" not in told] for table, ids in others.items()}
            yield from naming.of_rows(untold, frozenset(folds.account_ids))
        for account_id, use in folds.uses:
            if fault := decisions.fault_of(use, self._reference):
                what = f"decision of {use.kind} {use.use_id}"
                yield naming.of_account(account_id, what, fault.expected, fault.recorded)
