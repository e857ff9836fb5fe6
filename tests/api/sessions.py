"""Sessions as they stand after somebody has signed in, without the way there."""

from __future__ import annotations

from uuid import UUID

from creditbank.commands.bank import Bank
from creditbank.ledger.database import writing
from creditbank.vault import sessions
from creditbank.vault.sessions import LONGEST_MICROSECONDS, Session


def session_of(
    bank: Bank, member_id: str | None = None, account_id: str | None = None, secret: str | None = None
) -> Session:
    """A session of a member or a learner who signs in now; its cookie holds the secret."""
    now = bank.clock()
    session = Session(
        session_id=sessions.new_id(),
        member_id=member_id,
        account_id=account_id and UUID(account_id),
        created_at=now,
        authenticated_at=now,
        seen_at=now,
        expires_at=now + LONGEST_MICROSECONDS,
    )
    with writing(bank.engine) as connection:
        sessions.add(connection, session, secret or sessions.new_secret())
    return session
