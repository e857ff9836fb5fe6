"""Selectors are plain comparisons; types never mix and a missing field passes nothing but `absent`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.domain.rules.deciding import decide, faults


def matches(test: Any, **fields: Any) -> bool:
    rules = {"sources": [{"match": {"o.x": test}, "value": {"fixed": 1}}]}
    return decide(rules, [{"id": "a", **fields}]) == [1]


@pytest.mark.parametrize(
    ("test", "value", "holds"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("1", 1, False),
        (1, "1", False),
        (1, 1, True),
        (1, 1.0, True),
        (0.1, Decimal("0.10"), True),
        (1, True, False),
        (True, 1, False),
        (True, True, True),
        (False, 0, False),
        (True, "true", False),
        ("2/3", "2/3", True),
        (["a", 2], 2, True),
        (["a", 2], "2", False),
        ("a", ["a"], False),
        ({"ge": 0.8}, 0.8, True),
        ({"ge": 0.8}, 0.79, False),
        ({"gt": 0.8}, 0.8, False),
        ({"le": 3}, 3, True),
        ({"lt": 3}, 3, False),
        ({"ge": 1, "lt": 3}, 2, True),
        ({"ge": "2/3"}, 0.67, True),
        ({"ge": "2/3"}, 0.66, False),
        ({"ge": 0.5}, "2/3", True),
        ({"ge": 1}, "2", False),
        ({"ge": 0}, True, False),
        ({"from": "2024-01-01"}, "2024-01-01", True),
        ({"from": "2024-01-01"}, "2023-12-31", False),
        ({"before": "2024-01-01"}, "2024-01-01", False),
        ({"before": "2024-01-01"}, "2023-12-31", True),
        ({"before": "2024-01-01"}, "last year", False),
        ({"before": "2024-01-01"}, "2023-02-30", False),
        ({"not_in": ["a", "b"]}, "c", True),
        ({"not_in": ["a", "b"]}, "a", False),
        ({"not_in": [1]}, True, True),
        ({"absent": True}, "a", False),
        ({"absent": True}, None, True),
        ({"absent": False}, "a", True),
        ({"absent": False}, None, False),
    ],
)
def test_a_test_holds_or_does_not(test: Any, value: Any, holds: bool) -> None:
    assert matches(test, x=value) is holds


@pytest.mark.parametrize(
    "test",
    ["a", 1, True, ["a"], {"ge": 0}, {"lt": 9}, {"from": "2024-01-01"}, {"before": "2024-01-01"}, {"not_in": ["a"]}],
)
def test_a_missing_field_fails_every_test_but_absent(test: Any) -> None:
    assert not matches(test)
    assert matches({"absent": True})


def test_all_conditions_must_hold_and_see_five_things() -> None:
    match = {"o.kind": "x", "t.type": "core", "p.id": "ba", "r.purpose": "credit", "g.applied_on": "2024-01-01"}
    rules = {"sources": [{"match": match, "value": {"target": True}}]}
    outcomes = [{"id": "a", "kind": "x"}]
    requests = [{"outcome": "a", "target": "C", "purpose": "credit"}]
    programme = {"id": "ba", "courses": {"C": {"type": "core", "credits": 3}}}
    assert decide(rules, outcomes, requests, programme=programme, applied_on="2024-01-01") == [3]
    assert decide(rules, outcomes, requests, programme=programme, applied_on="2024-01-02") == ["NO_RULE"]


@pytest.mark.parametrize(
    ("match", "pointer"),
    [
        ({"x.kind": "a"}, "/x.kind"),
        ({"kind": "a"}, "/kind"),
        ({"o.kind": None}, "/o.kind"),
        ({"o.kind": []}, "/o.kind"),
        ({"o.kind": {}}, "/o.kind"),
        ({"o.kind": ["a", None]}, "/o.kind/1"),
        ({"o.kind": {"like": "a.*"}}, "/o.kind/like"),
        ({"o.x": {"ge": "much"}}, "/o.x/ge"),
        ({"o.x": {"ge": True}}, "/o.x/ge"),
        ({"o.x": {"from": "2024-02-30"}}, "/o.x/from"),
        ({"o.x": {"from": "2024-02-01", "before": "2024-01-01"}}, "/o.x"),
        ({"o.x": {"ge": 3, "lt": 3}}, "/o.x"),
        ({"o.x": {"absent": True, "ge": 3}}, "/o.x"),
        ({"o.x": {"absent": "yes"}}, "/o.x/absent"),
        ({"o.a/b~c": None}, "/o.a~1b~0c"),
    ],
)
def test_a_test_that_says_nothing_is_a_fault_with_its_place(match: Any, pointer: str) -> None:
    found = faults({"exclude": [{"match": match, "reason": "NO"}]})
    assert list(found) == [f"/exclude/0/match{pointer}"]


def test_all_faults_are_told_at_once() -> None:
    found = faults({"exclude": [{"match": {"o.a": None, "o.b": {"ge": "x"}}, "reason": "no"}], "caps": [{}]})
    assert {"/exclude/0/match/o.a", "/exclude/0/match/o.b/ge", "/exclude/0/reason", "/caps/0/limit"} <= set(found)
