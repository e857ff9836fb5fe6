"""Who made a credential, and who made that one: the line that tells whether two of them may be one person's."""

from __future__ import annotations

from sqlalchemy import Connection

from creditbank.vault import apikeys, clients, members
from creditbank.vault.apikeys import ApiKey
from creditbank.vault.clients import Client
from creditbank.vault.members import Member


def makers(connection: Connection, credential: str) -> frozenset[str]:
    """Everybody in the line above a key, client or member: the credentials and members that made each other.

    What was made at the command line has nobody above it.
    """
    line: set[str] = set()
    while (maker := _maker(connection, credential)) is not None and maker not in line:
        line.add(maker)
        credential = maker
    return frozenset(line)


def _maker(connection: Connection, credential: str) -> str | None:
    made: ApiKey | Client | Member | None
    if credential.startswith(members.PREFIX):
        made = members.find(connection, credential)
    else:
        made = apikeys.find(connection, credential) or clients.find(connection, credential)
    if made is None:
        return None
    _, colon, name = made.created_by.rpartition(":")
    return name if colon else None
