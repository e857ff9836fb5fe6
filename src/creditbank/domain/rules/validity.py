"""`validity`: how long an outcome can be used. The last day of its term still counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Self

from pydantic import Field, StrictBool, model_validator

from creditbank.domain.rules.clause import (
    MISSING_INPUT,
    Clause,
    FieldName,
    Line,
    Objection,
    Reason,
    Step,
    Text,
    inner_faults,
)
from creditbank.domain.rules.dates import add_years, day
from creditbank.domain.rules.numbers import Amount
from creditbank.domain.rules.selector import EVERYTHING, Match
from creditbank.domain.rules.situation import OUTCOME, REQUEST, SITUATION, View, first_found


class Validity(Clause):
    """A term of years from one of the outcome's dates, or `until` a day or one of the outcome's dates."""

    when: Match = EVERYTHING
    years: Amount | None = None
    until: Text | None = None
    starts: FieldName | None = Field(default=None, alias="from")
    issuer_may_shorten: StrictBool = False
    at: FieldName | None = None
    reason: Reason = "OUTCOME_EXPIRED"

    @model_validator(mode="after")
    def _one_term(self) -> Self:
        faults: list[tuple[tuple[str | int, ...], str]] = []
        if (self.years is None) is (self.until is None):
            faults.append(((), "must have either `years` or `until`."))
        if self.years is not None and self.starts is None:
            faults.append((("from",), "is missing: the outcome's date that the years count from."))
        if self.until is not None and self.until[:1].isdigit() and day(self.until) is None:
            faults.append((("until",), "must be a real date, or the name of the outcome's date field."))
        if self.until is not None and self.issuer_may_shorten:
            faults.append((("issuer_may_shorten",), "goes with `years` only."))
        inner_faults(faults)
        return self

    def last_day(self, view: View) -> date | None:
        """The last day on which the outcome counts, None where the date is missing."""
        outcome = view[OUTCOME]
        if self.until is not None:
            return day(self.until) or outcome.day(_bare(self.until))
        start = outcome.day(_bare(self.starts or ""))
        years = self.years or 0
        if self.issuer_may_shorten:
            own = outcome.number("shelf_life_years")
            years = years if own is None else min(years, own)
        return None if start is None else add_years(start, years)

    def tested_on(self, view: View) -> date | None:
        if self.at is None:
            return view[REQUEST].day("on") or view[SITUATION].day("applied_on")
        found = first_found(view, self.at)
        return day(found) if isinstance(found, str) else None

    def objection(self, view: View, clause: str) -> Objection | None:
        last, tested = self.last_day(view), self.tested_on(view)
        if last is None or tested is None:
            return Objection(MISSING_INPUT, clause)
        return Objection(self.reason, clause, tested.isoformat(), last.isoformat()) if tested > last else None


def _bare(name: str) -> str:
    return name.removeprefix("o.")


def terms(clauses: Sequence[Validity]) -> Step:
    def validity(line: Line) -> Objection | None:
        for number, clause in enumerate(clauses):
            for view in line.views:
                if clause.when.matches(view):
                    objection = clause.objection(view, f"/validity/{number}")
                    if objection:
                        return objection
        return None

    return validity
