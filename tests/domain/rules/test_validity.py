"""Shelf lives end after their last day, and tell when there is no date to test."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.rules.deciding import CARRY, decide, evaluate, faults


def with_term(**term: Any) -> dict[str, Any]:
    return {**CARRY, "validity": [term]}


@pytest.mark.parametrize(
    ("issued_on", "applied_on", "answer"),
    [
        ("2018-06-01", "2024-06-01", 1),
        ("2018-06-01", "2024-06-02", "OUTCOME_EXPIRED"),
        ("2020-02-29", "2026-02-28", 1),
        ("2020-02-29", "2026-03-01", "OUTCOME_EXPIRED"),
        (None, "2024-06-01", "MISSING_INPUT"),
        ("someday", "2024-06-01", "MISSING_INPUT"),
        ("2018-06-01", None, "MISSING_INPUT"),
    ],
)
def test_a_term_of_years_includes_its_last_day(issued_on: str, applied_on: str, answer: object) -> None:
    outcome = {"id": "a", "credits": 1, "issued_on": issued_on}
    assert decide(with_term(years=6, **{"from": "issued_on"}), [outcome], applied_on=applied_on) == [answer]


def test_a_leap_day_comes_back_in_a_leap_year() -> None:
    outcome = {"id": "a", "credits": 1, "issued_on": "2020-02-29"}
    rules = with_term(years=4, **{"from": "issued_on"})
    assert decide(rules, [outcome], applied_on="2024-02-29") == [1]
    assert decide(rules, [outcome], applied_on="2024-03-01") == ["OUTCOME_EXPIRED"]


@pytest.mark.parametrize(
    ("shelf_life", "answer"), [(None, 1), (9, "OUTCOME_EXPIRED"), (7, 1), (5, "OUTCOME_EXPIRED"), ("13/2", 1)]
)
def test_an_issuer_may_shorten_a_term_but_not_lengthen_it(shelf_life: object, answer: object) -> None:
    rules = with_term(years=7, issuer_may_shorten=True, **{"from": "earned_on"})
    day = "2026-07-01" if shelf_life == 9 else "2025-06-30"
    outcome = {"id": "a", "credits": 1, "earned_on": "2019-06-30", "shelf_life_years": shelf_life}
    assert decide(rules, [outcome], applied_on=day) == [answer]


@pytest.mark.parametrize(
    ("term", "answer"),
    [
        ({"until": "2024-04-30"}, "OUTCOME_EXPIRED"),
        ({"until": "2024-05-01"}, 1),
        ({"until": "valid_until"}, 1),
        ({"until": "o.valid_until"}, 1),
        ({"until": "no_such_field"}, "MISSING_INPUT"),
    ],
)
def test_a_term_may_end_on_a_day_or_when_a_field_says(term: dict[str, Any], answer: object) -> None:
    outcome = {"id": "a", "credits": 1, "valid_until": "2024-05-01"}
    assert decide(with_term(**term), [outcome], applied_on="2024-05-01") == [answer]


def test_it_is_tested_on_the_day_of_the_request_before_that_of_the_application() -> None:
    rules = with_term(until="2024-04-30")
    requests = [{"outcome": "a", "on": "2024-04-30"}, {"outcome": "a"}]
    assert decide(rules, [{"id": "a", "credits": 1}], requests, applied_on="2024-05-01") == [1, "OUTCOME_EXPIRED"]


def test_another_date_field_can_be_named() -> None:
    rules = with_term(until="2024-04-30", at="p.starts_on")
    assert decide(rules, [{"id": "a", "credits": 1}], programme={"starts_on": "2024-04-01"}) == [1]
    bare = with_term(until="2024-04-30", at="starts_on")
    assert decide(bare, [{"id": "a", "credits": 1}], programme={"starts_on": "2024-06-01"}) == ["OUTCOME_EXPIRED"]
    assert decide(bare, [{"id": "a", "credits": 1}], applied_on="2024-01-01") == ["MISSING_INPUT"]


def test_the_reason_and_the_outcomes_meant_are_the_rulebooks() -> None:
    rules = with_term(until="2020-01-01", reason="TOO_OLD", when={"o.kind": "course"})
    outcomes = [{"id": "a", "credits": 1, "kind": "course"}, {"id": "b", "credits": 1}]
    decision = evaluate(rules, outcomes, applied_on="2024-01-01")
    assert [(refusal.reason, refusal.measured, refusal.limit) for refusal in decision.refused] == [
        ("TOO_OLD", "2024-01-01", "2020-01-01")
    ]
    assert [grant.outcomes for grant in decision.granted] == [("b",)]


def test_a_term_beyond_the_calendar_never_ends() -> None:
    outcome = {"id": "a", "credits": 1, "issued_on": "2018-06-01"}
    assert decide(with_term(years=10**9, **{"from": "issued_on"}), [outcome], applied_on="9999-12-31") == [1]


@pytest.mark.parametrize(
    ("term", "pointer"),
    [
        ({"years": 3}, "/validity/0/from"),
        ({"from": "issued_on"}, "/validity/0"),
        ({"years": 3, "until": "x", "from": "issued_on"}, "/validity/0"),
        ({"until": "2024-02-30"}, "/validity/0/until"),
        ({"years": -1, "from": "issued_on"}, "/validity/0/years"),
    ],
)
def test_a_term_that_cannot_be_meant_is_a_fault(term: dict[str, Any], pointer: str) -> None:
    assert list(faults(with_term(**term))) == [pointer]
