"""Erasures on the list that is kept apart from the database: an answer that confirms one goes out behind its line."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, TimeoutError

from creditbank.commands.bank import Bank
from creditbank.domain.events import AccountErased, AccountReceived
from creditbank.ledger import log
from creditbank.ledger.log import Recorded
from creditbank.vault.erased import Erased

_DOCUMENT: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


def erased_by(body: bytes) -> UUID | None:
    """The account whose erasure an answer confirms by its receipt, whether it is given the first time or again."""
    if b'"receipt_id"' not in body:
        return None
    receipt = _DOCUMENT.validate_json(body).get("receipt")
    return UUID(receipt["account_id"]) if isinstance(receipt, dict) else None


def are_noted(bank: Bank, account_ids: Collection[UUID]) -> bool:
    """Put accounts that were erased on the list, and say whether they stand there now, on disk."""
    try:
        with bank.engine.connect() as connection, connection.begin():
            lines = lines_of(connection, account_ids)
        bank.erased.append(lines)
    except (OSError, DBAPIError, TimeoutError):
        return False
    return True


def lines_of(connection: Connection, account_ids: Collection[UUID]) -> list[Erased]:
    """What the list must say about accounts that were erased; behind those that were merged into them."""
    return [line for history in log.streams(connection, account_ids).values() for line in _lines(history)]


def _lines(history: Sequence[Recorded]) -> list[Erased]:
    account_ids = [item.event.merged_from for item in history if isinstance(item.event, AccountReceived)]
    for item in history:
        if isinstance(item.event, AccountErased):
            # The account itself comes last: where its line stands, the others do.
            return [
                Erased(account_id=one, receipt=item.event.receipt, erased_at=item.recorded_at)
                for one in (*account_ids, item.stream_id)
            ]
    return []
