"""What an outcome is worth, exactly."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from creditbank.domain.rules import InvalidSituation
from tests.domain.rules.deciding import evaluate, faults

COURSES = {"courses": {"C": {"credits": 4}, "D": {}, "E": {"credits": "2/3"}}}


def worth(value: dict[str, Any], target: str | None = None, **fields: Any) -> Fraction | str:
    request = {"outcome": "a", "target": target}
    decision = evaluate({"sources": [{"value": value}]}, [{"id": "a", **fields}], [request], programme=COURSES)
    return decision.granted[0].credits if decision.granted else decision.refused[0].reason


@pytest.mark.parametrize(
    ("value", "target", "fields", "credits"),
    [
        ({"target": True}, "C", {}, 4),
        ({"target": True}, "D", {}, "NO_RULE"),
        ({"target": True}, "E", {}, Fraction(2, 3)),
        ({"target": True}, "unknown", {}, "NO_RULE"),
        ({"target": True}, None, {}, "NO_RULE"),
        ({"carry": True}, None, {"credits": 1.1}, Fraction(11, 10)),
        ({"carry": True}, None, {"credits": "10/3"}, Fraction(10, 3)),
        ({"carry": True}, None, {"credits": "1.5"}, Fraction(3, 2)),
        ({"carry": True}, None, {"credits": "many"}, "NO_RULE"),
        ({"carry": True}, None, {"credits": True}, "NO_RULE"),
        ({"carry": True}, None, {"credits": [4]}, "NO_RULE"),
        ({"carry": True}, "C", {"credits": 2}, 2),
        ({"fixed": 3}, None, {}, 3),
        ({"fixed": "1/3"}, None, {}, Fraction(1, 3)),
        ({"table": {"1": 4, "2": 1.5}, "by": "prize"}, None, {"prize": 2}, Fraction(3, 2)),
        ({"table": {"1": 4, "2": 1.5}, "by": "prize"}, None, {"prize": "2"}, Fraction(3, 2)),
        ({"table": {"1": 4, "2": 1.5}, "by": "prize"}, None, {"prize": 2.0}, Fraction(3, 2)),
        ({"table": {"1": 4, "2": 1.5}, "by": "prize"}, None, {"prize": 3}, "NO_RULE"),
        ({"table": {"1": 4, "2": 1.5}, "by": "prize"}, None, {}, "NO_RULE"),
        ({"table": {"1.5": 4}, "by": "o.prize"}, None, {"prize": 1.5}, 4),
        ({"table": {"true": 4}, "by": "won"}, None, {"won": True}, 4),
        ({"ratio": [2, 3]}, None, {"credits": 10}, Fraction(20, 3)),
        ({"ratio": [2, 1]}, None, {"credits": 45}, 90),
        ({"ratio": [1, "5/2"]}, None, {"credits": 5}, 2),
        ({"ratio": [2, 3]}, None, {}, "NO_RULE"),
        ({"hours_per_credit": 30}, None, {"hours": 100}, Fraction(10, 3)),
        ({"hours_per_credit": 30}, None, {}, "NO_RULE"),
    ],
)
def test_a_value_is_exact_or_missing(
    value: dict[str, Any], target: str, fields: dict[str, Any], credits: object
) -> None:
    assert worth(value, target, **fields) == credits


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"credits": -1}, "/outcomes/0/credits"),
        ({"credits": float("nan")}, "/outcomes/0/credits"),
        ({"credits": float("inf")}, "/outcomes/0/credits"),
        ({"credits": 10**400}, "/outcomes/0/credits"),
        ({"credits": 1e300}, "/outcomes/0/credits"),
    ],
)
def test_an_impossible_number_of_credits_is_refused_with_its_place(fields: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidSituation) as refused:
        worth({"carry": True}, **fields)
    assert refused.value.faults[0].pointer == pointer


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ({}, ""),
        (4, ""),
        ({"fixed": 1, "carry": True}, ""),
        ({"target": False}, "/target"),
        ({"fixed": True}, "/fixed"),
        ({"fixed": -1}, "/fixed"),
        ({"fixed": "1e999999"}, "/fixed"),
        ({"fixed": "1/0"}, "/fixed"),
        ({"fixed": 1e300}, "/fixed"),
        ({"ratio": [2, 0]}, "/ratio/1"),
        ({"ratio": [0, 2]}, "/ratio/0"),
        ({"ratio": [2]}, "/ratio/1"),
        ({"hours_per_credit": 0}, "/hours_per_credit"),
        ({"table": {"1": "x"}, "by": "prize"}, "/table/1"),
        ({"table": {"1": 2}}, "/by"),
        ({"fixed": 1, "round": "up"}, "/round"),
    ],
)
def test_a_value_that_says_nothing_is_a_fault(value: Any, pointer: str) -> None:
    assert list(faults({"sources": [{"value": value}]})) == [f"/sources/0/value{pointer}"]
