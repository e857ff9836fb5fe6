"""Projections as rows: what is stored about some accounts, and how it becomes what history says."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table, and_, bindparam, delete, exists, select, update

from creditbank.ledger import bulk
from creditbank.ledger.tables import event
from creditbank.projections import accounts, approvals, catalogue, claims, consents, learner_requests, lots, usages

OF_ACCOUNTS = (*accounts.TABLES, *lots.TABLES, *usages.TABLES, *consents.TABLES, *learner_requests.TABLES)
"""The tables that follow from the history of each account, without the claims, which do so by certificate."""

Rows = Sequence[tuple[Any, ...]]
"""Rows of one table, in the order of its columns."""

_STORED = {table: bulk.Lookup(select(table), table.c.account_id) for table in OF_ACCOUNTS}
_CLAIMS = bulk.Lookup(select(claims.certificate_claim), claims.certificate_claim.c.certificate_id)


def stored(
    connection: Connection, account_ids: Collection[UUID], certificate_ids: Collection[UUID]
) -> dict[Table, list[tuple[Any, ...]]]:
    """What is stored about these accounts, and about who holds these certificates."""
    found = {table: [*map(tuple, lookup.rows(connection, account_ids))] for table, lookup in _STORED.items()}
    found[claims.certificate_claim] = [*map(tuple, _CLAIMS.rows(connection, certificate_ids))]
    return found


def replace(connection: Connection, table: Table, there: Rows, wanted: Rows) -> None:
    """Make rows that are there the wanted ones, without touching those that are."""
    columns = list(table.c)
    at = [columns.index(column) for column in table.primary_key]
    old, new = ({tuple(row[one] for one in at): row for row in rows} for rows in (there, wanted))
    if strange := old.keys() - new.keys():
        connection.execute(delete(table).where(_keyed(table)), [_key(table, key) for key in strange])
    if changed := [key for key, row in new.items() if key in old and old[key] != row]:
        # Never deleted and written anew: who waits for the lock of a head would find that there is none.
        statement = (
            update(table).where(_keyed(table)).values({one.name: bindparam(f"new_{one.name}") for one in columns})
        )
        connection.execute(statement, [_key(table, key) | _values(table, new[key]) for key in changed])
    bulk.insert(connection, table, [row for key, row in new.items() if key not in old])


def _keyed(table: Table) -> Any:
    return and_(*(column == bindparam(f"old_{column.name}", type_=column.type) for column in table.primary_key))


def _key(table: Table, key: tuple[Any, ...]) -> dict[str, Any]:
    return {f"old_{column.name}": value for column, value in zip(table.primary_key, key, strict=True)}


def _values(table: Table, row: tuple[Any, ...]) -> dict[str, Any]:
    return {f"new_{column.name}": value for column, value in zip(table.c, row, strict=True)}


def replace_reference(connection: Connection, published: set[tuple[Any, ...]]) -> None:
    """Make the catalogue these events: stream, version, partition, type and body of each."""
    if published != (known := catalogue.encoded(connection)):
        replace(connection, catalogue.catalogue, list(known), list(published))


def delete_strangers(connection: Connection) -> None:
    """Delete rows of accounts and approvals that history does not know, and claims of certificates nobody holds."""
    keyed = [(table, table.c.account_id) for table in OF_ACCOUNTS]
    for table, column in (*keyed, (approvals.approval, approvals.approval.c.approval_id)):
        in_history = (event.c.stream_id == column) & (event.c.partition_id == table.c.partition_id)
        connection.execute(delete(table).where(~exists(select(event.c.stream_id).where(in_history))))
    claim = claims.certificate_claim
    connection.execute(delete(claim).where(claim.c.certificate_id.in_(lots.unheld())))
