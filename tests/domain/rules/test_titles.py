"""Courses without codes are the same when their folded names are."""

from __future__ import annotations

import pytest

from creditbank.domain.rules.titles import TitleKey
from tests.domain.rules.deciding import decide

ALL = TitleKey(fold=("spaces", "punctuation", "case", "width", "ordinals"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("大学英语（一）", "大学英语 I"),
        ("大学英语Ⅱ", "大学英语2"),
        ("大学英语（二）", "大学英语(２)"),
        ("Data Structures & Algorithms II", "data-structures algorithms 2"),
        ("ＢＩＭ 建模", "bim建模"),
    ],
)
def test_names_that_differ_in_writing_only_are_the_same(one: str, other: str) -> None:
    assert ALL.key(one) == ALL.key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("大学英语（一）", "大学英语（二）"), ("Vitamin C", "Vitamin 100"), ("V.I.P.", "6")]
)
def test_other_names_stay_apart(one: str, other: str) -> None:
    assert ALL.key(one) != ALL.key(other)


def test_only_what_is_listed_is_folded() -> None:
    assert TitleKey(fold=("case",)).key("A b") == "a b"
    assert TitleKey(fold=("spaces",)).key("A b") == "Ab"


RULES = {
    "title_key": {"fold": ["spaces", "punctuation", "case", "width", "ordinals"]},
    "once": [{"scope": "target", "reason": "COURSE_ALREADY_SATISFIED"}],
    "sources": [{"value": {"fixed": 2}}],
}
COURSES = {"courses": {"E1": {"name": "大学英语（一）"}, "E2": {"name": "大学英语（二）"}}}


@pytest.mark.parametrize(
    ("entry", "answer"),
    [
        ({"target": "大学英语 I"}, "COURSE_ALREADY_SATISFIED"),
        ({"title": "大学英语1"}, "COURSE_ALREADY_SATISFIED"),
        ({"target": "大学英语 II"}, 2),
        ({"target": "E2"}, 2),
        ({"target": "X9", "name": "大学英语1"}, 2),
        ({}, 2),
    ],
)
def test_a_history_without_codes_is_compared_by_name(entry: dict[str, str], answer: object) -> None:
    requests = [{"outcome": "a", "target": "E1"}]
    history = [{"outcome": "old", **entry}]
    assert decide(RULES, [{"id": "a"}], requests, programme=COURSES, history=history) == [answer]


def test_within_a_call_names_are_compared_too() -> None:
    requests = [{"outcome": "a", "target": "Algebra I"}, {"outcome": "b", "target": "algebra 1"}]
    assert decide(RULES, [{"id": "a"}, {"id": "b"}], requests) == [2, "COURSE_ALREADY_SATISFIED"]


def test_courses_with_codes_are_compared_by_code() -> None:
    twins = {"courses": {"A": {"name": "Algebra"}, "B": {"name": "algebra"}}}
    requests = [{"outcome": "a", "target": "A"}, {"outcome": "b", "target": "B"}]
    assert decide(RULES, [{"id": "a"}, {"id": "b"}], requests, programme=twins) == [2, 2]
