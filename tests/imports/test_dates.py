"""Dates in the spellings in which they come; never a day that could be another one."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from creditbank.imports.cells import Unfit
from creditbank.imports.dates import EPOCH_1904, civil_date

JULY = date(2026, 7, 1)


@pytest.mark.parametrize(
    "cell",
    [
        "2026-07-01",
        "2026/7/1",
        "2026.7.1",
        "20260701",
        20260701,
        "2026年7月1日",
        "2026年07月01号",
        "二〇二六年七月一日",
        "２０２６－０７－０１",
        "2026-07-01 00:00:00",
        "2026-07-01T08:00:00Z",
        "2026/7/1 8:05",
        "2026-07-01T23:59:59.999+08:00",
        "1-Jul-2026",
        "July 1, 2026",
        46204,
        46204.5,
        "46204",
        date(2026, 7, 1),
        datetime(2026, 7, 1, 23, 59),
        " 2026-07-01 ",
    ],
)
def test_a_day_is_read_in_every_usual_spelling(cell: Any) -> None:
    assert civil_date(cell) == JULY


def test_days_since_1904_are_counted_from_there() -> None:
    assert civil_date(46204 - 1462, EPOCH_1904) == JULY


@pytest.mark.parametrize(
    ("text", "day"), [("二〇二六年十二月三十一日", 31), ("二〇二六年十二月二十日", 20), ("二〇二六年十二月十日", 10)]
)
def test_chinese_numerals_count_to_thirty_one(text: str, day: int) -> None:
    assert civil_date(text) == date(2026, 12, day)


@pytest.mark.parametrize("cell", [None, "", "  "])
def test_an_empty_cell_names_no_day(cell: Any) -> None:
    assert civil_date(cell) is None


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("7/1/2026", "date_ambiguous"),
        ("26-07-01", "date_ambiguous"),
        ("2026-07-01 至 2029-06-30", "date_ambiguous"),
        ("2026年7月1日至2029年6月30日", "date_ambiguous"),
        ("2026-07-01 - 2029-06-30", "date_ambiguous"),
        ("2026-07-01 起三年", "date_ambiguous"),
        ("2026-07-01 25:99", "date_ambiguous"),
        ("2026-07-011", "date_invalid"),
        ("2026年7月", "date_incomplete"),
        ("2026", "date_incomplete"),
        ("2026-02-30", "date_invalid"),
        ("20261301", "date_invalid"),
        ("长期", "date_invalid"),
        (True, "date_invalid"),
        (7.5, "date_invalid"),
        (1e300, "date_invalid"),
        (float("nan"), "date_invalid"),
        (float("inf"), "date_invalid"),
        (10**400, "date_invalid"),
        ("二〇二六年十十月一日", "date_invalid"),
        ("二〇二六年七月四十日", "date_invalid"),
        ("²²²²²", "date_invalid"),
    ],
)
def test_what_is_no_certain_day_is_refused(cell: Any, code: str) -> None:
    with pytest.raises(Unfit) as refused:
        civil_date(cell)
    assert refused.value.code == code
