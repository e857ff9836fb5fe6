"""Sessions of people who are signed in: listed for their owners, and ended by them or by the authority."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from creditbank.commands.bank import Bank
from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs
from creditbank.domain import errors
from creditbank.domain.instants import instant_text
from creditbank.ledger.database import writing
from creditbank.vault import sessions
from creditbank.vault.sessions import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose sessions: a member's, or those of a learner with these accounts. Of neither there are none."""

    member_id: str | None = None
    account_ids: frozenset[UUID] = frozenset()

    def owns(self, session: Session) -> bool:
        if session.member_id is not None:
            return session.member_id == self.member_id
        return session.account_id in self.account_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSession:
    """Whoever comes with this session is nobody any more. `owner` None is whoever may end any."""

    session_id: str
    owner: Owner | None

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        session = sessions.named(draft.unit.connection, self.session_id)
        if session is None or (self.owner is not None and not self.owner.owns(session)):
            raise errors.NotFound()
        draft.statements.append(lambda connection: sessions.end(connection, self.session_id))
        return Answer(status=204, body={})


def sign_out(bank: Bank, secret: str) -> None:
    """End the session of a browser, if it is one."""
    with writing(bank.engine) as connection:
        sessions.end_by_secret(connection, secret)


def sweep(bank: Bank) -> None:
    """Forget sessions that have been over for long."""
    with writing(bank.engine) as connection:
        sessions.sweep(connection, bank.clock())


def listed(bank: Bank, owner: Owner) -> list[dict[str, Any]]:
    """The sessions of an owner that are not over, the oldest first."""
    now = bank.clock()
    with bank.engine.connect() as connection, connection.begin():
        found = _of(connection, owner)
    return [document(session) for session in found if now < session.ends_at(session.seen_at)]


def found(bank: Bank, session_id: str) -> Session | None:
    with bank.engine.connect() as connection, connection.begin():
        return sessions.named(connection, session_id)


def document(session: Session) -> dict[str, Any]:
    """What is told about a session; nothing of it opens one."""
    told = session.authenticated_at
    return {
        "session_id": session.session_id,
        "signed_in_at": instant_text(session.created_at),
        "authenticated_at": None if told is None else instant_text(told),
        "last_seen_at": instant_text(session.seen_at),
        "expires_at": instant_text(session.ends_at(session.seen_at)),
    }


def _of(connection: Connection, owner: Owner) -> Sequence[Session]:
    if owner.member_id is not None:
        return sessions.of_member(connection, owner.member_id)
    return sessions.of_accounts(connection, owner.account_ids)
