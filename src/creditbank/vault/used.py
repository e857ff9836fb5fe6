"""What may be used once: remembered by its hash, in one table for all processes, until it has expired anyway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, delete, text

from creditbank.vault.tables import used_token


@dataclass(frozen=True, slots=True)
class Once:
    """One of these. After `expires_at`, in microseconds, its use would be refused for its age."""

    digest: bytes
    expires_at: int


def once(kind: str, owner: str, identifier: str, expires_at: int) -> Once:
    """The mark of something that its owner gave an identifier which it never gives again."""
    named = "\0".join((kind, sha256(owner.encode()).hexdigest(), identifier))
    return Once(sha256(named.encode("utf-8", "surrogatepass")).digest(), expires_at)


def use(connection: Connection, wanted: Sequence[Once]) -> list[bool]:
    """For each whether this is its first use, in this transaction or any before it."""
    is_first: dict[int, bool] = {}
    # In one order for all processes, so that two of them never wait for each other.
    for place in sorted(range(len(wanted)), key=lambda place: wanted[place].digest):
        values = {"digest": wanted[place].digest, "expires_at": wanted[place].expires_at}
        is_first[place] = connection.execute(_USE, values).rowcount == 1
    return [is_first[place] for place in range(len(wanted))]


def sweep(connection: Connection, now: int) -> None:
    """Forget what has expired."""
    connection.execute(delete(used_token).where(used_token.c.expires_at < now))


_USE = text("INSERT INTO used_token (digest, expires_at) VALUES (:digest, :expires_at) ON CONFLICT DO NOTHING")
