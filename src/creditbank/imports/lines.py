"""Rows as they were read, and what the bank makes of them: a certificate with its holder, or what speaks against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import from_json

from creditbank.commands.awards import AwardLine
from creditbank.domain import certificates, errors
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.certificates import Award
from creditbank.domain.events import Evidence, Particulars, Score
from creditbank.domain.identifiers import normalise_certificate_number
from creditbank.domain.values import certificate_id
from creditbank.imports import columns, texts
from creditbank.imports.texts import Said
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
class Sheet:
    """Whose rows they are, and the header that each column of the bank has in the file."""

    issuer: str
    headers: Mapping[str, str]

    def faults(self, row: Row, refusal: str, catalogue: Catalogue, today: date) -> tuple[Said, ...]:
        """Everything that is wrong with a row, which the bank has refused with this code."""
        said = {one.code: one for one in self._objections(row, catalogue, today)}
        return (*row.faults, *said.values()) if row.faults or said else (self.said(refusal),)

    def said(self, code: str) -> Said:
        """A refusal of the bank, where it shows in the file."""
        known = code if code in texts.codes("faults.json") else "refused"
        column = _COLUMNS.get(known)
        return Said(known, None if column is None else self.headers.get(column, columns.titles()[column]))

    def _objections(self, row: Row, catalogue: Catalogue, today: date) -> list[Said]:
        values = row.values
        found = certificates.objections(
            catalogue,
            today,
            issuer=self.issuer,
            number=values.get("number"),
            standard=values.get("standard"),
            level=values.get("level"),
            issued_on=_day(values.get("issued_on")),
            expires_on=_day(values.get("expires_on")),
        )
        return [self.said(one.faults[0].code if isinstance(one, errors.Invalid) else one.code) for one in found]


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
