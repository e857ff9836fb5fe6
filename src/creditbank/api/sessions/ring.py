"""Sessions as credentials: asks the database about each at most once in a while, as is done for keys."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from fastapi import Request
from sqlalchemy import Connection

from creditbank.api.freshness import Remembered
from creditbank.api.last_uses import LastUses
from creditbank.api.principals import Principal
from creditbank.api.refusals import CredentialRefused
from creditbank.api.sessions.cookies import cookies_of
from creditbank.api.sessions.cross_site import require_own_site
from creditbank.commands.bank import Bank
from creditbank.commands.sessions import sweep
from creditbank.projections import accounts
from creditbank.vault import members, sessions
from creditbank.vault.sessions import Session

FRESH_SIGN_IN_MICROSECONDS = 10 * 60 * 1_000_000
"""How long somebody counts as having just signed in."""


@dataclass(frozen=True, slots=True)
class Known:
    """A session that was found, and who speaks with it."""

    session: Session
    principal: Principal


class SessionRing:
    """Knows sessions by the secrets in their cookies."""

    def __init__(self, bank: Bank, public_url: str) -> None:
        self._bank = bank
        self.public_url = public_url
        self._sessions = Remembered[Known](self._find, lambda: bank.clock())
        self.cookies = cookies_of(public_url)
        self.uses = LastUses(bank, sessions.note_uses)

    def secret(self, request: Request) -> str | None:
        """What the cookie holds; None without one. Raises CredentialRefused where there are several."""
        values = self.cookies.session.read(request.scope)
        if len(values) > 1:
            raise CredentialRefused("session", "malformed")
        return values[0] if values else None

    async def principal(self, request: Request, secret: str) -> Principal:
        """Who is signed in. Raises CredentialRefused, and CrossSiteRequest for what another site may have caused."""
        require_own_site(request.scope, self.public_url)
        known, now = await self.known(secret), self._bank.clock()
        told = known.session.authenticated_at
        is_fresh = told is not None and now - told <= FRESH_SIGN_IN_MICROSECONDS
        return replace(known.principal, is_fresh=is_fresh)

    async def known(self, secret: str) -> Known:
        """The session of a secret, which is used by this. Raises CredentialRefused where it is over."""
        known, now = await self._sessions.get(secret), self._bank.clock()
        if now >= known.session.ends_at(self.uses.noted(known.session.session_id)):
            raise CredentialRefused("session", "expired")
        self.uses.note(known.session.session_id, now)
        return known

    def forget(self, name: str) -> None:
        """Ask the database again about a session, or all sessions of a member, that have just been ended."""
        self._sessions.forget(lambda known: name in (known.session.session_id, known.session.member_id))

    def forget_secret(self, secret: str) -> None:
        """Ask the database again about the session of a secret."""
        self._sessions.forget_name(secret)

    def forget_organisation(self, code: str) -> None:
        """Ask the database again about all sessions of an organisation's members."""
        self._sessions.forget(lambda known: known.principal.organisation == code)

    def sweep(self) -> None:
        """Forget sessions that have been over for long; a chore."""
        sweep(self._bank)

    def _find(self, secret: str) -> Known:
        with self._bank.engine.connect() as connection, connection.begin():
            session = sessions.find(connection, secret)
            if session is None:
                raise CredentialRefused("session", "unknown")
            if session.member_id is not None:
                return Known(session, self._member(connection, session, session.member_id))
            assert session.account_id is not None, "a session is a member's or a learner's"
            return Known(session, _learner(connection, session, session.account_id))

    def _member(self, connection: Connection, session: Session, member_id: str) -> Principal:
        member = members.find(connection, member_id)
        if member is None or not member.is_valid(self._bank.clock()):
            raise CredentialRefused("session", "ended")
        if self._bank.is_suspended(connection, member.organisation):
            raise CredentialRefused("session", "suspended")
        return Principal(
            role=member.role,  # type: ignore[arg-type]  # only known roles are ever stored
            credential=session.session_id,
            organisation=member.organisation,
            account_id=None,
            person=member_id,
        )


def _learner(connection: Connection, session: Session, account_id: UUID) -> Principal:
    """A learner goes with the account where that was merged into another one."""
    line = accounts.line(connection, account_id)
    return Principal(
        role="learner",
        credential=session.session_id,
        organisation=None,
        account_id=line[-1],
        former_accounts=frozenset(line[:-1]),
        person=str(line[-1]),
    )
