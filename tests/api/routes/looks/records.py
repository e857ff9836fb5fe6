"""What is on record about an account, read where it is written."""

from __future__ import annotations

from uuid import UUID

from creditbank.ledger import accesses
from creditbank.ledger.accesses import Look
from tests.api.bank import ReadyBank

MOST = 10_000


def looks_at(bank: ReadyBank, account_id: str | UUID) -> list[Look]:
    """Who looked at an account, the first of them first."""
    with bank.core.engine.connect() as connection, connection.begin():
        found = accesses.of_accounts(connection, [UUID(str(account_id))], None, MOST)
    return [one.access.look for one in reversed(found)]


def fields_seen(bank: ReadyBank, account_id: str | UUID) -> list[str]:
    """What was looked at in an account, one look after the other."""
    return [look.fields for look in looks_at(bank, account_id)]
