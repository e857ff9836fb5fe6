"""Sign somebody in whom an identity provider has identified: as a member, or as the learner of an account.

A member is known by issuer and subject, a learner by an identity document, and nobody ever by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection

from creditbank.commands.bank import Bank
from creditbank.domain import errors
from creditbank.ledger.database import writing
from creditbank.vault import members, sessions
from creditbank.vault.members import Member
from creditbank.vault.persons import IdentityDocument
from creditbank.vault.sessions import LONGEST_MICROSECONDS, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """Who signed in at an identity provider, as it says.

    `authenticated_at`, in microseconds, is None where it does not tell. A member may want to be here as a learner.
    """

    issuer: str
    subject: str = field(repr=False)
    document: IdentityDocument | None
    authenticated_at: int | None
    as_learner: bool = False


def open_session(bank: Bank, identified: Identified, former: Sequence[str] = ()) -> tuple[Session, str]:
    """A new session with the secret that only the browser keeps. Those of the secrets in `former` end.

    Raises AccountUnknown, IdentityIncomplete or OrganisationSuspended; then nothing has changed.
    """
    with writing(bank.engine) as connection:
        now = bank.clock()
        member = None if identified.as_learner else _member(bank, connection, identified, now)
        ends = now + LONGEST_MICROSECONDS
        told = identified.authenticated_at
        session = Session(
            session_id=sessions.new_id(),
            member_id=None if member is None else member.member_id,
            account_id=_account(bank, connection, identified.document) if member is None else None,
            created_at=now,
            authenticated_at=None if told is None else min(told, now),
            seen_at=now,
            expires_at=min(ends, (member and member.expires_at) or ends),
        )
        secret = sessions.new_secret()
        sessions.add(connection, session, secret)
        for ended in former:
            sessions.end_by_secret(connection, ended)
    return session, secret


def _member(bank: Bank, connection: Connection, identified: Identified, now: int) -> Member | None:
    member = members.of_subject(connection, identified.issuer, identified.subject)
    if member is None or not member.is_valid(now):
        return None
    if bank.is_suspended(connection, member.organisation):
        raise errors.OrganisationSuspended()
    return member


def _account(bank: Bank, connection: Connection, document: IdentityDocument | None) -> UUID:
    if document is None:
        raise errors.IdentityIncomplete()
    account_id = bank.vault.accounts_of(connection, [document]).get(document)
    if account_id is None:
        raise errors.AccountUnknown()
    return account_id
