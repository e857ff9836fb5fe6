"""Awards the rows of a chunk by the command that takes batches, and notes what became of each with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple
from uuid import UUID

from pydantic_core import from_json

from creditbank.commands.awards import AwardBatch, AwardLine
from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs
from creditbank.domain import certificates, errors
from creditbank.domain.certificates import Award
from creditbank.domain.errors import BankError
from creditbank.domain.events import Evidence, Particulars, Score
from creditbank.domain.identifiers import normalise_certificate_number
from creditbank.domain.values import certificate_id
from creditbank.imports import columns, texts
from creditbank.imports.documents import state_of
from creditbank.imports.intake import locked
from creditbank.imports.texts import Said
from creditbank.imports.verdicts import Verdict, pack
from creditbank.ledger import imports, jobs
from creditbank.vault.persons import Holder, Person

_COLUMNS: Mapping[str, str] = {
    "standard_unknown": "standard",
    "level_unknown": "level",
    "organisation_not_accredited": "level",
    "issued_in_future": "issued_on",
    "dates_reversed": "expires_on",
    "number_contradicts_record": "number",
    "certificate_duplicate": "number",
    "certificate_number_taken": "number",
    "account_merged": "account_id",
    "not_found": "account_id",
    "guardian_consent_required": "guardian_consent",
}
"""Where a refusal of the bank shows in the file."""

_PLAIN = ("site", "assessment_mode", "learner_group", "external_id")


class Row(NamedTuple):
    """A row as it was read: its number in the file, its values, and what is wrong with it by itself."""

    row: int
    values: Mapping[str, Any]
    faults: tuple[Said, ...]


def row_of(line: bytes) -> Row:
    row, values, faults = from_json(line, cache_strings="keys")
    return Row(row, values, tuple(Said(*said) for said in faults))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportChunk:
    """The next rows of an import. Does nothing where the import stands elsewhere than the caller believes."""

    import_id: UUID
    resume_at: int
    next_at: int
    first: int
    rows: Sequence[Row]
    is_last: bool
    headers: Mapping[str, str]
    issuer: str
    batch: AwardBatch

    def needs(self) -> Needs:
        return self.batch.needs()

    def run(self, draft: Draft) -> Answer:
        current = locked(draft, self.import_id)
        if current.state != "running" or current.resume_at != self.resume_at:
            return Answer(status=200, body=_standing(state_of(current), current.resume_at, current.done))
        results = self.batch.run(draft).body["results"]
        verdicts = [
            self._verdict(draft, number, row, result)
            for number, (row, result) in enumerate(zip(self.rows, results, strict=True), self.first)
        ]
        refused = sum(bool(one.faults) for one in verdicts)
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

    def _verdict(self, draft: Draft, number: int, row: Row, result: Mapping[str, Any]) -> Verdict:
        if (refusal := result.get("problem")) is None:
            account_id = None if self.batch.dry_run else UUID(result["account_id"])
            awarded = None if self.batch.dry_run else UUID(result["certificate_id"])
            return Verdict(number, row.row, awarded, account_id)
        said = {one.code: one for one in self._objections(draft, row)}
        if not (row.faults or said):
            code = refusal["code"] if refusal["code"] in texts.codes("faults.json") else "refused"
            said[code] = self._said(code)
        known = refusal.get("certificate_id")
        return Verdict(number, row.row, known and UUID(known), None, (*row.faults, *said.values()))

    def _objections(self, draft: Draft, row: Row) -> list[Said]:
        values = row.values
        found = certificates.objections(
            draft.catalogue,
            draft.unit.today,
            issuer=self.issuer,
            number=values.get("number"),
            standard=values.get("standard"),
            level=values.get("level"),
            issued_on=_day(values.get("issued_on")),
            expires_on=_day(values.get("expires_on")),
        )
        return [self._said(one.faults[0].code if isinstance(one, errors.Invalid) else one.code) for one in found]

    def _said(self, code: str) -> Said:
        column = _COLUMNS.get(code)
        return Said(code, None if column is None else self.headers.get(column, columns.titles()[column]))


def _standing(state: str, resume_at: int | None, done: int) -> dict[str, Any]:
    return {"state": state, "resume_at": resume_at, "done": done}


def batch(rows: Sequence[Row], *, issuer: str, mode: Literal["partial", "atomic"], dry_run: bool) -> AwardBatch:
    """The rows as the command takes them; those that are unfit by themselves as refusals."""
    lines: list[AwardLine | BankError] = [
        errors.Invalid() if row.faults else award_line(row.values, issuer) for row in rows
    ]
    return AwardBatch(lines=lines, mode=mode, dry_run=dry_run, render=_rendered)


def _rendered(refusal: BankError) -> tuple[int, dict[str, Any]]:
    # `Invalid` is what stands for the faults of the row itself, or for dates in the wrong order.
    return 422, {"code": refusal.code, **refusal.members}


def award_line(values: Mapping[str, Any], issuer: str) -> AwardLine:
    """A row without faults as the line of a batch."""
    number = values["number"]
    award = Award(
        certificate_id=certificate_id(issuer, normalise_certificate_number(number)),
        issuer=issuer,
        number=number,
        standard=values["standard"],
        level=values["level"],
        issued_on=date.fromisoformat(values["issued_on"]),
        expires_on=_day(values.get("expires_on")),
        particulars=_particulars(values),
    )
    return AwardLine(award=award, holder=_holder(values))


def _holder(values: Mapping[str, Any]) -> Holder | UUID:
    if "account_id" in values:
        return UUID(values["account_id"])
    person = Person(
        name=values["name"],
        document_type=values["document_type"],
        number=values["document_number"],
        birth_date=_day(values.get("birth_date")),
    )
    return Holder(person=person, guardian_consent=values.get("guardian_consent") == "true")


def _particulars(values: Mapping[str, Any]) -> Particulars | None:
    stated: dict[str, Any] = {name: values[name] for name in _PLAIN if name in values}
    if "hours" in values:
        hours = values["hours"]
        stated["hours"] = int(hours) if hours.isdigit() else hours
    if "score" in values:
        stated["score"] = Score(value=values["score"], scale=values["score_scale"])
    if "subsidised" in values:
        stated["subsidised"] = values["subsidised"] == "true"
    if "evidence" in values:
        stated["evidence"] = tuple(Evidence(**one) for one in values["evidence"])
    own = {name.removeprefix(columns.OWN_FIELD): values[name] for name in values if name.startswith(columns.OWN_FIELD)}
    if own:
        stated["fields"] = own
    return Particulars(**stated) if stated else None


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
