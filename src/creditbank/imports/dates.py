"""Civil dates in the spellings in which they come. What could be two days, or names none, is refused."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

from creditbank.imports.cells import Cell, Unfit, code

_DIGITS = str.maketrans("〇零○一二三四五六七八九", "000123456789")
_ONES = "[一二三四五六七八九]"
_NUMERALS = re.compile(
    f"([〇零○一二三四五六七八九]{{4}})年({_ONES}|一?十{_ONES}?)月({_ONES}|[一二三]?十{_ONES}?)[日号]?"
)
_YEAR_FIRST = re.compile(r"([12][0-9]{3})\s*[-/.年]\s*([0-9]{1,2})\s*[-/.月]\s*([0-9]{1,2})\s*[日号]?(?![0-9])(.*)")
_TIME = re.compile(
    r"[T ]\s*(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?\s*(?:Z|[+-][0-9]{2}:?[0-9]{2})?", re.ASCII
)
_COMPACT = re.compile(r"([12][0-9]{3})([0-9]{2})([0-9]{2})")
_WORDS = re.compile(
    r"([0-9]{1,2})[- ]([A-Za-z]{3,9})[-., ]+([12][0-9]{3})|([A-Za-z]{3,9})[. ]+([0-9]{1,2}),? +([12][0-9]{3})"
)
_MONTH_ONLY = re.compile(r"[12][0-9]{3}\s*[-/.年]\s*[0-9]{1,2}\s*月?|[12][0-9]{3}年?")
_OTHER_ORDER = re.compile(r"[0-9]{1,2}\s*[-/.]\s*[0-9]{1,2}\s*[-/.]\s*([0-9]{2}|[12][0-9]{3})")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TENS = 10

EPOCH_1900 = date(1899, 12, 30)
EPOCH_1904 = date(1904, 1, 1)
_SERIALS = (10_000, 80_000)
"""Days since 1900 that can be meant: from 1927 to 2119."""
_LONGEST = 99_999_999
"""Year, month and day in one number."""


def civil_date(cell: Cell, epoch: date = EPOCH_1900) -> date | None:
    """The day in a cell; None for an empty one. `epoch` is that of the workbook's serial numbers. Raises Unfit."""
    match cell:
        case None | "":
            return None
        case datetime():
            return cell.date()
        case date():
            return cell
        case bool():
            raise Unfit("date_invalid")
        case int() | float():
            if not abs(cell) <= _LONGEST:
                raise Unfit("date_invalid")
            return _serial(float(cell), epoch)
        case _:
            found = code(cell)
            return _read(found, epoch) if found else None


def _serial(number: float, epoch: date) -> date:
    if not number.is_integer():
        number = float(int(number)) if _SERIALS[0] <= number <= _SERIALS[1] else -1.0
    whole = int(number)
    if _SERIALS[0] <= whole <= _SERIALS[1]:
        return epoch + timedelta(days=whole)
    return _read(str(whole), epoch)


@lru_cache(maxsize=4096)
def _read(text: str, epoch: date) -> date:
    if len(text) == 5 and text.isascii() and text.isdigit():
        return _serial(float(text), epoch)
    if match := _COMPACT.fullmatch(text):
        return _day(*map(int, match.groups()))
    if match := _YEAR_FIRST.fullmatch(text):
        if match[4] and not _TIME.fullmatch(match[4]):
            raise Unfit("date_ambiguous")  # a second day, as in a period, or what only its writer knows
        return _day(*map(int, match.groups()[:3]))
    if match := _NUMERALS.fullmatch(text):
        year, month, day = match.groups()
        return _day(int(year.translate(_DIGITS)), _numeral(month), _numeral(day))
    if match := _WORDS.fullmatch(text):
        day_first, month_word, year_last, month_first, day_next, year_next = match.groups()
        word = (month_word or month_first).lower()[:3]
        if word in _MONTHS:
            return _day(int(year_last or year_next), _MONTHS.index(word) + 1, int(day_first or day_next))
    if _MONTH_ONLY.fullmatch(text):
        raise Unfit("date_incomplete")
    raise Unfit("date_ambiguous" if _OTHER_ORDER.fullmatch(text) else "date_invalid")


def _numeral(text: str) -> int:
    """One to thirty-one, as in 二十一 and in 三十."""
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return int(ones.translate(_DIGITS))
    return (int(tens.translate(_DIGITS)) if tens else 1) * _TENS + (int(ones.translate(_DIGITS)) if ones else 0)


def _day(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise Unfit("date_invalid") from None
