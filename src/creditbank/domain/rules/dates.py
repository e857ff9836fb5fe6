"""Dates as rulebooks write them: ISO days, days of a year, and terms of years that are added to a day."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from creditbank.domain.rules.numbers import Rational

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MONTH_DAY = re.compile(r"([0-9]{2})-([0-9]{2})", re.ASCII)


@lru_cache(maxsize=4096)
def day(text: str) -> date | None:
    """The day that YYYY-MM-DD names, None if the text is anything else or the day does not exist."""
    if not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def add_years(start: date, years: Rational) -> date:
    """The same day that many years later; a day that the month lacks falls back to the month's last day.

    Parts of a year are counted in whole months. A term beyond the calendar ends on its last day, one
    before it on its first.
    """
    months = start.year * 12 + start.month - 1 + int(years * 12 // 1)
    year, month = divmod(months, 12)
    if year < date.min.year:
        return date.min
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def _read_day(value: Any) -> date:
    found = day(value) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("day", "must be a real date, written YYYY-MM-DD.")
    return found


def _read_month_day(value: Any) -> tuple[int, int]:
    match = _MONTH_DAY.fullmatch(value) if isinstance(value, str) else None
    month, dom = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= month <= 12 or not 1 <= dom <= monthrange(2001, month)[1]:
        raise PydanticCustomError("month_day", "must be a day of every year, written MM-DD.")
    return month, dom


Day = Annotated[date, PlainValidator(_read_day), WithJsonSchema({"type": "string", "format": "date"})]
MonthDay = Annotated[
    tuple[int, int],
    PlainValidator(_read_month_day),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{2}-[0-9]{2}$"}),
]
