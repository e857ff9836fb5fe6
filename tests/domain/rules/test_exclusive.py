"""Of one family the highest rank counts in full; the others are refused or weighted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.rules.deciding import decide, evaluate, faults

SOURCES = [{"value": {"carry": True}, "family": "field", "rank": "rank"}]
REFUSE = {"sources": SOURCES, "exclusive": {"others": "refuse"}}
WEIGH = {"sources": SOURCES, "exclusive": {"factor": 0.75}}
LOST = "SUPERSEDED_BY_HIGHER_LEVEL"


def of(name: str, rank: Any = None, field: str | None = "IT") -> dict[str, Any]:
    return {"id": name, "credits": 20, "field": field, "rank": rank}


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([of("a", 1), of("b", 2)], [LOST, 20]),
        ([of("a", 2), of("b", 1)], [20, LOST]),
        ([of("a", 2), of("b", 2)], [20, LOST]),
        ([of("a", 1), of("b", 2, "law")], [20, 20]),
        ([of("a", 1, None), of("b", 2)], [20, 20]),
        ([of("a"), of("b", 2)], [20, 20]),
        ([of("a", "2/3"), of("b", 0.5)], [20, LOST]),
    ],
)
def test_the_highest_rank_wins_and_the_earlier_of_equals(outcomes: list[dict[str, Any]], expected: list[Any]) -> None:
    assert decide(REFUSE, outcomes) == expected


def test_the_others_may_be_weighted() -> None:
    decision = evaluate(WEIGH, [of("a", 1), of("b", 2), of("c", 1)])
    assert [(grant.credits, grant.reduced_by) for grant in decision.granted] == [
        (15, "exclusive"),
        (20, None),
        (15, "exclusive"),
    ]


def test_requests_for_the_same_outcome_do_not_compete() -> None:
    requests = [{"outcome": "a", "target": "C"}, {"outcome": "b", "target": "D"}, {"outcome": "a", "target": "E"}]
    assert decide(REFUSE, [of("a", 2), of("b", 2)], requests) == [20, LOST, 20]


@pytest.mark.parametrize(
    ("entry", "answer"),
    [
        ({"outcome": "h", "family": "IT", "rank": 3}, LOST),
        ({"outcome": "h", "family": "IT", "rank": 2}, LOST),
        ({"outcome": "h", "family": "IT", "rank": 1}, 20),
        ({"outcome": "h", "family": "IT"}, 20),
        ({"outcome": "h", "family": "law", "rank": 3}, 20),
        ({"outcome": "a", "family": "IT", "rank": 2}, 20),
    ],
)
def test_the_history_takes_part_where_it_has_family_and_rank(entry: dict[str, Any], answer: object) -> None:
    assert decide(REFUSE, [of("a", 2)], history=[entry]) == [answer]


def test_what_was_refused_before_does_not_compete() -> None:
    rules = {**REFUSE, "exclude": [{"match": {"o.id": "b"}, "reason": "NO"}]}
    assert decide(rules, [of("a", 1), of("b", 2)]) == [20, "NO"]


def test_a_whole_course_is_never_weighted() -> None:
    rules = {**WEIGH, "sources": [{"value": {"target": True}, "family": "field", "rank": "rank"}]}
    requests = [{"outcome": "a", "target": "C"}, {"outcome": "b", "target": "C"}]
    assert decide(rules, [of("a", 1), of("b", 2)], requests, programme={"courses": {"C": {"credits": 4}}}) == [LOST, 4]


@pytest.mark.parametrize("exclusive", [{}, {"others": "refuse", "factor": 0.5}])
def test_it_is_one_or_the_other(exclusive: dict[str, Any]) -> None:
    assert list(faults({"sources": SOURCES, "exclusive": exclusive})) == ["/exclusive"]


@pytest.mark.parametrize("factor", [-1, 1.5, True, "half"])
def test_a_factor_is_a_share(factor: Any) -> None:
    assert list(faults({"sources": SOURCES, "exclusive": {"factor": factor}})) == ["/exclusive/factor"]
