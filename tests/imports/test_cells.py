"""Cells: made the one way to write them where that is certain, and refused with a reason where it is not."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import pytest

from creditbank.imports import cells
from creditbank.imports.cells import Unfit


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        (" 武汉考点 ", "武汉考点"),
        ("\u200b武汉\ufeff考点\u00a0", "武汉考点"),
        ("　武汉考点　", "武汉考点"),
        ("'=SUM(A1)", "=SUM(A1)"),
        ("'0012", "0012"),
        ("O'Neill", "O'Neill"),
        ("\ue81e", "\u9fb4"),
        (None, ""),
        (86, "86"),
        (86.5, "86.5"),
    ],
)
def test_text_is_freed_of_what_nobody_sees(cell: Any, read: str) -> None:
    assert cells.text(cell) == read


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("=A1&B1", "formula_text"),
        ("武汉\n考点", "control_character"),
        ("武汉\x00", "control_character"),
        ("\ud800", "control_character"),
        ("\ue001", "private_character"),
        ("王\ufffd明", "replacement_character"),
        (["王小明"], "value_invalid"),
        ({"name": "王小明"}, "value_invalid"),
        (True, "value_invalid"),
    ],
)
def test_text_that_says_something_else_is_refused(cell: Any, code: str) -> None:
    with pytest.raises(Unfit) as refused:
        cells.text(cell)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("ＢＩＭ２０２６　", "BIM2026"),
        (202600001, "202600001"),
        ("110105194912310021", "110105194912310021"),
        ("1E5", "1E5"),
    ],
)
def test_a_number_is_text_of_usual_signs(cell: Any, read: str) -> None:
    assert cells.number(cell) == read


@pytest.mark.parametrize(
    "cell",
    [1.1010519491231e17, 110105194912310020, 12.5, "1.10105E+17", "1.10105e17", float("nan"), float("inf"), 10**400],
)
def test_a_number_that_lost_its_last_digits_is_not_guessed(cell: Any) -> None:
    with pytest.raises(Unfit) as refused:
        cells.number(cell)
    assert refused.value.code == "number_damaged"


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("王　明", "王明"),
        ("王 小 明", "王小明"),
        ("阿卜杜•买买提", "阿卜杜·买买提"),
        ("阿卜杜・买买提", "阿卜杜·买买提"),
        ("阿卜杜．买买提", "阿卜杜·买买提"),
        ("Anna Maria", "Anna Maria"),
        ("ＪＯＨＮ", "ＪＯＨＮ"),
        ("J. Smith", "J. Smith"),
    ],
)
def test_a_name_stays_as_issued_but_for_dots_and_padding(cell: str, name: str) -> None:
    assert cells.name(cell) == name


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (datetime(2026, 7, 1), "2026-07-01"),
        (datetime(2026, 7, 1, 8, 30), "2026-07-01 08:30:00"),
        (date(2026, 7, 1), "2026-07-01"),
        (time(8, 30), "08:30:00"),
        (48.0, "48"),
        (0.1, "0.1"),
        (1.5e300, "1.5E+300"),
        (float("nan"), "NaN"),
    ],
)
def test_a_cell_is_shown_as_it_would_be_typed(cell: Any, shown: str) -> None:
    assert cells.shown(cell) == shown
