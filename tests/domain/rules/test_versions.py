"""The clock that a rulebook names decides which of its versions serves a request."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.rules.deciding import answers, evaluate, faults, warnings


def fixed(credits: int, **rules: Any) -> dict[str, Any]:
    return {"sources": [{"value": {"fixed": credits}}], **rules}


def version(name: str, since: str | None, until: str | None, rules: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "effective_from": since, "effective_to": until, "rules": rules}


RULES = {
    "version_clock": "issued_on",
    "versions": [
        version("new", "2024-01-01", None, fixed(4)),
        version("old", "2020-01-01", "2023-01-01", fixed(6)),
    ],
}


@pytest.mark.parametrize(
    ("issued_on", "answer", "served_by"),
    [
        ("2020-01-01", 6, "old"),
        ("2022-12-31", 6, "old"),
        ("2023-01-01", "NO_RULE", None),
        ("2024-01-01", 4, "new"),
        ("2019-12-31", "NO_RULE", None),
        (None, "NO_RULE", None),
        ("soon", "NO_RULE", None),
    ],
)
def test_from_is_inclusive_and_to_is_exclusive(issued_on: str | None, answer: object, served_by: str | None) -> None:
    decision = evaluate(RULES, [{"id": "a", "issued_on": issued_on}])
    assert (answers(decision), decision.rule_version) == ([answer], served_by)


def test_the_clock_is_looked_up_in_request_outcome_situation_and_programme() -> None:
    rules = {**RULES, "version_clock": "clock"}
    old, new = "2021-01-01", "2025-01-01"
    request = {"outcome": "a"}
    programme = {"clock": old}
    assert answers(evaluate(rules, [{"id": "a"}], [request], programme=programme)) == [6]
    assert answers(evaluate(rules, [{"id": "a"}], [request], programme=programme, clock=new)) == [4]
    assert answers(evaluate(rules, [{"id": "a", "clock": old}], [request], programme=programme, clock=new)) == [6]
    request = {"outcome": "a", "clock": new}
    assert answers(evaluate(rules, [{"id": "a", "clock": old}], [request], programme=programme)) == [4]


def test_each_request_is_served_by_its_own_version() -> None:
    outcomes = [{"id": "a", "issued_on": "2021-01-01"}, {"id": "b", "issued_on": "2025-01-01"}]
    decision = evaluate(RULES, outcomes)
    assert answers(decision) == [6, 4]
    assert [grant.rule_version for grant in decision.granted] == ["old", "new"]
    shown = decision.as_dict()
    assert shown["rule_version"] is None
    assert [grant["rule_version"] for grant in shown["granted"]] == ["old", "new"]


def test_the_version_is_told_only_where_there_are_versions() -> None:
    assert "rule_version" not in evaluate(fixed(1), [{"id": "a"}]).as_dict()
    assert evaluate(RULES, [{"id": "a", "issued_on": "2021-01-01"}]).as_dict()["rule_version"] == "old"


def test_what_one_version_grants_counts_under_the_ceilings_of_the_other() -> None:
    cap = {"id": "all", "measure": "credits", "limit": 9, "over": "drop", "reason": "CAP"}
    rules = {
        "version_clock": "issued_on",
        "versions": [
            version("old", None, "2023-01-01", fixed(6, caps=[cap])),
            version("new", "2023-01-01", None, fixed(4, caps=[cap])),
        ],
    }
    outcomes = [{"id": "a", "issued_on": "2021-01-01"}, {"id": "b", "issued_on": "2025-01-01"}]
    assert answers(evaluate(rules, outcomes)) == [6, "CAP"]


def test_families_reach_over_versions() -> None:
    sources = [{"value": {"fixed": 20}, "family": "field", "rank": "rank"}]
    rules = {
        "version_clock": "issued_on",
        "versions": [
            version("old", None, "2023-01-01", {"sources": sources, "exclusive": {"factor": 0.5}}),
            version("new", "2023-01-01", None, {"sources": sources, "exclusive": {"others": "refuse"}}),
        ],
    }
    old = {"id": "a", "issued_on": "2021-01-01", "field": "IT", "rank": 1}
    new = {"id": "b", "issued_on": "2025-01-01", "field": "IT", "rank": 2}
    assert answers(evaluate(rules, [old, new])) == [10, 20]
    assert answers(evaluate(rules, [{**old, "rank": 3}, new])) == [20, "SUPERSEDED_BY_HIGHER_LEVEL"]


@pytest.mark.parametrize(
    ("versions", "pointer"),
    [
        ([version("a", "2020-01-01", None, fixed(1)), version("b", "2021-01-01", None, fixed(1))], "/versions/1"),
        (
            [version("a", "2020-01-01", "2021-01-02", fixed(1)), version("b", "2021-01-01", None, fixed(1))],
            "/versions/1",
        ),
        ([version("a", None, "2021-01-01", fixed(1)), version("b", None, "2022-01-01", fixed(1))], "/versions/1"),
        ([version("a", "2021-01-01", "2021-01-01", fixed(1))], "/versions/0/effective_to"),
        ([version("a", "2021-01-01", "2020-01-01", fixed(1))], "/versions/0/effective_to"),
        ([version("a", "2021-02-30", None, fixed(1))], "/versions/0/effective_from"),
        ([version("a", None, "2020-01-01", fixed(1)), version("a", "2020-01-01", None, fixed(1))], "/versions/1/id"),
        ([version("a", None, None, {"sources": [{}]})], "/versions/0/rules/sources/0/value"),
        ([], "/versions"),
    ],
)
def test_versions_that_overlap_or_never_hold_are_faults(versions: list[Any], pointer: str) -> None:
    assert list(faults({"version_clock": "issued_on", "versions": versions})) == [pointer]


def test_a_gap_is_a_warning() -> None:
    assert list(warnings(RULES)) == ["/versions/0/effective_from"]


def test_versions_need_a_clock() -> None:
    assert list(faults({"versions": [version("a", None, None, fixed(1))]})) == ["/version_clock"]
