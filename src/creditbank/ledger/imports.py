"""Imports: whose file it is, how far it has come, what became of each row, and the headers that an issuer has named.

The outcomes of a chunk are one compressed row, written in the transaction of the chunk's events: a crash loses both
or neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update

from creditbank.ledger.tables import import_chunk, import_file, import_mapping, job

KIND = "import"
_ASKED_AT_ONCE = 1_000
"""A database takes so many parameters in one statement."""
UNDER_WAY = ("running", "waiting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """An import with the job that carries it; instants in microseconds.

    `occurrence` counts the imports of the same bytes by the same organisation; a dry run is not counted.
    `resume_at` is where the next chunk begins in the rows that were read; None while the file has not been read.
    """

    import_id: UUID
    organisation: str
    created_by: str
    sha256: bytes
    occurrence: int | None
    accepted: int
    refused: int
    resume_at: int | None
    started_at: int | None
    finished_at: int | None
    detail: bytes
    state: str
    rows: int
    done: int
    created_at: int


_IMPORT = select(import_file, job.c.state, job.c.total.label("rows"), job.c.done, job.c.created_at).join(
    job, job.c.job_id == import_file.c.import_id
)


def add(connection: Connection, new: Import) -> None:
    """The part beside the job. Raises IntegrityError where the same bytes came a moment before."""
    connection.execute(
        insert(import_file).values(
            import_id=new.import_id,
            organisation=new.organisation,
            created_by=new.created_by,
            sha256=new.sha256,
            occurrence=new.occurrence,
            accepted=new.accepted,
            refused=new.refused,
            resume_at=new.resume_at,
            started_at=new.started_at,
            finished_at=new.finished_at,
            detail=new.detail,
        )
    )


def find(connection: Connection, import_id: UUID, *, lock: bool = False) -> Import | None:
    statement = _IMPORT.where(import_file.c.import_id == import_id)
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    return None if row is None else _import(row)


def page(connection: Connection, organisation: str | None, before: UUID | None, limit: int) -> list[Import]:
    """The newest first, which begin before that one; of every organisation where none is named."""
    statement = _IMPORT.order_by(import_file.c.import_id.desc()).limit(limit)
    if organisation is not None:
        statement = statement.where(import_file.c.organisation == organisation)
    if before is not None:
        statement = statement.where(import_file.c.import_id < before)
    return [_import(row) for row in connection.execute(statement)]


def occurrences(connection: Connection, organisation: str, sha256: bytes) -> int:
    """How often an organisation has had these bytes imported."""
    statement = select(func.coalesce(func.max(import_file.c.occurrence), 0)).where(
        import_file.c.organisation == organisation, import_file.c.sha256 == sha256
    )
    return int(connection.execute(statement).scalar_one())


def former(connection: Connection, organisation: str, sha256: bytes) -> UUID | None:
    """The last import of these bytes that is under way or has brought something in."""
    statement = (
        select(import_file.c.import_id)
        .join(job, job.c.job_id == import_file.c.import_id)
        .where(
            import_file.c.organisation == organisation,
            import_file.c.sha256 == sha256,
            import_file.c.occurrence.is_not(None),
            or_(job.c.state.in_(UNDER_WAY), (job.c.state == "finished") & (import_file.c.accepted > 0)),
        )
        .order_by(import_file.c.import_id.desc())
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none()


def change(connection: Connection, import_id: UUID, *, state: str, rows: int, **values: Any) -> None:
    """A new state of the whole; `values` are those of the import beside the job."""
    connection.execute(update(job).where(job.c.job_id == import_id).values(state=state, total=rows))
    if values:
        connection.execute(update(import_file).where(import_file.c.import_id == import_id).values(**values))


def advance(
    connection: Connection, import_id: UUID, *, resume_at: int, accepted: int, refused: int, finished_at: int | None
) -> None:
    """Add the verdicts of a chunk, in the transaction that wrote it. The job is advanced beside it."""
    connection.execute(
        update(import_file)
        .where(import_file.c.import_id == import_id)
        .values(
            resume_at=resume_at,
            accepted=import_file.c.accepted + accepted,
            refused=import_file.c.refused + refused,
            finished_at=finished_at,
        )
    )


def kept(connection: Connection, organisation: str, since: int) -> int:
    """How many imports of an organisation have not ended, or not before an instant."""
    statement = select(func.count()).where(
        import_file.c.organisation == organisation,
        or_(import_file.c.finished_at.is_(None), import_file.c.finished_at >= since),
    )
    return int(connection.execute(statement).scalar_one())


def waiting_before(connection: Connection, instant: int) -> list[UUID]:
    """Imports that have waited since before an instant, the oldest first."""
    statement = select(job.c.job_id).where(job.c.kind == KIND, job.c.state == "waiting", job.c.created_at < instant)
    return list(connection.execute(statement.order_by(job.c.job_id)).scalars())


def finished_before(connection: Connection, import_ids: Sequence[UUID], instant: int) -> set[UUID]:
    """Which of these ended before an instant, or are not known at all."""
    known: dict[UUID, int | None] = {}
    for begin in range(0, len(import_ids), _ASKED_AT_ONCE):
        some = import_ids[begin : begin + _ASKED_AT_ONCE]
        statement = select(import_file.c.import_id, import_file.c.finished_at).where(import_file.c.import_id.in_(some))
        known |= {row.import_id: row.finished_at for row in connection.execute(statement)}
    return {one for one in import_ids if one not in known or (known[one] or instant) < instant}


def add_chunk(connection: Connection, import_id: UUID, first: int, results: bytes) -> None:
    """What became of the rows from `first` on, counted from 0. Raises IntegrityError for rows that have an outcome."""
    connection.execute(insert(import_chunk).values(import_id=import_id, first=first, results=results))


def chunks(connection: Connection, import_id: UUID, containing: int, limit: int) -> list[tuple[int, bytes]]:
    """Some chunks in their order, from the one that holds this row on."""
    begin = (
        select(func.coalesce(func.max(import_chunk.c.first), 0))
        .where(import_chunk.c.import_id == import_id, import_chunk.c.first <= containing)
        .scalar_subquery()
    )
    statement = (
        select(import_chunk.c.first, import_chunk.c.results)
        .where(import_chunk.c.import_id == import_id, import_chunk.c.first >= begin)
        .order_by(import_chunk.c.first)
        .limit(limit)
    )
    return [(row.first, row.results) for row in connection.execute(statement)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Headers of an organisation's own files, under a name of its own."""

    mapping_id: UUID
    organisation: str
    name: str
    created_at: int
    content: bytes


def put_mapping(connection: Connection, new: Mapping) -> None:
    """Keep a mapping, in the place of one of the same name."""
    connection.execute(
        delete(import_mapping).where(
            import_mapping.c.organisation == new.organisation, import_mapping.c.name == new.name
        )
    )
    connection.execute(
        insert(import_mapping).values(
            mapping_id=new.mapping_id,
            organisation=new.organisation,
            name=new.name,
            created_at=new.created_at,
            content=new.content,
        )
    )


def mappings(connection: Connection, organisation: str, after: str, limit: int) -> list[Mapping]:
    """In the order of their names."""
    statement = (
        select(import_mapping)
        .where(import_mapping.c.organisation == organisation, import_mapping.c.name > after)
        .order_by(import_mapping.c.name)
        .limit(limit)
    )
    return [Mapping(**row._mapping) for row in connection.execute(statement)]


def mapping(connection: Connection, mapping_id: UUID, organisation: str) -> Mapping | None:
    statement = select(import_mapping).where(
        import_mapping.c.mapping_id == mapping_id, import_mapping.c.organisation == organisation
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else Mapping(**row._mapping)


def drop_mapping(connection: Connection, mapping_id: UUID, organisation: str) -> None:
    connection.execute(
        delete(import_mapping).where(
            import_mapping.c.mapping_id == mapping_id, import_mapping.c.organisation == organisation
        )
    )


def _import(row: Row[Any]) -> Import:
    return Import(**row._mapping)


def unfinished(connection: Connection) -> Iterator[Import]:
    """Those that a crash has left behind, oldest first."""
    statement = _IMPORT.where(job.c.state == "running").order_by(import_file.c.import_id)
    return (_import(row) for row in connection.execute(statement).all())
