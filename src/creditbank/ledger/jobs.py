"""Jobs: work that goes on after the request that started it, with its progress, through any crash."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, insert, select, update

from creditbank.ledger.tables import job


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`total` is what was to be done at the start; `done` may pass it where more came in the meantime."""

    job_id: UUID
    kind: str
    state: str
    total: int
    done: int
    created_at: int
    detail: bytes


def add(connection: Connection, new: Job) -> None:
    connection.execute(
        insert(job).values(
            job_id=new.job_id,
            kind=new.kind,
            state=new.state,
            total=new.total,
            done=new.done,
            created_at=new.created_at,
            detail=new.detail,
        )
    )


def advance(connection: Connection, job_id: UUID, done: int, state: str) -> None:
    """Add to what is done, in the transaction that did it."""
    connection.execute(update(job).where(job.c.job_id == job_id).values(done=job.c.done + done, state=state))


def find(connection: Connection, job_id: UUID, *, lock: bool = False) -> Job | None:
    statement = select(job).where(job.c.job_id == job_id)
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    return None if row is None else Job(**row._mapping)


def unfinished(connection: Connection, kind: str) -> list[UUID]:
    statement = select(job.c.job_id).where(job.c.state == "running", job.c.kind == kind).order_by(job.c.created_at)
    return list(connection.execute(statement).scalars())
