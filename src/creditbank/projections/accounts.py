"""Account heads: status and version of every account, and which institution may deal with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    Index,
    PrimaryKeyConstraint,
    Row,
    SmallInteger,
    Table,
    Text,
    Uuid,
    bindparam,
    delete,
    select,
    text,
)

from creditbank.domain.account import Account, Dealing, Head, status_after
from creditbank.domain.events import AccountMerged, AccountOpened, DealingOpened, Event
from creditbank.ledger import bulk, codec
from creditbank.ledger.log import Recorded
from creditbank.projections.tables import metadata

account = Table(
    "account",
    metadata,
    Column("account_id", Uuid, nullable=False),
    Column("partition_id", SmallInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("merged_into", Uuid, nullable=True),
    PrimaryKeyConstraint("account_id", "partition_id"),
    Index(
        "account_erased",
        "account_id",
        postgresql_where=text("status = 'erased'"),
        sqlite_where=text("status = 'erased'"),
    ),
)

dealing = Table(
    "dealing",
    metadata,
    Column("account_id", Uuid, nullable=False),
    Column("institution", Text, nullable=False),
    Column("partition_id", SmallInteger, nullable=False),
    Column("until", Date, nullable=True),
    PrimaryKeyConstraint("account_id", "institution", "partition_id"),
)

TABLES = (account, dealing)

_ACCOUNTS = bulk.Lookup(select(account), account.c.account_id)
_LOCKED = bulk.Lookup(select(account).order_by(account.c.account_id).with_for_update(), account.c.account_id)
_RESTRICTED = bulk.Lookup(select(account.c.account_id).where(account.c.status == "restricted"), account.c.account_id)
_ERASED = select(account.c.account_id).where(text("status = 'erased'"))
_UNERASED = bulk.Lookup(
    select(account.c.account_id).where(account.c.status != "erased", account.c.status != "merged"),
    account.c.account_id,
)
_DEALINGS = bulk.Lookup(select(dealing), dealing.c.account_id)
_DEALINGS_WITH = bulk.Lookup(
    select(dealing).where(dealing.c.institution == bindparam("institution")), dealing.c.account_id
)

_KEY = (account.c.account_id, account.c.partition_id)
_VERSION = bulk.Update(account, _KEY, [account.c.version])
_STATUS = bulk.Update(account, _KEY, [account.c.version, account.c.status, account.c.merged_into])


def apply(connection: Connection, recorded: Sequence[Recorded]) -> None:
    """Bring the heads up to date with these events."""
    opened: dict[UUID, tuple[Any, ...]] = {}
    changed: dict[UUID, dict[str, Any]] = {}
    for item in recorded:
        if codec.stream_kind(item.type) != "account":
            continue
        if isinstance(item.event, AccountOpened):
            opened[item.stream_id] = (item.partition_id, item.recorded_at, item.event.opened_by)
        change = changed.setdefault(item.stream_id, {"a": item.stream_id, "p": item.partition_id})
        change["v"] = item.version
        if status := status_after(item.event):  # type: ignore[arg-type]  # an account stream holds account events
            change["s"] = status
            change["m"] = item.event.survivor if isinstance(item.event, AccountMerged) else None
    rows = []
    for account_id, (partition_id, opened_at, opened_by) in opened.items():
        change = changed.pop(account_id)
        rows.append((account_id, partition_id, change["v"], opened_at, opened_by, change["s"], change["m"]))
    bulk.insert(connection, account, rows)
    of_versions = [(one["a"], one["p"], one["v"]) for one in changed.values() if "s" not in one]
    _VERSION.apply(connection, of_versions)
    of_statuses = [(one["a"], one["p"], one["v"], one["s"], one["m"]) for one in changed.values() if "s" in one]
    _STATUS.apply(connection, of_statuses)
    _apply_dealings(connection, recorded)


def enter(connection: Connection, opened: Sequence[tuple[Any, ...]], moved: Sequence[tuple[bytes, int, int]]) -> None:
    """Rows of new accounts, and the new version of others: the 16 bytes of the id, partition, version."""
    bulk.insert(connection, account, opened)
    _VERSION.apply(connection, moved)


def _apply_dealings(connection: Connection, recorded: Sequence[Recorded]) -> None:
    latest: dict[tuple[UUID, str], Recorded] = {}
    for item in recorded:
        if isinstance(item.event, DealingOpened):
            latest[item.stream_id, item.event.institution] = item
    for (account_id, institution), item in latest.items():
        assert isinstance(item.event, DealingOpened)
        row = (account_id, institution, item.partition_id, item.event.until)
        connection.execute(
            delete(dealing).where(dealing.c.account_id == account_id, dealing.c.institution == institution)
        )
        bulk.insert(connection, dealing, [row])


def rows_of(account: Account, partition_id: int, first: Event, recorded_at: int) -> list[tuple[Any, ...]]:
    """The row of an account as it stands; none where `first`, the first of its events, does not open it."""
    if not isinstance(first, AccountOpened):
        return []
    head = account.head
    row = (partition_id, head.version, recorded_at, first.opened_by, head.status, head.merged_into)
    return [(head.account_id, *row)]


def dealings_of(account: Account, partition_id: int, events: Iterable[Event]) -> list[tuple[Any, ...]]:
    """The rows of an account's dealings: who opened it stands on its head, a row is kept for those who came later."""
    named = dict.fromkeys(event.institution for event in events if isinstance(event, DealingOpened))
    account_id = account.head.account_id
    return [(account_id, one, partition_id, account.dealings[one].until) for one in named]


def heads(connection: Connection, account_ids: Collection[UUID], *, lock: bool = False) -> dict[UUID, Head]:
    """The heads of the accounts that exist. With `lock`, in the order of their ids, held to the transaction's end."""
    lookup = _LOCKED if lock else _ACCOUNTS
    return {row.account_id: head_of(row) for row in lookup.rows(connection, account_ids)}


def head_of(row: Row[Any]) -> Head:
    return Head(account_id=row.account_id, status=row.status, version=row.version, merged_into=row.merged_into)


def rows(connection: Connection, account_ids: Collection[UUID]) -> dict[UUID, Row[Any]]:
    """The stored rows of accounts: head, opened_at, opened_by."""
    return {row.account_id: row for row in _ACCOUNTS.rows(connection, account_ids)}


def restricted(connection: Connection, account_ids: Collection[UUID]) -> set[UUID]:
    """Those of these accounts whose data may be kept and not used."""
    return {row.account_id for row in _RESTRICTED.rows(connection, account_ids)}


def erased(connection: Connection) -> set[UUID]:
    """Every account whose person was erased: what an index of them alone holds."""
    return set(connection.execute(_ERASED).scalars())


def unerased(connection: Connection, account_ids: Collection[UUID]) -> set[UUID]:
    """Those of these accounts that can still be erased: neither erased nor merged into another one."""
    return {row.account_id for row in _UNERASED.rows(connection, account_ids)}


def line(connection: Connection, account_id: UUID) -> list[UUID]:
    """An account and those that it continues on after merges; the last one is where it is now."""
    line, following = [account_id], rows(connection, [account_id]).get(account_id)
    while following is not None and following.merged_into is not None:
        line.append(following.merged_into)
        following = rows(connection, [following.merged_into]).get(following.merged_into)
    return line


def dealings(connection: Connection, account_ids: Collection[UUID], institution: str) -> dict[UUID, Dealing]:
    """The dealings of an institution with these accounts, lapsed ones included."""
    rows = _DEALINGS_WITH.rows(connection, account_ids, institution=institution)
    return {row.account_id: Dealing(institution=row.institution, until=row.until) for row in rows}


def all_dealings(connection: Connection, account_ids: Collection[UUID]) -> dict[UUID, dict[str, Dealing]]:
    """Every dealing of every institution with these accounts, lapsed ones included."""
    found: dict[UUID, dict[str, Dealing]] = {account_id: {} for account_id in account_ids}
    for row in _DEALINGS.rows(connection, account_ids):
        found[row.account_id][row.institution] = Dealing(institution=row.institution, until=row.until)
    return found
