"""Add and remove members: people who may sign in and act for the bank or for an organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from creditbank.commands.bank import Bank
from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs
from creditbank.domain import errors, terms
from creditbank.domain.errors import Fault
from creditbank.domain.instants import instant_text
from creditbank.vault import members, sessions
from creditbank.vault.members import Member


@dataclass(frozen=True, slots=True, kw_only=True)
class AddMember:
    """A subject of an issuer becomes a member. Only the authority's may act for no organisation.

    `expires_at` is in microseconds; an auditor always ceases to be one.
    """

    issuer: str
    subject: str
    role: str
    organisation: str | None
    created_by: str
    expires_at: int | None = None

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        unit = draft.unit
        self._check_organisation(draft)
        expires_at = terms.ends_at(self.role, self.expires_at, unit.now)
        known = members.of_subject(unit.connection, self.issuer, self.subject)
        if known is not None and known.is_valid(unit.now):
            raise errors.MemberExists(known.member_id)
        if known is not None:
            members.remove(unit.connection, known.member_id, unit.now)
        member = Member(
            member_id=members.new_id(),
            issuer=self.issuer,
            subject=self.subject,
            role=self.role,
            organisation=self.organisation,
            created_at=unit.now,
            created_by=self.created_by,
            expires_at=expires_at,
        )
        members.add(unit.connection, member)
        return Answer(status=201, body=document(member, unit.now))

    def _check_organisation(self, draft: Draft) -> None:
        if self.organisation is None:
            return
        known = draft.catalogue.organisations.get(self.organisation)
        if known is None:
            raise errors.OrganisationUnknown()
        if self.role not in known.registered.roles:
            fault = Fault(code="role_not_held", pointer="/role", detail="The organisation does not have this role.")
            raise errors.Invalid(faults=[fault])


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveMember:
    """From now on the subject is nobody here, and whoever is signed in as this member is no longer."""

    member_id: str

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        unit = draft.unit
        if members.find(unit.connection, self.member_id) is None:
            raise errors.NotFound()
        draft.statements.append(lambda connection: members.remove(connection, self.member_id, unit.now))
        draft.statements.append(lambda connection: sessions.end_of_member(connection, self.member_id))
        return Answer(status=204, body={})


def listed(bank: Bank, after: tuple[int, str], limit: int) -> Sequence[Member]:
    """Members in the order in which they were added, behind a place in that order."""
    with bank.engine.connect() as connection, connection.begin():
        return members.listed(connection, after, limit)


def document(member: Member, now: int) -> dict[str, Any]:
    """What is told about a member to those who manage members."""
    expires_at, removed_at = member.expires_at, member.removed_at
    return {
        "member_id": member.member_id,
        "issuer": member.issuer,
        "subject": member.subject,
        "role": member.role,
        "organisation": member.organisation,
        "status": "removed" if removed_at is not None else "active" if member.is_valid(now) else "expired",
        "created_at": instant_text(member.created_at),
        "created_by": member.created_by,
        "expires_at": None if expires_at is None else instant_text(expires_at),
        "removed_at": None if removed_at is None else instant_text(removed_at),
    }
