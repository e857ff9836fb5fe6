"""Ceilings drop or cut, in their order; a refused request leaves no trace in them; the history counts."""

from __future__ import annotations

from typing import Any

import pytest

from creditbank.domain.rules.numbers import shown
from tests.domain.rules.deciding import CARRY, decide, evaluate, faults


def cap(**keys: Any) -> dict[str, Any]:
    return {"id": "c", "measure": "credits", "limit": 10, "over": "drop", "reason": "CAP", **keys}


def capped(*caps: dict[str, Any]) -> dict[str, Any]:
    return {**CARRY, "caps": [{**one, "id": f"cap-{number}"} for number, one in enumerate(caps)]}


def worth(*credits: object, **fields: Any) -> list[dict[str, Any]]:
    return [{"id": f"o{number}", "credits": amount, **fields} for number, amount in enumerate(credits)]


@pytest.mark.parametrize(
    ("keys", "credits", "expected"),
    [
        ({}, [4, 6], [4, 6]),
        ({}, [4, 7, 6], [4, "CAP", 6]),
        ({"inclusive": False}, [4, 6, 5], [4, "CAP", 5]),
        ({"over": "truncate"}, [4, 7, 1], [4, 6, "CAP"]),
        ({"over": "truncate", "inclusive": False}, [4, 7], [4, "CAP"]),
        ({"measure": "count", "limit": 2}, [9, 9, 1], [9, 9, "CAP"]),
        ({"measure": "count", "limit": 1, "over": "truncate"}, [9, 9], [9, "CAP"]),
        ({"limit": 0}, [1], ["CAP"]),
        ({"limit": "10/3"}, ["5/3", "5/3", "1/3"], [1.67, 1.67, "CAP"]),
        ({"match": {"o.id": "o1"}, "limit": 1}, [9, 9], [9, "CAP"]),
    ],
)
def test_a_ceiling_drops_or_cuts(keys: dict[str, Any], credits: list[object], expected: list[Any]) -> None:
    assert decide(capped(cap(**keys)), worth(*credits)) == expected


def test_a_whole_course_is_never_cut() -> None:
    requests = [{"outcome": "o0", "target": "A"}, {"outcome": "o1", "target": "B"}, {"outcome": "o2"}]
    assert decide(capped(cap(over="truncate")), worth(6, 6, 6), requests) == [6, "CAP", 4]


def test_a_refused_request_leaves_no_trace_in_any_ceiling() -> None:
    rules = capped(cap(measure="count", limit=2), cap(limit=5))
    decision = evaluate(rules, worth(4, 3, 1))
    assert [shown(grant.credits) for grant in decision.granted] == [4, 1]
    assert [(state.id, state.before, state.after) for state in decision.caps] == [("cap-0", 0, 2), ("cap-1", 0, 5)]


def test_a_later_ceiling_sees_what_an_earlier_one_left_and_counts_what_is_granted() -> None:
    rules = capped(cap(limit=8, over="truncate"), cap(limit=8))
    assert decide(rules, worth(9)) == [8]
    rules = capped(cap(limit=10), cap(limit=6, over="truncate", match={"o.id": "o0"}))
    decision = evaluate(rules, worth(9, 4))
    assert [(grant.credits, grant.reduced_by) for grant in decision.granted] == [(6, "cap-1"), (4, None)]
    assert decision.caps[0].after == 10


def test_the_refusal_tells_what_it_would_have_been_and_the_limit() -> None:
    (refusal,) = evaluate(capped(cap()), worth(4, 7)).refused
    assert (refusal.clause, refusal.measured, refusal.limit) == ("/caps/0", 11, 10)


@pytest.mark.parametrize(
    ("per", "expected"),
    [
        (["outcome"], [6, 6, 6]),
        (["o.institution"], [6, "CAP", 6]),
        (["r.purpose"], [6, 6, "CAP"]),
        (["o.institution", "r.purpose"], [6, 6, 6]),
        (["o.nothing"], ["MISSING_INPUT"] * 3),
    ],
)
def test_counters_are_kept_per_combination(per: list[str], expected: list[Any]) -> None:
    outcomes = worth(6, 6, 6)
    for outcome, institution in zip(outcomes, "AAB", strict=True):
        outcome["institution"] = institution
    requests = [
        {"outcome": outcome["id"], "purpose": purpose} for outcome, purpose in zip(outcomes, "xyx", strict=True)
    ]
    assert decide(capped(cap(per=per)), outcomes, requests) == expected


def test_a_joined_request_counts_for_its_first_outcome() -> None:
    decision = evaluate(capped(cap(per=["outcome"])), worth(3, 4), [{"outcome": ["o1", "o0"]}])
    assert [(state.key, state.after) for state in decision.caps] == [(("o1",), 4)]


@pytest.mark.parametrize(
    ("keys", "entry", "before"),
    [
        ({}, {"outcome": "x", "credits": 3}, 3),
        ({}, {"outcome": "x", "credits": "1.5"}, 1.5),
        ({}, {"outcome": "x"}, 0),
        ({"measure": "count"}, {"outcome": "x"}, 1),
        ({"match": {"r.purpose": "credit"}}, {"outcome": "x", "credits": 3, "purpose": "credit"}, 3),
        ({"match": {"o.kind": "course"}}, {"outcome": "x", "credits": 3, "kind": "course"}, 3),
        ({"match": {"o.kind": "course"}}, {"outcome": "o0", "credits": 3}, 3),
        ({"match": {"t.type": "core"}}, {"outcome": "x", "credits": 3, "target": "C"}, 3),
        ({"per": ["outcome"]}, {"outcome": "o0", "credits": 3}, 3),
        ({"per": ["outcome"]}, {"outcome": "x", "credits": 3}, 0),
        ({"per": ["outcome"]}, {"credits": 3}, 0),
        ({"per": ["o.institution"]}, {"outcome": "x", "credits": 3, "institution": "A"}, 3),
        ({"per": ["o.institution"]}, {"outcome": "o0", "credits": 3, "institution": "B"}, 3),
        ({"per": ["o.institution"]}, {"outcome": "x", "credits": 3}, 0),
        ({"per": ["calendar_year"]}, {"outcome": "x", "credits": 3, "on": "2024-12-31"}, 3),
        ({"per": ["calendar_year"]}, {"outcome": "x", "credits": 3, "on": "2023-12-31"}, 0),
        ({"per": ["calendar_year"]}, {"outcome": "x", "credits": 3}, 0),
    ],
)
def test_the_history_counts_where_it_matches(keys: dict[str, Any], entry: dict[str, Any], before: object) -> None:
    outcomes = worth(1, kind="course", institution="A")
    requests = [{"outcome": "o0", "target": "C", "purpose": "credit"}]
    programme = {"courses": {"C": {"type": "core"}}}
    rules = capped(cap(**keys))
    decision = evaluate(rules, outcomes, requests, programme=programme, history=[entry], applied_on="2024-05-01")
    (state,) = decision.caps
    assert (shown(state.before), state.after - state.before) == (before, 1)


def test_what_the_history_used_up_is_gone() -> None:
    assert decide(capped(cap()), worth(4, 3), history=[{"outcome": "x", "credits": 7}]) == ["CAP", 3]


def test_deciding_one_by_one_with_the_history_between_is_the_same_as_at_once() -> None:
    rules = capped(cap(limit=9, over="truncate"), cap(measure="count", limit=3))
    history: list[dict[str, Any]] = []
    one_by_one = []
    for outcome in worth(4, 4, 4, 4):
        decision = evaluate(rules, [outcome], history=history)
        one_by_one.append(shown(decision.granted_total))
        history += [{"outcome": grant.outcomes[0], "credits": grant.credits} for grant in decision.granted]
    assert one_by_one == [4, 4, 1, 0]
    assert decide(rules, worth(4, 4, 4, 4)) == [4, 4, 1, "CAP"]


@pytest.mark.parametrize(
    ("keys", "pointer"),
    [
        ({"measure": "hours"}, "/measure"),
        ({"over": "wrap"}, "/over"),
        ({"reason": "too much"}, "/reason"),
        ({"reason": "A" * 65}, "/reason"),
        ({"per": ["institution"]}, "/per/0"),
        ({"per": ["outcome", "outcome"]}, "/per"),
        ({"per": "outcome"}, "/per"),
        ({"inclusive": "no"}, "/inclusive"),
        ({"unit": "credits"}, "/unit"),
    ],
)
def test_a_ceiling_that_cannot_be_meant_is_a_fault(keys: dict[str, Any], pointer: str) -> None:
    assert list(faults({**CARRY, "caps": [cap(**keys)]})) == [f"/caps/0{pointer}"]


def test_a_name_for_two_ceilings_is_a_fault() -> None:
    assert list(faults({**CARRY, "caps": [cap(), cap()]})) == ["/caps/1/id"]
