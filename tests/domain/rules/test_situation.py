"""Situations are read or refused with the place at fault; decisions name every field that was read."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from creditbank.domain import rules
from creditbank.domain.rules import InvalidSituation
from tests.domain.rules.deciding import CARRY, answers, evaluate

READY = rules.compile(CARRY)


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ([], ""),
        ({"applied_on": "2024-02-30"}, "/applied_on"),
        ({"registered_on": 2024}, "/registered_on"),
        ({"programme": []}, "/programme"),
        ({"programme": {"courses": []}}, "/programme/courses"),
        ({"outcomes": {}}, "/outcomes"),
        ({"outcomes": "abc"}, "/outcomes"),
        ({"outcomes": [1]}, "/outcomes/0"),
        ({"outcomes": [{}]}, "/outcomes/0/id"),
        ({"outcomes": [{"id": 1}]}, "/outcomes/0/id"),
        ({"outcomes": [{"id": "a"}, {"id": "a"}]}, "/outcomes/1/id"),
        ({"requests": [{}]}, "/requests/0/outcome"),
        ({"requests": [{"outcome": "x"}]}, "/requests/0/outcome"),
        ({"requests": [{"outcome": []}]}, "/requests/0/outcome"),
        ({"requests": [{"outcome": {"id": "a"}}]}, "/requests/0/outcome"),
        ({"outcomes": [{"id": "a"}], "requests": [{"outcome": ["a", "a"]}]}, "/requests/0/outcome"),
        ({"outcomes": [{"id": "a"}], "requests": [{"outcome": "a", "target": 4}]}, "/requests/0/target"),
        ({"outcomes": [{"id": "a"}], "requests": [{"outcome": "a", "target": ""}]}, "/requests/0/target"),
        ({"outcomes": [{"id": "a"}], "requests": [{"outcome": "a", "purpose": 4}]}, "/requests/0/purpose"),
        ({"outcomes": [{"id": "a"}], "requests": [{"outcome": "a", "on": "today"}]}, "/requests/0/on"),
        ({"history": [3]}, "/history/0"),
        (
            {
                "programme": {"courses": {"A/B": 4}},
                "outcomes": [{"id": "a"}],
                "requests": [{"outcome": "a", "target": "A/B"}],
            },
            "/programme/courses/A~1B",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(given: Any, pointer: str) -> None:
    with pytest.raises(InvalidSituation) as refused:
        rules.evaluate(READY, given)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]


def test_nothing_asked_is_nothing_granted() -> None:
    decision = rules.evaluate(READY, {})
    assert (decision.granted, decision.refused, decision.granted_total) == ((), (), 0)


def test_odd_history_is_no_obstacle() -> None:
    history = [{}, {"outcome": 4}, {"outcome": [None]}, {"outcome": "x", "credits": "y", "on": 4, "target": 4}]
    rule_set = {
        **CARRY,
        "once": [{"scope": scope, "reason": "USED"} for scope in ("target", "outcome")],
        "caps": [{"id": "c", "measure": "credits", "limit": 9, "per": ["outcome"], "over": "drop", "reason": "CAP"}],
    }
    assert answers(evaluate(rule_set, [{"id": "a", "credits": 1}], history=history)) == [1]


RULE_SET = {
    "exclude": [{"match": {"o.kind": "driving"}, "reason": "NO"}],
    "validity": [{"years": 5, "from": "issued_on"}],
    "once": [{"scope": "outcome", "purpose": "redemption", "reason": "ALREADY_REDEEMED"}],
    "sources": [{"match": {"t.type": "core"}, "value": {"target": True}}, {"value": {"carry": True}}],
    "caps": [
        {
            "id": "all",
            "measure": "credits",
            "limit": {"share": 0.5, "of": "p.credits"},
            "over": "drop",
            "reason": "CAP",
        }
    ],
}
GIVEN = {
    "applied_on": "2024-05-01",
    "remark": "not read",
    "programme": {
        "credits": 10,
        "name": "not read",
        "courses": {"C": {"credits": 4, "type": "core"}, "D": {"credits": 1}},
    },
    "outcomes": [
        {"id": "a", "issued_on": "2023-01-01", "title": "not read"},
        {"id": "b", "kind": "driving", "issued_on": "2023-01-01"},
        {"id": "c", "credits": 3, "issued_on": "2023-01-01"},
    ],
    "requests": [{"outcome": "a", "target": "C", "note": "not read"}, {"outcome": "b"}, {"outcome": "c"}],
    "history": [{"outcome": "z", "purpose": "credit", "credits": 1, "by": "not read"}],
}


def test_the_inputs_are_the_fields_that_were_read() -> None:
    inputs = rules.evaluate(rules.compile(RULE_SET), GIVEN).inputs
    assert "not read" not in str(inputs)
    assert inputs["applied_on"] == "2024-05-01"
    assert inputs["programme"]["credits"] == 10
    assert inputs["programme"]["courses"] == {"C": {"type": "core", "credits": 4}}
    assert inputs["outcomes"][1] == {"id": "b", "kind": "driving"}
    assert inputs["history"] == [{"purpose": "credit", "credits": 1, "outcome": "z"}]


def test_deciding_on_the_inputs_again_gives_the_same_decision() -> None:
    compiled = rules.compile(RULE_SET)
    first = rules.evaluate(compiled, GIVEN)
    assert answers(first) == [4, "NO", "CAP"]
    assert rules.evaluate(compiled, first.inputs).as_dict() == first.as_dict()


def test_numbers_and_dates_of_the_bank_are_written_as_json() -> None:
    cap = {"id": "c", "match": {"o.issued_on": {"from": "2024-01-01"}}, "measure": "count", "limit": 0}
    rule_set = {**CARRY, "caps": [{**cap, "over": "drop", "reason": "CAP"}]}
    exact = {"a": Fraction(5, 2), "b": Fraction(1, 3), "c": Decimal("2.50"), "d": Fraction(4)}
    outcomes = [{"id": name, "credits": number, "issued_on": date(2023, 5, 1)} for name, number in exact.items()]
    decision = evaluate(rule_set, outcomes)
    read = json.loads(json.dumps(decision.inputs))
    assert [outcome["credits"] for outcome in read["outcomes"]] == [2.5, "1/3", 2.5, 4]
    assert read["outcomes"][0]["issued_on"] == "2023-05-01"
    assert rules.evaluate(rules.compile(rule_set), read).granted_total == sum(map(Fraction, exact.values()))
