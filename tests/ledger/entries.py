"""Entries for the log, with streams that fall in the partition that a test wants."""

from __future__ import annotations

from uuid import UUID, uuid4

from creditbank.domain.events import AccountSuspended, Event
from creditbank.domain.values import partition_of
from creditbank.ledger.log import Entry

CAUSE = UUID("5f8b2a52-7a86-4f0c-9f7d-9d1f6c1f0a01")


def stream_in(partition_id: int) -> UUID:
    """A new stream of this partition."""
    return next(stream_id for stream_id in iter(uuid4, None) if partition_of(stream_id) == partition_id)


def entry(stream_id: UUID, version: int = 1, event: Event | None = None, *, approved_by: str | None = None) -> Entry:
    return Entry(
        stream_id=stream_id,
        version=version,
        event=event or AccountSuspended(reason=f"reason {version}"),
        actor="school-1",
        causation=CAUSE,
        approved_by=approved_by,
    )
