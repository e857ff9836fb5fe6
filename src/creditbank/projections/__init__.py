"""Answers kept up to date in the transaction of the append, one module each: table, apply, queries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Table

from creditbank.ledger.log import Recorded
from creditbank.projections import accounts, approvals, catalogue, claims, consents, learner_requests, lots, usages


@dataclass(frozen=True, slots=True)
class Projection:
    """A set of tables that follows from history alone, and the function that keeps them up to date."""

    name: str
    tables: tuple[Table, ...]
    apply: Callable[[Connection, Sequence[Recorded]], None]


ALL = (
    Projection("accounts", accounts.TABLES, accounts.apply),
    Projection("lots", lots.TABLES, lots.apply),
    Projection("usages", usages.TABLES, usages.apply),
    Projection("consents", consents.TABLES, consents.apply),
    Projection("learner_requests", learner_requests.TABLES, learner_requests.apply),
    Projection("catalogue", catalogue.TABLES, catalogue.apply),
    Projection("approvals", approvals.TABLES, approvals.apply),
)
"""What follows from the events one by one. Claims are not among them: they are taken before the events have
positions."""

TABLES = (*(table for projection in ALL for table in projection.tables), *claims.TABLES)


def apply(connection: Connection, recorded: Sequence[Recorded]) -> None:
    """Bring every projection up to date. A failure of one fails the append."""
    for projection in ALL:
        projection.apply(connection, recorded)
