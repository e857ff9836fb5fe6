"""Credit without a course is added up first and rounded down after, from the last request."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.rules.deciding import CARRY, decide, evaluate, faults

ZERO = "ROUNDED_TO_ZERO"


def pooled(*credits: object, quantum: object = 30, **given: Any) -> list[Any]:
    rules = {**CARRY, "pool_round": {"quantum": quantum, "mode": "down", "scope": "sum of all outcomes"}}
    return decide(rules, [{"id": str(number), "credits": amount} for number, amount in enumerate(credits)], **given)


@pytest.mark.parametrize(
    ("credits", "granted"),
    [
        ([20, 20], [20, 10]),
        ([30, 30], [30, 30]),
        ([20, 5], [ZERO, ZERO]),
        ([25, 10, 10], [25, 5, ZERO]),
        ([29], [ZERO]),
        ([], []),
    ],
)
def test_what_is_above_the_multiple_is_cut_from_the_last(credits: list[int], granted: list[Any]) -> None:
    assert pooled(*credits) == granted


def test_fractions_are_pooled_before_they_are_rounded() -> None:
    assert pooled("10/3", "10/3", "10/3", quantum=10) == [3.33, 3.33, 3.33]
    assert pooled(1, quantum="1/3") == [1]


def test_a_cut_is_marked_and_a_refusal_tells_the_sum() -> None:
    rules = {**CARRY, "pool_round": {"quantum": 30, "mode": "down"}}
    outcomes = [{"id": "a", "credits": 25}, {"id": "b", "credits": 10}, {"id": "c", "credits": 4}]
    decision = evaluate(rules, outcomes)
    assert [(grant.credits, grant.reduced_by) for grant in decision.granted] == [(25, None), (5, "pool_round")]
    assert [(refusal.clause, refusal.measured, refusal.limit) for refusal in decision.refused] == [
        ("/pool_round", 39, 30)
    ]


def test_requests_with_a_course_are_left_alone() -> None:
    rules = {**CARRY, "pool_round": {"quantum": 10, "mode": "down"}}
    outcomes = [{"id": "a", "credits": 7}, {"id": "b", "credits": 13}]
    assert decide(rules, outcomes, [{"outcome": "a", "target": "C"}, {"outcome": "b"}]) == [7, 10]


@pytest.mark.parametrize(
    ("programme", "granted"), [({"multiple": 30}, [60]), ({}, ["MISSING_INPUT"]), ({"multiple": 0}, ["MISSING_INPUT"])]
)
def test_the_quantum_may_be_the_programmes(programme: dict[str, Any], granted: list[Any]) -> None:
    rules = {**CARRY, "pool_round": {"quantum_field": "p.multiple", "mode": "down"}}
    assert decide(rules, [{"id": "a", "credits": 75}], programme=programme) == granted


def test_rounding_comes_before_the_caps() -> None:
    cap = {"id": "c", "measure": "credits", "limit": 25, "over": "truncate", "reason": "CAP"}
    rules = {**CARRY, "pool_round": {"quantum": 10, "mode": "down"}, "caps": [cap]}
    assert decide(rules, [{"id": "a", "credits": 38}]) == [25]


@pytest.mark.parametrize(
    ("pool_round", "pointer"),
    [
        ({"mode": "down"}, ""),
        ({"mode": "down", "quantum": 1, "quantum_field": "p.x"}, ""),
        ({"mode": "down", "quantum": 0}, "/quantum"),
        ({"mode": "up", "quantum": 1}, "/mode"),
        ({"mode": "down", "quantum_field": "multiple"}, "/quantum_field"),
    ],
)
def test_a_rounding_that_cannot_be_done_is_a_fault(pool_round: dict[str, Any], pointer: str) -> None:
    assert list(faults({**CARRY, "pool_round": pool_round})) == [f"/pool_round{pointer}"]
