"""The index finds what trying every clause would find, in the same order, however many there are."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as some
from pydantic import TypeAdapter

from creditbank.domain.rules.index import Index
from creditbank.domain.rules.selector import Match, Selector
from creditbank.domain.rules.situation import Thing

SELECTOR = TypeAdapter(Match)
VALUES = some.sampled_from(["x", "1", 1, True, False])
TESTS = VALUES | some.lists(VALUES, min_size=1, max_size=3) | some.sampled_from([{"ge": 1}, {"absent": True}])
MATCHES = some.dictionaries(some.sampled_from(["o.a", "o.b", "t.a"]), TESTS, max_size=3)
FIELDS = some.dictionaries(some.sampled_from("ab"), VALUES, max_size=2)


def view(outcome: dict[str, Any], course: dict[str, Any]) -> tuple[Thing, ...]:
    return Thing(outcome, ""), Thing(course, ""), Thing({}, ""), Thing({}, ""), Thing({}, "")


@given(some.lists(MATCHES, max_size=8), FIELDS, FIELDS)
def test_it_finds_what_trying_them_all_finds(
    matches: list[Any], outcome: dict[str, Any], course: dict[str, Any]
) -> None:
    selectors: list[Selector] = [SELECTOR.validate_python(match) for match in matches]
    things = view(outcome, course)
    found = [number for number, selector in enumerate(selectors) if selector.matches(things)]
    index = Index(selectors)
    assert list(index.matching(things)) == found
    assert index.first(things) == (found[0] if found else None)


def test_clauses_on_the_same_fields_share_one_table() -> None:
    matches = [{"o.kind": "cert", "o.code": f"c{number}"} for number in range(5_000)]
    index = Index([SELECTOR.validate_python(match) for match in matches])
    assert len(index) == 1
    assert index.first(view({"kind": "cert", "code": "c4999"}, {})) == 4_999


def test_long_lists_do_not_blow_the_index_up() -> None:
    lists = {f"o.f{field}": list(range(40)) for field in range(5)}
    index = Index([SELECTOR.validate_python(lists)])
    assert index.first(view({f"f{field}": 39 for field in range(5)}, {})) == 0
    assert index.first(view({f"f{field}": 40 for field in range(5)}, {})) is None
