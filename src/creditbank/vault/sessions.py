"""Sessions of people who signed in. The browser holds a random secret; at rest there is only its hash.

The secret has 256 random bits, so that its plain hash tells nothing and can be looked up.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Connection, Row, bindparam, delete, insert, select, update

from creditbank.vault.tables import session

PREFIX = "session-"
IDLE_MICROSECONDS = 8 * 3_600 * 1_000_000
"""How long a session lasts that nobody uses."""

LONGEST_MICROSECONDS = 24 * 3_600 * 1_000_000
"""How long any session lasts."""

KEPT_MICROSECONDS = 7 * 24 * 3_600 * 1_000_000
"""For how long a session that is over is still known as one: a browser that comes back with it is no stranger."""

MINUTE = 60_000_000
"""The last use of a session is written at most so often, in microseconds: reads must not become writes."""

_LENGTH = 43


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session of a member or of a learner. Times are microseconds since 1970 UTC.

    `authenticated_at` is when the person last proved to the identity provider who they are, where it told.
    """

    session_id: str
    member_id: str | None
    account_id: UUID | None
    created_at: int
    authenticated_at: int | None
    seen_at: int
    expires_at: int

    def ends_at(self, seen_at: int) -> int:
        """When it is over unless it is used again, having been used last at `seen_at`."""
        return min(max(seen_at, self.seen_at) + IDLE_MICROSECONDS, self.expires_at)


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def new_id() -> str:
    return PREFIX + secrets.token_hex(8)


def digest(secret: str) -> bytes | None:
    """What is stored of a secret; None for what cannot be one."""
    return sha256(secret.encode()).digest() if len(secret) == _LENGTH and secret.isascii() else None


def add(connection: Connection, one: Session, secret: str) -> None:
    connection.execute(
        insert(session).values(
            digest=digest(secret),
            session_id=one.session_id,
            member_id=one.member_id,
            account_id=one.account_id,
            created_at=one.created_at,
            authenticated_at=one.authenticated_at,
            seen_at=one.seen_at,
            expires_at=one.expires_at,
        )
    )


def find(connection: Connection, secret: str) -> Session | None:
    found = digest(secret)
    return None if found is None else _one(connection, session.c.digest == found)


def named(connection: Connection, session_id: str) -> Session | None:
    return _one(connection, session.c.session_id == session_id)


def of_member(connection: Connection, member_id: str) -> Sequence[Session]:
    return _all(connection, session.c.member_id == member_id)


def of_accounts(connection: Connection, account_ids: Collection[UUID]) -> Sequence[Session]:
    return _all(connection, session.c.account_id.in_(account_ids))


def end(connection: Connection, session_id: str) -> None:
    connection.execute(delete(session).where(session.c.session_id == session_id))


def end_by_secret(connection: Connection, secret: str) -> None:
    if (known := digest(secret)) is not None:
        connection.execute(delete(session).where(session.c.digest == known))


def end_of_member(connection: Connection, member_id: str) -> None:
    connection.execute(delete(session).where(session.c.member_id == member_id))


def end_of_account(connection: Connection, account_id: UUID) -> None:
    connection.execute(delete(session).where(session.c.account_id == account_id))


def note_uses(connection: Connection, uses: Mapping[str, int]) -> None:
    """Write when sessions were used, by their ids, except where a use was written within the last minute."""
    used_at = bindparam("used_at", type_=BigInteger)
    is_due = (session.c.session_id == bindparam("used")) & (session.c.seen_at <= used_at - MINUTE)
    statement = update(session).where(is_due).values(seen_at=used_at)
    # In one order for all processes, so that two of them never wait for each other.
    connection.execute(statement, [{"used": session_id, "used_at": now} for session_id, now in sorted(uses.items())])


def sweep(connection: Connection, now: int) -> None:
    """Forget those that have been over for long."""
    ended = now - KEPT_MICROSECONDS
    is_over = (session.c.expires_at < ended) | (session.c.seen_at < ended - IDLE_MICROSECONDS)
    connection.execute(delete(session).where(is_over))


def _one(connection: Connection, condition: ColumnElement[bool]) -> Session | None:
    row = connection.execute(select(session).where(condition)).one_or_none()
    return None if row is None else _session(row)


def _all(connection: Connection, condition: ColumnElement[bool]) -> Sequence[Session]:
    statement = select(session).where(condition).order_by(session.c.created_at, session.c.session_id)
    return [_session(row) for row in connection.execute(statement)]


def _session(row: Row[Any]) -> Session:
    return Session(
        session_id=row.session_id,
        member_id=row.member_id,
        account_id=row.account_id,
        created_at=row.created_at,
        authenticated_at=row.authenticated_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
    )
