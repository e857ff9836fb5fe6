"""The first source that matches values the request; sets have to be complete."""

from __future__ import annotations

import pytest

from tests.domain.rules.deciding import decide, evaluate, faults


def test_the_first_match_decides_and_names_its_clause() -> None:
    rules = {
        "sources": [
            {"match": {"o.code": "SQL"}, "value": {"fixed": 6}},
            {"match": {"o.kind": "cert"}, "value": {"fixed": 2}},
        ]
    }
    outcomes = [{"id": "a", "kind": "cert", "code": "SQL"}, {"id": "b", "kind": "cert"}, {"id": "c", "kind": "prize"}]
    decision = evaluate(rules, outcomes)
    assert [(grant.credits, grant.clause) for grant in decision.granted] == [(6, "/sources/0"), (2, "/sources/1")]
    assert [(refusal.reason, refusal.clause) for refusal in decision.refused] == [("NO_RULE", "/sources")]


def test_a_missing_input_of_the_value_is_no_rule() -> None:
    rules = {"sources": [{"value": {"carry": True}}, {"value": {"fixed": 1}}]}
    (refusal,) = evaluate(rules, [{"id": "a"}]).refused
    assert (refusal.reason, refusal.clause) == ("NO_RULE", "/sources/0")


SET = [{"match": {"o.kind": "part"}, "all_of": ["A", "B"], "value": {"fixed": 5}}]


@pytest.mark.parametrize(
    ("sources", "joined", "answer"),
    [
        (SET, ["a", "b"], 5),
        (SET, ["b", "a"], 5),
        (SET, ["a", "b", "c"], 5),
        (SET, "a", "INCOMPLETE_SET"),
        (SET, ["a", "c"], "INCOMPLETE_SET"),
        ([*SET, {"value": {"fixed": 1}}], ["a", "c"], 1),
        ([{"match": {"o.kind": "else"}, "value": {"fixed": 1}}], "a", "NO_RULE"),
    ],
)
def test_a_set_counts_when_all_its_codes_are_joined(sources: list[object], joined: object, answer: object) -> None:
    outcomes = [{"id": name, "kind": "part", "code": name.upper()} for name in "abc"]
    assert decide({"sources": sources}, outcomes, [{"outcome": joined}]) == [answer]


def test_joined_outcomes_are_valued_by_the_first() -> None:
    outcomes = [{"id": "a", "credits": 1}, {"id": "b", "credits": 2}]
    decision = evaluate({"sources": [{"value": {"carry": True}}]}, outcomes, [{"outcome": ["b", "a"]}])
    assert decision.as_dict()["granted"][0]["outcome"] == ["b", "a"]
    assert decision.granted_total == 2


@pytest.mark.parametrize(
    ("source", "outcome", "bucket"),
    [("major", "elective", "major"), (None, "elective", "elective"), (None, None, None)],
)
def test_the_bucket_is_the_sources_else_the_outcomes(
    source: str | None, outcome: str | None, bucket: str | None
) -> None:
    rules = {"sources": [{"value": {"fixed": 1}, "bucket": source}]}
    assert evaluate(rules, [{"id": "a", "bucket": outcome}]).granted[0].bucket == bucket


def test_the_grade_is_the_sources_word_else_the_rule_sets() -> None:
    rules = {
        "grade": "pass",
        "sources": [{"match": {"o.id": "a"}, "value": {"fixed": 1}, "grade": "免考"}, {"value": {"fixed": 1}}],
    }
    assert [grant.grade for grant in evaluate(rules, [{"id": "a"}, {"id": "b"}]).granted] == ["免考", "pass"]


def test_family_and_rank_go_together() -> None:
    assert list(faults({"sources": [{"value": {"fixed": 1}, "family": "field"}]})) == ["/sources/0/rank"]
