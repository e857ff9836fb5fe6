"""What counts a single time: a course, an outcome for a purpose, a combination of fields."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.rules.deciding import CARRY, decide, faults

COURSE_ONCE = {
    "once": [{"scope": "target", "reason": "COURSE_ALREADY_SATISFIED"}],
    "sources": [{"value": {"target": True}}],
}
COURSES = {"courses": {"C": {"credits": 4}, "D": {"credits": 3}}}
TWO = [{"id": "a"}, {"id": "b"}]


def test_a_course_is_satisfied_once_within_a_call() -> None:
    requests = [{"outcome": "a", "target": "C"}, {"outcome": "b", "target": "C"}, {"outcome": "b", "target": "D"}]
    assert decide(COURSE_ONCE, TWO, requests, programme=COURSES) == [4, "COURSE_ALREADY_SATISFIED", 3]


def test_a_course_that_the_history_satisfies_is_refused_whoever_earned_it() -> None:
    history = [{"outcome": "old", "target": "C", "purpose": "exemption"}]
    requests = [{"outcome": "a", "target": "C"}, {"outcome": "a", "target": "D"}]
    assert decide(COURSE_ONCE, TWO, requests, programme=COURSES, history=history) == ["COURSE_ALREADY_SATISFIED", 3]


def test_a_refused_request_does_not_satisfy_the_course() -> None:
    rules = {**COURSE_ONCE, "exclude": [{"match": {"o.id": "a"}, "reason": "NO"}]}
    requests = [{"outcome": "a", "target": "C"}, {"outcome": "b", "target": "C"}]
    assert decide(rules, TWO, requests, programme=COURSES) == ["NO", 4]


def test_a_request_refused_by_a_cap_does_not_satisfy_the_course() -> None:
    cap = {"id": "x", "measure": "credits", "limit": {"field": "o.most"}, "over": "drop", "reason": "CAP"}
    rules = {**COURSE_ONCE, "caps": [cap]}
    outcomes = [{"id": "a", "most": 3}, {"id": "b", "most": 4}]
    requests = [{"outcome": "a", "target": "C"}, {"outcome": "b", "target": "C"}]
    assert decide(rules, outcomes, requests, programme=COURSES) == ["CAP", 4]


def test_credit_without_a_course_satisfies_none() -> None:
    rules = {"once": COURSE_ONCE["once"], **CARRY}
    assert decide(rules, [{"id": "a", "credits": 1}, {"id": "b", "credits": 1}], history=[{"outcome": "c"}]) == [1, 1]


@pytest.mark.parametrize(
    ("rule", "purpose", "used_for", "answer"),
    [
        ({"purpose": "redemption"}, None, "redemption", "ALREADY_REDEEMED"),
        ({"purpose": "redemption"}, "subsidy", "redemption", "ALREADY_REDEEMED"),
        ({"purpose": "redemption"}, "redemption", "subsidy", 1),
        ({"purpose": "redemption"}, None, None, 1),
        ({}, "credit", "subsidy", "ALREADY_REDEEMED"),
        ({}, None, None, "ALREADY_REDEEMED"),
    ],
)
def test_an_outcome_is_used_once_for_the_rules_purpose(
    rule: dict[str, Any], purpose: str | None, used_for: str | None, answer: object
) -> None:
    rules = {**CARRY, "once": [{"scope": "outcome", "reason": "ALREADY_REDEEMED", **rule}]}
    requests = [{"outcome": "a", "purpose": purpose}]
    history = [{"outcome": "a", "purpose": used_for}]
    assert decide(rules, [{"id": "a", "credits": 1}], requests, history=history) == [answer]


def test_any_joined_outcome_that_was_used_refuses_the_request() -> None:
    rules = {**CARRY, "once": [{"scope": "outcome", "reason": "ALREADY_REDEEMED"}]}
    outcomes = [{"id": "a", "credits": 1}, {"id": "b", "credits": 1}]
    assert decide(rules, outcomes, [{"outcome": ["a", "b"]}], history=[{"outcome": ["x", "b"]}]) == ["ALREADY_REDEEMED"]


KEY = {
    "scope": "key",
    "key": ["person", "occupation", "level"],
    "purposes": ["upgrade", "apprentice"],
    "reason": "ALREADY_USED_FOR_PURPOSE",
}
WELDER = {"person": "P", "occupation": "焊工", "level": "四级"}


@pytest.mark.parametrize(
    ("purpose", "entry", "answer"),
    [
        ("upgrade", {**WELDER, "purpose": "apprentice"}, "ALREADY_USED_FOR_PURPOSE"),
        ("credit", {**WELDER, "purpose": "apprentice"}, 1),
        ("upgrade", {**WELDER, "purpose": "credit"}, 1),
        ("upgrade", {**WELDER, "level": "三级", "purpose": "upgrade"}, 1),
        ("upgrade", {"purpose": "upgrade"}, 1),
        ("upgrade", {"outcome": "a", "purpose": "upgrade"}, "ALREADY_USED_FOR_PURPOSE"),
        (None, {**WELDER, "purpose": "upgrade"}, 1),
    ],
)
def test_a_key_counts_once_among_its_purposes(purpose: str | None, entry: dict[str, Any], answer: object) -> None:
    rules = {**CARRY, "once": [KEY]}
    history = [{"outcome": "other", **entry}]
    outcomes = [{"id": "a", "credits": 1, **WELDER}]
    assert decide(rules, outcomes, [{"outcome": "a", "purpose": purpose}], history=history) == [answer]


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        ({"scope": "key", "purposes": ["x"]}, "/once/0/key"),
        ({"scope": "key", "key": ["person"]}, "/once/0/purposes"),
        ({"scope": "target", "key": ["person"]}, "/once/0/key"),
        ({"scope": "person"}, "/once/0/scope"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_a_fault(rule: dict[str, Any], pointer: str) -> None:
    assert list(faults({**CARRY, "once": [{"reason": "NO", **rule}]})) == [pointer]
