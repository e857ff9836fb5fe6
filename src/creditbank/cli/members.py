"""`creditbank members`: add, list and remove members beside the server, above all the first one."""

from __future__ import annotations

from datetime import datetime

from creditbank.cli import installation, owners
from creditbank.cli.outcome import USAGE, Failed, say, say_json
from creditbank.clock import clock
from creditbank.commands.members import document
from creditbank.domain.instants import microseconds_of
from creditbank.ledger.database import writing
from creditbank.settings import Settings
from creditbank.vault import members, sessions
from creditbank.vault.members import Member

CREATED_BY = "command-line"
LONGEST = 255


def add(
    *,
    subject: str,
    role: str,
    organisation: str | None,
    issuer: str | None,
    expires_at: datetime | None,
    as_json: bool,
) -> None:
    """Store a member and print its id. Raises Failed for a subject that is one already."""
    chosen, now = installation.settings(), clock()
    if not 1 <= len(subject) <= LONGEST or not subject.isprintable():
        raise Failed(f"a subject has 1 to {LONGEST} letters that can be printed", USAGE)
    member = Member(
        member_id=members.new_id(),
        issuer=_issuer(chosen, issuer),
        subject=subject,
        role=role,
        organisation=organisation,
        created_at=now,
        created_by=CREATED_BY,
        expires_at=owners.end(role, None if expires_at is None else microseconds_of(expires_at), now),
    )
    with installation.migrated(chosen) as engine, writing(engine) as connection:
        owners.check(connection, role, organisation)
        known = members.of_subject(connection, member.issuer, subject)
        if known is not None and known.is_valid(now):
            raise Failed(f"this subject is the member {known.member_id} already: remove that one first")
        if known is not None:
            members.remove(connection, known.member_id, now)
        members.add(connection, member)
    if as_json:
        say_json(document(member, now))
    else:
        say(member.member_id)


def show(*, as_json: bool) -> None:
    """Every member there ever was, the oldest first."""
    with installation.migrated(installation.settings()) as engine, engine.connect() as connection:
        found = members.listed(connection, (0, ""))
    listed = [document(member, clock()) for member in found]
    if as_json:
        say_json(listed)
        return
    for one in listed:
        owner = one["organisation"] or "-"
        say(f"{one['member_id']}  {one['status']:7}  {one['role']:11}  {owner}  {one['subject']} of {one['issuer']}")


def remove(*, member_id: str, as_json: bool) -> None:
    """End a membership and its sessions. Running servers notice within two seconds."""
    with installation.migrated(installation.settings()) as engine, writing(engine) as connection:
        if members.find(connection, member_id) is None:
            raise Failed(f"there is no member {member_id}: `creditbank members list` shows them")
        members.remove(connection, member_id, clock())
        sessions.end_of_member(connection, member_id)
    if as_json:
        say_json({"member_id": member_id, "status": "removed"})
    else:
        say(f"member {member_id} is removed")


def _issuer(chosen: Settings, named: str | None) -> str:
    issuer = named or chosen.oidc_issuer
    if issuer is None:
        raise Failed("name the --issuer, or set CREDITBANK_OIDC_ISSUER", USAGE)
    return issuer
