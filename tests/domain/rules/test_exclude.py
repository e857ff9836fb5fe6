"""What is excluded is refused, and by the first exclusion that matches."""

from __future__ import annotations

import pytest

from tests.domain.rules.deciding import CARRY, decide, evaluate

RULES = {
    **CARRY,
    "exclude": [
        {"match": {"o.kind": "driving"}, "reason": "NOT_RECOGNISED_SOURCE"},
        {"match": {"o.score": {"lt": 60}}, "reason": "GRADE_TOO_LOW"},
    ],
}


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"kind": "driving", "score": 50}, "NOT_RECOGNISED_SOURCE"),
        ({"kind": "welding", "score": 50}, "GRADE_TOO_LOW"),
        ({"kind": "welding", "score": 60}, 2),
        ({}, 2),
    ],
)
def test_a_match_refuses(fields: dict[str, object], answer: object) -> None:
    assert decide(RULES, [{"id": "a", "credits": 2, **fields}]) == [answer]


def test_every_joined_outcome_is_tested_and_the_first_clause_is_the_reason() -> None:
    outcomes = [{"id": "a", "credits": 2, "score": 10}, {"id": "b", "credits": 2, "kind": "driving"}]
    (refusal,) = evaluate(RULES, outcomes, [{"outcome": ["a", "b"]}]).refused
    assert (refusal.reason, refusal.clause, refusal.measured) == ("NOT_RECOGNISED_SOURCE", "/exclude/0", "driving")
