"""Warnings tell what is allowed and probably not meant."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.rules.deciding import CARRY, warnings


def sources(*matches: dict[str, Any]) -> dict[str, Any]:
    return {"sources": [{"match": match, "value": {"fixed": 1}} for match in matches]}


@pytest.mark.parametrize(
    ("matches", "dead"),
    [
        ([{"o.a": 1}, {"o.a": 1}], ["/sources/1"]),
        ([{"o.a": 1}, {"o.a": 1, "o.b": 2}], ["/sources/1"]),
        ([{"o.a": 1, "o.b": 2}, {"o.a": 1}], []),
        ([{"o.a": [1, 2]}, {"o.a": 1}], ["/sources/1"]),
        ([{"o.a": 1}, {"o.a": 2}, {"o.a": [1, 2]}], ["/sources/2"]),
        ([{"o.a": 1}, {"o.a": [1, 2]}], []),
        ([{}, {"o.a": 1}], ["/sources/1"]),
        ([{"o.a": {"ge": 1}}, {"o.a": {"ge": 1}}], ["/sources/1"]),
        ([{"o.a": {"ge": 1}}, {"o.a": 5}], ["/sources/1"]),
        ([{"o.a": {"absent": True}}, {"o.b": 1}], []),
        ([{"o.a": "1"}, {"o.a": 1}], []),
    ],
)
def test_a_source_that_is_never_reached_is_told(matches: list[dict[str, Any]], dead: list[str]) -> None:
    assert list(warnings(sources(*matches))) == dead


def test_a_set_does_not_hide_what_comes_after_it() -> None:
    document = sources({"o.a": 1}, {"o.a": 1})
    document["sources"][0]["all_of"] = ["x", "y"]
    assert warnings(document) == {}


def test_pointers_lead_into_the_document_that_was_checked() -> None:
    document = {"format": "creditbank-rulebook/1", "id": "x", "rules": sources({}, {})}
    assert list(warnings(document)) == ["/rules/sources/1"]


CAP = {"id": "c", "measure": "credits", "limit": 5, "over": "drop", "reason": "CAP"}


@pytest.mark.parametrize(
    ("more", "pointer", "part"),
    [
        ({"exclude": [{"match": {}, "reason": "NO"}]}, "/sources/0", "exclusion 0"),
        (
            {"require": [{"match": {"o.a": 1}, "reason": "X"}, {"match": {"o.a": [2, 3]}, "reason": "Y"}]},
            "/require/1",
            "contradicts",
        ),
        ({"caps": [{**CAP, "limit": 0}]}, "/caps/0/limit", "zero"),
        ({"caps": [CAP, {**CAP, "id": "d", "limit": 7}]}, "/caps/1", "cap 0"),
        ({"caps": [{**CAP, "over": "truncate", "inclusive": False}]}, "/caps/0/over", "cut"),
        ({"caps": [{**CAP, "over": "truncate", "measure": "count"}]}, "/caps/0/over", "cut"),
        ({"exclusive": {"others": "refuse"}}, "/exclusive", "family"),
        ({"pool_round": {"mode": "down", "quantum": 5, "scope": "each"}}, "/pool_round/scope", "only scope"),
        ({"sources": []}, "/sources", "nothing"),
    ],
)
def test_an_odd_rule_is_told(more: dict[str, Any], pointer: str, part: str) -> None:
    found = warnings({**CARRY, **more})
    assert list(found) == [pointer]
    assert part in found[pointer]


def test_a_sound_rulebook_has_no_warnings() -> None:
    document = {
        **sources({"o.a": 1}, {"o.a": 2}),
        "caps": [CAP, {**CAP, "id": "d", "per": ["outcome"]}],
        "require": [
            {"when": {"o.k": "x"}, "match": {"o.a": 1}, "reason": "X"},
            {"when": {"o.k": "y"}, "match": {"o.a": 2}, "reason": "Y"},
        ],
    }
    assert warnings(document) == {}
