"""`calendars`: years and terms that do not begin on 1 January, for ceilings per period."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator

from creditbank.domain.rules.clause import Clause, FieldName, inner_faults
from creditbank.domain.rules.dates import MonthDay
from creditbank.domain.rules.selector import path_of
from creditbank.domain.rules.situation import OUTCOME, REQUEST, SITUATION, View

CalendarName = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z][A-Za-z0-9_-]{1,63}$")]


class Calendar(Clause):
    """A year from `starts` on, divided where each of `terms` begins, told from the date in a field.

    A day after the cut-off that lies in its term belongs to the next term.
    """

    starts: MonthDay
    terms: tuple[MonthDay, ...]
    date_field: FieldName = Field(alias="date")
    cut_offs: tuple[MonthDay, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        order = [(month_day < self.starts, month_day) for month_day in self.terms]
        faults: list[tuple[tuple[str | int, ...], str]] = [
            (("terms", number), "must come later in the year than the term before it.")
            for number in range(1, len(order))
            if order[number] <= order[number - 1]
        ]
        if not faults:
            ends = [self._term(2001, cut_off) for cut_off in self.cut_offs]
            faults = [
                (("cut_offs", number), "lies in the same term as an earlier cut-off.")
                for number, end in enumerate(ends)
                if end in ends[:number]
            ]
        inner_faults(faults)
        return self

    @property
    def boundaries(self) -> tuple[MonthDay, ...]:
        """The first days of all terms, in the order of the academic year."""
        return tuple(sorted({self.starts, *self.terms}, key=lambda first: (first < self.starts, first)))

    def year(self, on: date) -> str:
        return str(self._place(on)[0])

    def term(self, on: date) -> str:
        year, number = self._place(on)
        return f"{year}-{number + 1}"

    def _term(self, year: int, month_day: MonthDay) -> tuple[int, int]:
        """The academic year and the number of the term, by the date alone."""
        starts_in = year - (month_day < self.starts)
        position = (month_day < self.starts, month_day)
        order = [(first < self.starts, first) for first in self.boundaries]
        return starts_in, bisect_right(order, position) - 1

    def _place(self, on: date) -> tuple[int, int]:
        year, number = self._term(on.year, (on.month, on.day))
        for cut_off in self.cut_offs:
            if self._term(2001, cut_off)[1] == number and self._is_past(on, cut_off):
                number += 1
        if number == len(self.boundaries):
            return year + 1, 0
        return year, number

    def _is_past(self, on: date, cut_off: MonthDay) -> bool:
        """Whether the date comes later in the academic year than the cut-off of the same term."""
        today = (on.month, on.day)
        return (today < self.starts, today) > (cut_off < self.starts, cut_off)


CALENDAR_YEAR: Final = "calendar_year"
_KOREAN_YEAR = Calendar(starts="03-01", terms=[], date="o.ended_on")
_KOREAN_TERM = Calendar(starts="03-01", terms=["03-01", "09-01"], date="o.ended_on")
BUILT_IN: Final[Mapping[str, Calendar]] = {"kr_year": _KOREAN_YEAR, "kr_term": _KOREAN_TERM}
"""Korean academic credit bank: 1 March to the end of February, by the last day of the course."""


def period(name: str, calendars: Mapping[str, Calendar], view: View) -> str | None:
    """The period of a calendar that a request or entry falls into, None without a date.

    `name` alone is the term where the calendar has terms, else the year; `name_year` and `name_term` ask for one.
    """
    calendar, part = named(name, calendars)
    scope, field = _path(calendar.date_field, view)
    on = view[scope].day(field)
    if on is None:
        return None
    return calendar.term(on) if part == "term" or (not part and calendar.terms) else calendar.year(on)


def named(name: str, calendars: Mapping[str, Calendar]) -> tuple[Calendar, str]:
    """The calendar and the part of it that a name asks for. Raises KeyError where there is none."""
    known = {**BUILT_IN, **calendars}
    if name in known:
        return known[name], ""
    base, _, part = name.rpartition("_")
    if part not in ("year", "term"):
        raise KeyError(name)
    return known[base], part


def names(calendars: Mapping[str, Calendar]) -> Iterator[str]:
    """All names that `per` may use."""
    yield CALENDAR_YEAR
    for name in {**BUILT_IN, **calendars}:
        yield from (name, f"{name}_year", f"{name}_term")


def _path(field: str, view: View) -> tuple[int, str]:
    if field[:2] in ("o.", "t.", "p.", "r.", "g."):
        return path_of(field)
    return (REQUEST, field) if view[REQUEST].get(field) is not None else (OUTCOME, field)


def calendar_year(view: View, *, is_entry: bool) -> str | None:
    """The year of the request's day, else of the application; an entry of the history has its own day or none."""
    on = view[REQUEST].day("on")
    if on is None and not is_entry:
        on = view[SITUATION].day("applied_on")
    return None if on is None else str(on.year)
