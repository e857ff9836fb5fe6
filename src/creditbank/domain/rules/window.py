"""`window`: when something may be asked for. Outside, it is refused or needs approval."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from creditbank.domain.rules.clause import MISSING_INPUT, Clause, Line, Objection, Step, inner_faults
from creditbank.domain.rules.dates import Day
from creditbank.domain.rules.situation import OUTCOME, REQUEST, SITUATION, View

WINDOW_CLOSED = "WINDOW_CLOSED"


class Window(Clause):
    """Days from `from`, before `before`: for the request, or for the posting of the outcome (`o.posted_on`)."""

    about: Literal["request", "posting"] = Field(alias="for")
    starts: Day | None = Field(default=None, alias="from")
    before: Day | None = None
    late: Literal["refuse", "approve"] = "refuse"

    @model_validator(mode="after")
    def _some_days(self) -> Self:
        reversed_days = self.starts is not None and self.before is not None and self.starts >= self.before
        inner_faults([((), "can never be open: `from` is not before `before`.")] if reversed_days else [])
        return self

    def is_open(self, on: date) -> bool:
        return (self.starts is None or on >= self.starts) and (self.before is None or on < self.before)


def opening(windows: Sequence[Window]) -> Step:
    """One open window of a kind is enough; where all are shut, one that lets late comers in asks for approval."""
    numbered = list(enumerate(windows))
    kinds = [(about, [pair for pair in numbered if pair[1].about == about]) for about in ("request", "posting")]

    def window(line: Line) -> Objection | None:
        for about, listed in kinds:
            objection = _objection(line, about, listed) if listed else None
            if objection:
                return objection
        return None

    return window


def _objection(line: Line, about: str, listed: Sequence[tuple[int, Window]]) -> Objection | None:
    for view in line.views:
        on = _asked_on(view) if about == "request" else view[OUTCOME].day("posted_on")
        number, first = listed[0]
        if on is None and about == "request":
            return Objection(MISSING_INPUT, f"/window/{number}")
        if on is None or any(window.is_open(on) for _, window in listed):
            continue
        if not any(window.late == "approve" for _, window in listed):
            return Objection(WINDOW_CLOSED, f"/window/{number}", on.isoformat(), _bound(first, on))
        line.needs_approval = True
    return None


def _bound(window: Window, on: date) -> str | None:
    bound = window.starts if window.starts is not None and on < window.starts else window.before
    return None if bound is None else bound.isoformat()


def _asked_on(view: View) -> date | None:
    return view[REQUEST].day("on") or view[SITUATION].day("applied_on")
