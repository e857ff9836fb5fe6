"""Members: people who act for the bank or for an organisation, as an identity provider names them.

A removed member stays on record, because events name members; whoever is added again is a new one.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from creditbank.vault.tables import member

PREFIX = "member-"
_BY_AGE = (member.c.created_at, member.c.member_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Who an issuer's subject is here. Times are microseconds since 1970 UTC. No subject shows in a log."""

    member_id: str
    issuer: str
    subject: str = field(repr=False)
    role: str
    organisation: str | None
    created_at: int
    created_by: str
    expires_at: int | None
    removed_at: int | None = None

    def is_valid(self, now: int) -> bool:
        return self.removed_at is None and (self.expires_at is None or now < self.expires_at)


def new_id() -> str:
    return PREFIX + secrets.token_hex(8)


def add(connection: Connection, one: Member) -> None:
    """Raises IntegrityError where the subject is a member already."""
    connection.execute(
        insert(member).values(
            member_id=one.member_id,
            issuer=one.issuer,
            subject=one.subject,
            role=one.role,
            organisation=one.organisation,
            created_at=one.created_at,
            created_by=one.created_by,
            expires_at=one.expires_at,
        )
    )


def remove(connection: Connection, member_id: str, now: int) -> None:
    live = (member.c.member_id == member_id) & member.c.removed_at.is_(None)
    connection.execute(update(member).where(live).values(removed_at=now))


def find(connection: Connection, member_id: str) -> Member | None:
    row = connection.execute(select(member).where(member.c.member_id == member_id)).one_or_none()
    return None if row is None else _member(row)


def of_subject(connection: Connection, issuer: str, subject: str) -> Member | None:
    """The member that this subject is, and is not removed; it may have expired."""
    named = (member.c.issuer == issuer) & (member.c.subject == subject) & member.c.removed_at.is_(None)
    row = connection.execute(select(member).where(named)).one_or_none()
    return None if row is None else _member(row)


def listed(connection: Connection, after: tuple[int, str], limit: int | None = None) -> Sequence[Member]:
    """Every member there ever was, the oldest first, behind a time of creation and an id."""
    made = member.c.created_at
    behind = or_(made > after[0], (made == after[0]) & (member.c.member_id > after[1]))
    statement = select(member).where(behind).order_by(*_BY_AGE).limit(limit)
    return [_member(row) for row in connection.execute(statement)]


def _member(row: Row[Any]) -> Member:
    return Member(
        member_id=row.member_id,
        issuer=row.issuer,
        subject=row.subject,
        role=row.role,
        organisation=row.organisation,
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        removed_at=row.removed_at,
    )
