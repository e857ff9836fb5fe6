"""Award checks add up what is held; credit points weigh credits with levels."""

from __future__ import annotations

from typing import Any

import pytest

from creditbank.domain import rules
from creditbank.domain.rules import InvalidSituation
from tests.domain.rules.deciding import faults

RULES = rules.compile(
    {
        "award": {
            "bachelor": [
                {"id": "total", "min": 10},
                {"id": "major", "match": {"bucket": "major", "level": {"ge": 5}}, "min": "10/3"},
            ]
        }
    }
)


def missing(*held: dict[str, Any]) -> list[dict[str, Any]]:
    answer = rules.check_award(RULES, {"award": "bachelor", "held": list(held)}).as_dict()
    assert answer["awardable"] is not answer["missing"] or not answer["missing"]
    assert answer["awardable"] == (answer["missing"] == [])
    found: list[dict[str, Any]] = answer["missing"]
    return found


def test_an_entry_counts_for_every_check_that_it_matches() -> None:
    assert missing({"credits": 4, "bucket": "major", "level": 6}, {"credits": 6}) == []


def test_what_is_missing_is_listed_in_order() -> None:
    assert missing({"credits": "2.5", "bucket": "major", "level": 4}) == [
        {"check": "total", "have": 2.5, "need": 10},
        {"check": "major", "have": 0, "need": 3.33},
    ]


def test_exact_sums_decide() -> None:
    thirds = [{"credits": "10/9", "bucket": "major", "level": 5}] * 3
    assert missing(*thirds, {"credits": "20/3"}) == []


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"award": "master", "held": []}, "/award"),
        ({"held": []}, "/award"),
        ({"award": "bachelor"}, "/held"),
        ({"award": "bachelor", "held": [4]}, "/held/0"),
        ({"award": "bachelor", "held": [{"credits": "x"}]}, "/held/0/credits"),
        ({"award": "bachelor", "held": [{}]}, "/held/0/credits"),
        ({"award": "bachelor", "held": [{"credits": float("nan")}]}, "/held/0/credits"),
        ([], "/award"),
    ],
)
def test_a_situation_that_cannot_be_read_is_refused_with_its_place(given: Any, pointer: str) -> None:
    with pytest.raises(InvalidSituation) as refused:
        rules.check_award(RULES, given)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]


def test_the_clock_picks_the_version_of_the_checks() -> None:
    def version(name: str, since: str | None, until: str | None, least: int) -> dict[str, Any]:
        checks = {"award": {"x": [{"id": "total", "min": least}]}}
        return {"id": name, "effective_from": since, "effective_to": until, "rules": checks}

    versions = [version("a", None, "2020-01-01", 5), version("b", "2020-01-01", None, 9)]
    compiled = rules.compile({"version_clock": "registered_on", "versions": versions})
    given = {"award": "x", "held": [{"credits": 6}]}
    assert rules.check_award(compiled, {**given, "registered_on": "2019-01-01"}).awardable
    assert not rules.check_award(compiled, {**given, "registered_on": "2021-01-01"}).awardable
    with pytest.raises(InvalidSituation):
        rules.check_award(compiled, given)


def test_checks_are_named_once() -> None:
    checks = [{"id": "total", "min": 1}, {"id": "total", "min": 2}]
    assert list(faults({"award": {"x": checks}})) == ["/award/x/1/id"]


def test_credit_points_are_credits_times_level() -> None:
    years = [{"credits": 40, "level": 4.5}, {"credits": 40, "level": 5}]
    assert rules.credit_points({"years": years}) == {"credit_points": [180, 200], "total": 380, "credits": 80}


def test_a_year_without_a_level_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidSituation) as refused:
        rules.credit_points({"years": [{"credits": 40}]})
    assert refused.value.faults[0].pointer == "/years/0/level"
