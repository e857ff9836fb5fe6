"""Own years and terms decide which requests count together."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.rules.deciding import CARRY, evaluate, faults


def period_of(per: str, calendars: dict[str, Any] | None = None, **outcome: Any) -> object:
    cap = {"id": "c", "measure": "count", "limit": 9, "per": [per], "over": "drop", "reason": "CAP"}
    rules = {**CARRY, "caps": [cap], "calendars": calendars or {}}
    request = {"outcome": "a", "on": outcome.pop("on", None)}
    decision = evaluate(rules, [{"id": "a", "credits": 1, **outcome}], [request], applied_on="2024-05-01")
    return decision.caps[0].key[0] if decision.caps else decision.refused[0].reason


@pytest.mark.parametrize(
    ("per", "fields", "period"),
    [
        ("calendar_year", {"on": "2023-12-31"}, "2023"),
        ("calendar_year", {}, "2024"),
        ("kr_year", {"ended_on": "2025-02-28"}, "2024"),
        ("kr_year", {"ended_on": "2024-02-29"}, "2023"),
        ("kr_year", {"ended_on": "2025-03-01"}, "2025"),
        ("kr_term", {"ended_on": "2025-02-27"}, "2024-2"),
        ("kr_term", {"ended_on": "2025-03-01"}, "2025-1"),
        ("kr_term", {"ended_on": "2025-08-31"}, "2025-1"),
        ("kr_term", {"ended_on": "2025-09-01"}, "2025-2"),
        ("kr_year", {}, "MISSING_INPUT"),
    ],
)
def test_the_built_in_calendars(per: str, fields: dict[str, Any], period: str) -> None:
    assert period_of(per, **fields) == period


SCHOOL = {"starts": "09-01", "terms": ["09-01", "02-15"], "date": "ended_on"}


@pytest.mark.parametrize(
    ("per", "ended_on", "period"),
    [
        ("school", "2024-09-01", "2024-1"),
        ("school", "2025-02-14", "2024-1"),
        ("school", "2025-02-15", "2024-2"),
        ("school", "2025-08-31", "2024-2"),
        ("school_term", "2025-08-31", "2024-2"),
        ("school_year", "2025-08-31", "2024"),
        ("school_year", "2025-09-01", "2025"),
    ],
)
def test_an_own_calendar_has_years_and_terms(per: str, ended_on: str, period: str) -> None:
    assert period_of(per, {"school": SCHOOL}, ended_on=ended_on) == period


@pytest.mark.parametrize(
    ("ended_on", "period"),
    [
        ("2025-07-15", "2025-1"),
        ("2025-07-16", "2025-2"),
        ("2026-01-15", "2025-2"),
        ("2026-01-16", "2026-1"),
        ("2025-12-31", "2025-2"),
    ],
)
def test_after_the_cut_off_it_counts_for_the_next_term(ended_on: str, period: str) -> None:
    calendar = {"starts": "03-01", "terms": ["03-01", "09-01"], "date": "o.ended_on", "cut_offs": ["07-15", "01-15"]}
    assert period_of("acbs", {"acbs": calendar}, ended_on=ended_on) == period


def test_a_calendar_may_read_any_date() -> None:
    calendar = {"starts": "04-01", "terms": [], "date": "g.applied_on"}
    assert period_of("fiscal", {"fiscal": calendar}) == "2024"
    assert period_of("fiscal", {"fiscal": {**calendar, "date": "on"}}, on="2024-03-31") == "2023"


@pytest.mark.parametrize(
    ("name", "calendar", "pointer"),
    [
        ("school", {"starts": "02-30", "terms": [], "date": "x"}, "/school/starts"),
        ("school", {"starts": "9-1", "terms": [], "date": "x"}, "/school/starts"),
        ("school", {"starts": "09-01", "terms": ["02-15", "09-01"], "date": "x"}, "/school/terms/1"),
        ("school", {"starts": "09-01", "terms": [], "date": "x", "cut_offs": ["07-15", "08-01"]}, "/school/cut_offs/1"),
        ("school", {"starts": "09-01", "terms": []}, "/school/date"),
        ("kr_year", {"starts": "09-01", "terms": [], "date": "x"}, "/kr_year"),
        ("outcome", {"starts": "09-01", "terms": [], "date": "x"}, "/outcome"),
    ],
)
def test_a_calendar_that_cannot_be_is_a_fault(name: str, calendar: dict[str, Any], pointer: str) -> None:
    assert list(faults({**CARRY, "calendars": {name: calendar}})) == [f"/calendars{pointer}"]
