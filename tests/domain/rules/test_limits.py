"""How high a ceiling is."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from tests.domain.rules.deciding import CARRY, evaluate, faults

PROGRAMME = {"credits": 360, "max": 20, "text": "many", "share_base": "10/3"}


def limit_of(limit: Any) -> object:
    cap = {"id": "c", "measure": "credits", "limit": limit, "over": "drop", "reason": "CAP"}
    outcome = {"id": "a", "credits": 0, "bank_credits": 12}
    decision = evaluate({**CARRY, "caps": [cap]}, [outcome], programme=PROGRAMME)
    return decision.caps[0].limit if decision.caps else decision.refused[0].reason


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        (8, 8),
        ("2/3", Fraction(2, 3)),
        (1.5, Fraction(3, 2)),
        ({"field": "p.max"}, 20),
        ({"field": "programme.max"}, 20),
        ({"field": "o.bank_credits"}, 12),
        ({"field": "p.none"}, "MISSING_INPUT"),
        ({"field": "p.text"}, "MISSING_INPUT"),
        ({"share": 0.33, "of": "programme.credits"}, Fraction(1188, 10)),
        ({"share": "2/3", "of": "p.credits"}, 240),
        ({"share": 0.3, "of": "p.share_base"}, 1),
        ({"share": 0.3, "of": "p.none"}, "MISSING_INPUT"),
        ({"min_of": [8, {"field": "o.bank_credits"}]}, 8),
        ({"min_of": [80, {"field": "o.bank_credits"}, {"share": 0.1, "of": "p.credits"}]}, 12),
        ({"min_of": [8, {"field": "p.none"}]}, "MISSING_INPUT"),
        ({"minus": ["programme.credits", 18]}, 342),
        ({"minus": [{"share": 0.5, "of": "p.credits"}, {"field": "p.max"}, 10]}, 150),
        ({"minus": ["p.none", 18]}, "MISSING_INPUT"),
        ({"min_of": [{"minus": ["p.max", 5]}, 18]}, 15),
    ],
)
def test_a_limit_is_a_number_or_made_of_fields(limit: Any, value: object) -> None:
    assert limit_of(limit) == value


def test_a_limit_below_zero_lets_nothing_through() -> None:
    assert limit_of({"minus": ["p.max", 50]}) == -30


@pytest.mark.parametrize(
    ("limit", "pointer"),
    [
        (None, ""),
        (True, ""),
        (-1, ""),
        ("many", ""),
        ({}, ""),
        ({"field": "p.max", "share": 0.5}, ""),
        ({"field": "max"}, "/field"),
        ({"share": 1.5, "of": "p.credits"}, "/share"),
        ({"share": -0.5, "of": "p.credits"}, "/share"),
        ({"share": 0.5}, "/of"),
        ({"min_of": []}, "/min_of"),
        ({"min_of": [1, {"share": 2, "of": "p.x"}]}, "/min_of/1/share"),
        ({"minus": ["programme.credits"]}, "/minus"),
        ({"minus": ["programme.credits", True]}, "/minus/1"),
        ({"minus": ["programme.credits", {"fields": "p.x"}]}, "/minus/1"),
    ],
)
def test_a_limit_that_says_nothing_is_a_fault(limit: Any, pointer: str) -> None:
    cap = {"id": "c", "measure": "credits", "limit": limit, "over": "drop", "reason": "CAP"}
    assert list(faults({**CARRY, "caps": [cap]})) == [f"/caps/0/limit{pointer}"]
