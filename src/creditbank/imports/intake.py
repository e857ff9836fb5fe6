"""Commands about an import as a whole: begin, settle what was read, start what waited, cancel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

from pydantic import TypeAdapter

from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs
from creditbank.domain import errors
from creditbank.imports import documents
from creditbank.ledger import imports, jobs
from creditbank.ledger.imports import Import
from creditbank.ledger.jobs import Job

_TRAITS = ("format", "encoding", "delimiter", "sheet", "sheets", "header_row", "columns", "above", "problem", "unfit")


class TooManyImports(errors.Conflict):
    """So many files of one organisation are not kept at once."""

    code = "too_many_imports"


class ImportRepeated(errors.Conflict):
    """The same bytes were imported before, or are being imported."""

    code = "import_repeated"

    def __init__(self, former: UUID) -> None:
        super().__init__(members={"import_id": str(former)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What was sent and how it is to be taken; `found` is what reading found out. Holds no personal data."""

    name: str | None
    bytes: int
    dry_run: bool = False
    mode: Literal["partial", "atomic"] = "partial"
    wait: bool = False
    sheet: str | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    found: Mapping[str, Any] | None = None


_DETAIL = TypeAdapter(Detail)


def detail_of(one: Import) -> Detail:
    return _DETAIL.validate_json(one.detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginImport:
    """Take a file that lies in its directory. Raises ImportRepeated for bytes that came before, unless forced.

    Raises TooManyImports where the organisation has `most` that are under way, or ended no longer than
    `kept_microseconds` ago.
    """

    import_id: UUID
    organisation: str
    sha256: bytes
    detail: Detail
    forced: bool
    most: int
    kept_microseconds: int

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        connection = draft.unit.connection
        kept = imports.kept(connection, self.organisation, draft.unit.now - self.kept_microseconds)
        if kept >= self.most:
            raise TooManyImports()
        occurrence = None
        if not self.detail.dry_run:
            former = imports.former(connection, self.organisation, self.sha256)
            if former is not None and not self.forced:
                raise ImportRepeated(former)
            occurrence = imports.occurrences(connection, self.organisation, self.sha256) + 1
        new = Import(
            import_id=self.import_id,
            organisation=self.organisation,
            created_by=draft.actor,
            sha256=self.sha256,
            occurrence=occurrence,
            accepted=0,
            refused=0,
            resume_at=None,
            started_at=None,
            finished_at=None,
            detail=_DETAIL.dump_json(self.detail),
            state="running",
            rows=0,
            done=0,
            created_at=draft.unit.now,
        )
        job = Job(
            job_id=new.import_id,
            kind=imports.KIND,
            state=new.state,
            total=0,
            done=0,
            created_at=new.created_at,
            detail=b"{}",
        )
        draft.statements.append(lambda connection: jobs.add(connection, job))
        draft.statements.append(lambda connection: imports.add(connection, new))
        return Answer(status=202, body=documents.imported(new))


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleReading:
    """Note what reading found. The rows are then awarded, unless the file is refused, or somebody will look first."""

    import_id: UUID
    findings: Mapping[str, Any]

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        current = locked(draft, self.import_id)
        is_lost = current.resume_at is not None and self.findings.get("problem")
        if current.state != "running" or not (current.resume_at is None or is_lost):
            return Answer(status=200, body=documents.imported(current))
        detail = detail_of(current)
        found = {name: self.findings[name] for name in _TRAITS if self.findings.get(name) is not None}
        if found.get("problem", {}).get("code") == "header_not_found":
            del found["columns"]  # the first row, which may well be a person's: the preview shows it, from its file
        values: dict[str, Any] = {"detail": _DETAIL.dump_json(replace(detail, found=found))}
        if "problem" in found:
            state = "refused"
            values |= {"finished_at": draft.unit.now}
        elif detail.wait:
            state = "waiting"
        else:
            state = "running"
            values |= {"resume_at": 0, "started_at": draft.unit.now}
        return _changed(draft, current, state, current.rows or self.findings["rows"], values)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartImport:
    """Award the rows of a file that waited, read anew by what has been said since. Raises WrongState."""

    import_id: UUID
    organisation: str
    changes: Mapping[str, Any]

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        current = own(draft, self.import_id, self.organisation, "waiting")
        detail = replace(detail_of(current), wait=False, found=None, **self.changes)
        return _changed(draft, current, "running", 0, {"detail": _DETAIL.dump_json(detail)})


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelImport:
    """Stop at the chunk at hand. What has been awarded stays. Raises WrongState for an import that has ended.

    The authority may stop anybody's, and has no `organisation`; the sender is then told who did.
    """

    import_id: UUID
    organisation: str | None

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        current = own(draft, self.import_id, self.organisation, "running", "waiting")
        return cancel(draft, current, "cancelled_by_authority" if self.organisation is None else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LapseImport:
    """End an import that has waited for too long. Does nothing where it waits no more."""

    import_id: UUID

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        current = locked(draft, self.import_id)
        if current.state != "waiting":
            return Answer(status=200, body=documents.imported(current))
        return cancel(draft, current, "waited_too_long")


def cancel(draft: Draft, current: Import, why: str | None) -> Answer:
    """End an import before its last row; `why` is the code of what its sender is to be told about it."""
    values: dict[str, Any] = {"finished_at": draft.unit.now}
    if why is not None:
        detail = detail_of(current)
        found = {**(detail.found or {}), "problem": {"code": why, "facts": {}}}
        values["detail"] = _DETAIL.dump_json(replace(detail, found=found))
    return _changed(draft, current, "cancelled", current.rows, values)


def own(draft: Draft, import_id: UUID, organisation: str | None, *states: str) -> Import:
    """Raises NotFound for an import of another organisation, if one is named, and WrongState for one that is not in
    these states."""
    current = locked(draft, import_id)
    if organisation not in (None, current.organisation):
        raise errors.NotFound()
    if current.state not in states:
        raise errors.WrongState("import", documents.state_of(current))
    return current


def locked(draft: Draft, import_id: UUID) -> Import:
    """The import, which stays as it is to the end of the transaction. Raises NotFound."""
    current = imports.find(draft.unit.connection, import_id, lock=True)
    if current is None:
        raise errors.NotFound()
    return current


def _changed(draft: Draft, current: Import, state: str, rows: int, values: dict[str, Any]) -> Answer:
    draft.statements.append(
        lambda connection: imports.change(connection, current.import_id, state=state, rows=rows, **values)
    )
    return Answer(status=200, body=documents.imported(replace(current, state=state, rows=rows, **values)))
