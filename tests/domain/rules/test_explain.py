"""Decisions are told in words, from the clause and its numbers."""

from __future__ import annotations

from typing import Any

import pytest

from creditbank.domain.rules import explain
from creditbank.domain.rules.decision import Refusal
from tests.domain.rules.deciding import CARRY, evaluate

CAP = {"id": "each", "measure": "credits", "limit": 8, "over": "drop", "reason": "CAP_PER_OUTCOME"}


def sentences(rule_set: dict[str, Any], *outcomes: dict[str, Any], language: Any, **given: Any) -> list[str]:
    decision = evaluate(rule_set, outcomes, **given)
    return [explain(line, language) for line in (*decision.granted, *decision.refused)]


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "en",
            [
                "a counts for 7 credits. (Rule /sources/0.)",
                "b alone would replace too many credits. With it there would be 9.5, the limit is 8. (Rule /caps/0.)",
            ],
        ),
        (
            "zh",
            [
                "a 可转换 7 学分。（规则 /sources/0）",
                "单个成果 b 转换的学分将超过上限。计入后为 9.5，上限为 8。（规则 /caps/0）",
            ],
        ),
    ],
)
def test_grants_and_refusals_are_told_in_both_languages(language: str, told: list[str]) -> None:
    outcomes = [{"id": "a", "credits": 7}, {"id": "b", "credits": 2.5}]
    assert sentences({**CARRY, "caps": [CAP]}, *outcomes, language=language) == told


def test_what_was_cut_or_needs_approval_is_told() -> None:
    rule_set = {
        **CARRY,
        "caps": [{**CAP, "over": "truncate"}],
        "window": [{"for": "request", "before": "2024-01-01", "late": "approve"}],
    }
    (told,) = sentences(rule_set, {"id": "a", "credits": 9}, language="en", applied_on="2024-05-01")
    assert told == "a counts for 8 credits. It was reduced by each. It still needs approval. (Rule /sources/0.)"


def test_a_replaced_course_is_named() -> None:
    decision = evaluate({"sources": [{"value": {"fixed": 2}}]}, [{"id": "a"}], [{"outcome": "a", "target": "C1"}])
    assert explain(decision.granted[0]) == "a replaces the course C1 with 2 credits. (Rule /sources/0.)"


@pytest.mark.parametrize(
    ("rule_set", "told"),
    [
        (
            {"require": [{"match": {"o.x": {"ge": 0.8}}, "reason": "OUR_OWN_CODE"}]},
            "A requirement is not met (OUR_OWN_CODE). Found was 0.5, required is 0.8. (Rule /require/0.)",
        ),
        (
            {"require": [{"match": {"o.x": ["b", "a"]}, "reason": "OUR_OWN_CODE"}]},
            "A requirement is not met (OUR_OWN_CODE). Found was 0.5, required is a / b. (Rule /require/0.)",
        ),
        (
            {"exclude": [{"match": {"o.x": 0.5}, "reason": "OUR_OWN_CODE"}]},
            "The rules exclude this (OUR_OWN_CODE). (Rule /exclude/0.)",
        ),
        (
            {"validity": [{"until": "2024-01-01"}]},
            "a is out of date. Asked for on 2024-05-01, valid until 2024-01-01. (Rule /validity/0.)",
        ),
        ({"sources": []}, "No rule covers this. (Rule /sources.)"),
    ],
)
def test_a_code_of_the_rulebooks_own_is_told_by_its_kind_of_clause(rule_set: dict[str, Any], told: str) -> None:
    outcome = {"id": "a", "credits": 1, "x": 0.5}
    assert sentences({**CARRY, **rule_set}, outcome, language="en", applied_on="2024-05-01") == [told]


@pytest.mark.parametrize(("language", "told"), [("en", "C1 has been revoked."), ("zh", "C1 已被撤销。")])
def test_what_no_clause_says_names_none(language: Any, told: str) -> None:
    refusal = Refusal(
        outcomes=("C1",),
        target=None,
        reason="OUTCOME_REVOKED",
        clause="",
        measured=None,
        limit=None,
        rule_version=None,
        request=0,
    )
    assert explain(refusal, language) == told
