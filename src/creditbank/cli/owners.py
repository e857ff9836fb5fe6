"""Whom keys and members may be for, and until when: checked beside the server as the server checks it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection

from creditbank.cli.outcome import Failed
from creditbank.domain import errors, terms
from creditbank.projections import accounts, catalogue


def check(connection: Connection, role: str, organisation: str | None, account_id: UUID | None = None) -> None:
    """Raise Failed unless the owner is there and may have this role."""
    if account_id is not None and account_id not in accounts.rows(connection, [account_id]):
        raise Failed(f"there is no account {account_id}")
    if organisation is None:
        return
    known = catalogue.read(connection).organisations.get(organisation)
    if known is None:
        raise Failed(f"there is no organisation {organisation}")
    if role not in known.registered.roles:
        raise Failed(f"the organisation {organisation} is no {role}: it is {', '.join(known.registered.roles)}")


def end(role: str, wanted: int | None, now: int) -> int | None:
    """When it ends, in microseconds. Raises Failed for an auditor's that lasts too long."""
    try:
        return terms.ends_at(role, wanted, now)
    except errors.Invalid as refused:
        raise Failed(refused.faults[0].detail) from refused
