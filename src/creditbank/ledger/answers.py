"""The command log: for every idempotency key the answer that was given, in the transaction of its events."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from creditbank.domain.values import partition_of
from creditbank.ledger import bulk
from creditbank.ledger.tables import command_log


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An answer as it was given: status, JSON body, and the positions of its last events."""

    status: int
    body: bytes
    position: str
    fingerprint: bytes


_ANSWERS = bulk.Lookup(select(command_log), command_log.c.key)

Key = tuple[str, str]
"""Scope (whose key it is) and the key itself."""


def find(connection: Connection, keys: Collection[Key]) -> dict[Key, Stored]:
    """The stored answers for these keys; keys that were never used are missing."""
    return find_later(connection, keys)()


def find_later(connection: Connection, keys: Collection[Key]) -> Callable[[], dict[Key, Stored]]:
    """The same, asked together with others."""
    if not keys:
        return dict
    wanted = set(keys)
    rows = _ANSWERS.later(connection, {key for _, key in wanted})
    return lambda: {
        (row.scope, row.key): Stored(
            status=row.status, body=row.body, position=row.position, fingerprint=row.fingerprint
        )
        for row in rows()
        if (row.scope, row.key) in wanted
    }


def store(connection: Connection, answers: Sequence[tuple[Key, Stored]], now: int) -> None:
    """Keep answers for ever. Raises IntegrityError where a key was used in the meantime."""
    rows: list[tuple[Any, ...]] = [
        (
            scope,
            key,
            partition_of(f"{scope}\0{key}".encode()),
            stored.status,
            now,
            stored.fingerprint,
            stored.position,
            stored.body,
        )
        for (scope, key), stored in sorted(answers, key=lambda answer: answer[0])
    ]
    bulk.insert(connection, command_log, rows)
