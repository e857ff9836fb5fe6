"""Children under 14: an account is opened for them when a guardian agrees."""

from __future__ import annotations

from datetime import date

import pytest

from creditbank.domain import errors, minors


@pytest.mark.parametrize(
    ("document_type", "number", "stated", "expected"),
    [
        ("CN-RIC", "11010519491231002X", None, date(1949, 12, 31)),
        ("CN-RIC", "11010519491231002X", date(2020, 1, 1), date(1949, 12, 31)),
        ("CN-FPR", "ABC123456789012", date(2015, 5, 1), date(2015, 5, 1)),
        ("PASSPORT", "E12345678", date(2015, 5, 1), date(2015, 5, 1)),
        ("LOCAL", "HB-1", None, None),
    ],
)
def test_the_number_says_the_day_of_birth_or_whoever_opens_does(
    document_type: str, number: str, stated: date | None, expected: date | None
) -> None:
    assert minors.born_on(document_type, number, stated) == expected


@pytest.mark.parametrize(
    ("born", "day", "years"),
    [
        (date(2012, 9, 1), date(2026, 8, 31), 13),
        (date(2012, 9, 1), date(2026, 9, 1), 14),
        (date(2012, 2, 29), date(2026, 2, 28), 13),
        (date(2012, 2, 29), date(2026, 3, 1), 14),
    ],
)
def test_a_year_of_age_is_full_on_the_birthday(born: date, day: date, years: int) -> None:
    assert minors.age_on(born, day) == years


def test_a_child_under_14_needs_a_guardian_and_nobody_else_does() -> None:
    today = date(2026, 9, 1)
    with pytest.raises(errors.GuardianConsentRequired):
        minors.require_guardian(date(2012, 9, 2), False, today)
    minors.require_guardian(date(2012, 9, 2), True, today)
    minors.require_guardian(date(2012, 9, 1), False, today)
    minors.require_guardian(None, False, today)
