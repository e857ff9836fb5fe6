"""Awards the rows of a chunk by the command that takes batches, and notes what became of each with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from uuid import UUID

from creditbank.commands import ready_awards
from creditbank.commands.awards import AwardBatch, AwardLine
from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs
from creditbank.commands.ready import ReadyLine, Stamp
from creditbank.commands.ready_awards import Awarded
from creditbank.domain import errors
from creditbank.domain.errors import BankError
from creditbank.imports.documents import state_of
from creditbank.imports.intake import cancel, locked
from creditbank.imports.lines import Row, Sheet, award_line
from creditbank.imports.texts import Said
from creditbank.imports.verdicts import Packed, pack
from creditbank.ledger import imports, jobs

_UNFIT = errors.Invalid()
"""Stands for a row that is unfit by itself."""


class Rows(Protocol):
    """Rows that can be awarded."""

    def __len__(self) -> int: ...

    def needs(self) -> Needs: ...

    def award(self, draft: Draft) -> list[Packed]:
        """What became of each."""


@dataclass(frozen=True, slots=True)
class PlainRows:
    """Rows as they were read."""

    rows: Sequence[Row]
    sheet: Sheet
    batch: AwardBatch

    def __len__(self) -> int:
        return len(self.rows)

    def needs(self) -> Needs:
        return self.batch.needs()

    def award(self, draft: Draft) -> list[Packed]:
        results = self.batch.run(draft).body["results"]
        return [self._verdict(draft, row, result) for row, result in zip(self.rows, results, strict=True)]

    def _verdict(self, draft: Draft, row: Row, result: dict[str, Any]) -> Packed:
        if (refusal := result.get("problem")) is None:
            if self.batch.dry_run:
                return (row.row, None, None, ())
            return (row.row, _hex(result["certificate_id"]), _hex(result["account_id"]), ())
        faults = self.sheet.faults(row, refusal["code"], draft.catalogue, draft.unit.today)
        return (row.row, _hex(refusal.get("certificate_id")), None, faults)


@dataclass(frozen=True, slots=True)
class ReadyRows:
    """Rows that were made ready: each with its number in the file, and its faults where it is unfit by itself."""

    rows: Sequence[tuple[int, ReadyLine | tuple[Said, ...]]]
    sheet: Sheet
    made_by: Stamp

    def __len__(self) -> int:
        return len(self.rows)

    def needs(self) -> Needs:
        return Needs()

    def award(self, draft: Draft) -> list[Packed]:
        lines = [line if isinstance(line, ReadyLine) else _UNFIT for _, line in self.rows]
        verdicts = ready_awards.settle(draft, lines, self.made_by, self.sheet.issuer)
        found: list[Packed] = []
        for (row, line), verdict in zip(self.rows, verdicts, strict=True):
            if isinstance(verdict, Awarded):
                found.append((row, _hex(verdict.certificate), _hex(verdict.account), ()))
            elif isinstance(line, ReadyLine):
                # What is fit by itself can only be refused for its account, or for who holds the number.
                found.append((row, _hex(verdict.members.get("certificate_id")), None, (self.sheet.said(verdict.code),)))
            else:
                found.append((row, None, None, line))
        return found


def _hex(identifier: str | None) -> str | None:
    return None if identifier is None else identifier.replace("-", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportChunk:
    """The next rows of an import. Does nothing where the import stands elsewhere than the caller believes.

    The import of an issuer that has been suspended meanwhile ends here.
    """

    import_id: UUID
    resume_at: int
    next_at: int
    first: int
    rows: Rows
    is_last: bool

    def needs(self) -> Needs:
        return self.rows.needs()

    def run(self, draft: Draft) -> Answer:
        current = locked(draft, self.import_id)
        if current.state != "running" or current.resume_at != self.resume_at:
            return Answer(status=200, body=_standing(state_of(current), current.resume_at, current.done))
        issuer = draft.catalogue.organisations.get(current.organisation)
        if issuer is not None and issuer.is_suspended:
            cancel(draft, current, "organisation_suspended")
            return Answer(status=200, body=_standing("cancelled", current.resume_at, current.done))
        verdicts = self.rows.award(draft)
        refused = sum(bool(faults) for *_, faults in verdicts)
        packed, finished_at = pack(verdicts), draft.unit.now if self.is_last else None
        state = "finished" if self.is_last else "running"
        draft.statements.append(lambda connection: jobs.advance(connection, self.import_id, len(verdicts), state))
        draft.statements.append(
            lambda connection: imports.advance(
                connection,
                self.import_id,
                resume_at=self.next_at,
                accepted=len(verdicts) - refused,
                refused=refused,
                finished_at=finished_at,
            )
        )
        draft.statements.append(lambda connection: imports.add_chunk(connection, self.import_id, self.first, packed))
        body = _standing("finished" if self.is_last else "importing", self.next_at, current.done + len(verdicts))
        return Answer(status=200, body=body)


def _standing(state: str, resume_at: int | None, done: int) -> dict[str, Any]:
    return {"state": state, "resume_at": resume_at, "done": done}


def plain(rows: Sequence[Row], sheet: Sheet, mode: Literal["partial", "atomic"], *, dry_run: bool) -> PlainRows:
    """The rows as the command takes them; those that are unfit by themselves as refusals."""
    lines: list[AwardLine | BankError] = [
        _UNFIT if row.faults else award_line(row.values, sheet.issuer) for row in rows
    ]
    return PlainRows(rows, sheet, AwardBatch(lines=lines, mode=mode, dry_run=dry_run, render=_rendered))


def _rendered(refusal: BankError) -> tuple[int, dict[str, Any]]:
    # `Invalid` is what stands for the faults of the row itself, or for dates in the wrong order.
    return 422, {"code": refusal.code, **refusal.members}
