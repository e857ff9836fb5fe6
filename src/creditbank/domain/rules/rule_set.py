"""The rule set: every primitive has one line here, which puts it into the format, the schema and the evaluation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from creditbank.domain.rules.awards import AwardCheck
from creditbank.domain.rules.calendars import BUILT_IN, CALENDAR_YEAR, Calendar, CalendarName
from creditbank.domain.rules.caps import Cap, dimension
from creditbank.domain.rules.clause import Clause, FieldName, Step, Text, inner_faults
from creditbank.domain.rules.consume import Consume
from creditbank.domain.rules.dates import Day
from creditbank.domain.rules.exclude import Exclude, exclusions
from creditbank.domain.rules.exclusive import Exclusive
from creditbank.domain.rules.numbers import Positive
from creditbank.domain.rules.once import Once, repetition
from creditbank.domain.rules.pooling import PoolRound
from creditbank.domain.rules.require import Require, requirements
from creditbank.domain.rules.sources import Source, valuation
from creditbank.domain.rules.titles import TitleKey
from creditbank.domain.rules.validity import Validity, terms
from creditbank.domain.rules.window import Window, opening
from creditbank.domain.rules.workflow import Approval

Faults = list[tuple[tuple[str | int, ...], str]]


class Units(Clause):
    """Information for people about the unit: hours to a credit, credits to a year, what a credit point is."""

    hours_per_credit: Positive | None = None
    credits_per_year: Positive | None = None
    credit_points: Text | None = None


class RuleSet(Clause):
    """One consistent set of rules, as it holds at one time."""

    window: tuple[Window, ...] = ()
    exclude: tuple[Exclude, ...] = ()
    require: tuple[Require, ...] = ()
    validity: tuple[Validity, ...] = ()
    once: tuple[Once, ...] = ()
    sources: tuple[Source, ...] = ()
    exclusive: Exclusive | None = None
    pool_round: PoolRound | None = None
    caps: tuple[Cap, ...] = ()
    award: dict[Text, Annotated[tuple[AwardCheck, ...], Field(min_length=1)]] = Field(default_factory=dict)
    calendars: dict[CalendarName, Calendar] = Field(default_factory=dict)
    consume: Consume = Consume()
    workflow: tuple[Approval, ...] = ()
    title_key: TitleKey | None = None
    grade: Text | None = None
    value: Units | None = None

    def steps(self) -> Iterator[Step]:
        """What is asked about each request alone, in the fixed order; the first objection is the reason."""
        if self.window:
            yield opening(self.window)
        if self.exclude:
            yield exclusions(self.exclude)
        if self.require:
            yield requirements(self.require)
        if self.validity:
            yield terms(self.validity)
        if self.once:
            yield repetition(self.once, self.title_key)
        yield valuation(self.sources)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        inner_faults(
            [
                *_twice([cap.id for cap in self.caps], "caps"),
                *_unknown_periods(self),
                *_taken_names(self),
                *(fault for name, checks in self.award.items() for fault in _twice_in_award(name, checks)),
            ]
        )
        return self


def _twice(ids: Sequence[str], *steps: str | int) -> Faults:
    first: dict[str, int] = {}
    faults: Faults = []
    for number, name in enumerate(ids):
        if first.setdefault(name, number) != number:
            faults.append(((*steps, number, "id"), f"{name} is the id of entry {first[name]} too."))
    return faults


def _twice_in_award(name: str, checks: Sequence[AwardCheck]) -> Faults:
    return _twice([check.id for check in checks], "award", name)


def _unknown_periods(rules: RuleSet) -> Faults:
    faults: Faults = []
    for number, cap in enumerate(rules.caps):
        for place, name in enumerate(cap.per):
            try:
                dimension(name, rules.calendars)
            except PydanticCustomError:
                detail = "must be `outcome`, the name of a calendar, or a field such as o.institution."
                faults.append((("caps", number, "per", place), detail))
        for name, times in Counter(cap.per).items():
            if times > 1:
                faults.append((("caps", number, "per"), f"names {name} twice."))
    return faults


def _taken_names(rules: RuleSet) -> Faults:
    taken = {*BUILT_IN, CALENDAR_YEAR, "outcome"}
    return [(("calendars", name), "is a name that is built in.") for name in rules.calendars if name in taken]


class Version(Clause):
    """A rule set with the days on which it holds: from the first, before the last; null is open."""

    id: Text
    effective_from: Day | None = None
    effective_to: Day | None = None
    rules: RuleSet

    @model_validator(mode="after")
    def _some_days(self) -> Self:
        days = (self.effective_from, self.effective_to)
        reversed_days = None not in days and days[0] >= days[1]  # type: ignore[operator]
        inner_faults([(("effective_to",), "must come after `effective_from`.")] if reversed_days else [])
        return self


class Versions(Clause):
    """Rule sets by time. The clock names the date field that decides which one serves a request."""

    version_clock: FieldName
    versions: Annotated[tuple[Version, ...], Field(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _one_at_a_time(self) -> Self:
        faults = _twice([version.id for version in self.versions], "versions")
        ordered = self.by_day()
        for (_, earlier), (number, later) in pairwise(ordered):
            ends, starts = earlier.effective_to, later.effective_from
            if ends is None or starts is None or starts < ends:
                faults.append((("versions", number), f"overlaps with the version {earlier.id}."))
        inner_faults(faults)
        return self

    def by_day(self) -> list[tuple[int, Version]]:
        """The versions with their places in the list, the earliest first."""
        return sorted(enumerate(self.versions), key=lambda pair: _first_day(pair[1]))


def _first_day(version: Version) -> str:
    return version.effective_from.isoformat() if version.effective_from else ""
