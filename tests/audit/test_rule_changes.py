"""What changes between two rulebooks is named clause by clause, with its place in the one and in the other."""

from __future__ import annotations

from typing import Any

import pytest

from creditbank.audit.rule_changes import changes

CORE = {"match": {"t.type": "core"}, "value": {"target": True}}
FREE = {"value": {"carry": True}}
TWICE = {"scope": "target", "reason": "COURSE_ALREADY_SATISFIED"}


def cap(name: str, limit: int) -> dict[str, Any]:
    return {"id": name, "measure": "credits", "limit": limit, "over": "drop", "reason": "CAP"}


def told(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    return [(one.kind, one.pointer_before, one.pointer_after) for one in changes(before, after)]


def test_between_equal_rules_nothing_changes_whatever_the_order_of_their_keys() -> None:
    rules = {"sources": [CORE, FREE], "caps": [cap("all", 6)], "consume": {"amount": "all", "returnable": True}}
    turned = {"consume": {"returnable": True, "amount": "all"}, "caps": rules["caps"], "sources": [CORE, FREE]}
    assert told(rules, turned) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"once": [TWICE]}, [("added", None, "/once/0")]),
        ({"once": [TWICE]}, {}, [("removed", "/once/0", None)]),
        ({"sources": [FREE]}, {"sources": [CORE, FREE]}, [("added", None, "/sources/0")]),
        ({"sources": [CORE, FREE]}, {"sources": [FREE]}, [("removed", "/sources/0", None)]),
        ({"sources": [CORE]}, {"sources": [FREE]}, [("changed", "/sources/0", "/sources/0")]),
        ({"grade": "pass"}, {"grade": "exempt"}, [("changed", "/grade", "/grade")]),
        ({}, {"exclusive": {"others": "refuse"}}, [("added", None, "/exclusive")]),
        (
            {"sources": [CORE, FREE]},
            {"sources": [FREE, CORE]},
            [("added", None, "/sources/0"), ("removed", "/sources/1", None)],
        ),
    ],
)
def test_a_clause_is_added_removed_or_changed(before: Any, after: Any, expected: Any) -> None:
    assert sorted(told(before, after)) == sorted(expected)


def test_a_clause_with_an_id_is_known_by_it_wherever_it_stands() -> None:
    before = {"caps": [cap("one", 6), cap("two", 8)]}
    after = {"caps": [cap("new", 1), cap("one", 6), cap("two", 9)]}
    (added, changed) = changes(before, after)
    assert (added.kind, added.pointer_after, added.after) == ("added", "/caps/0", cap("new", 1))
    assert (changed.kind, changed.pointer_before, changed.pointer_after) == ("changed", "/caps/1", "/caps/2")
    assert (changed.before, changed.after) == (cap("two", 8), cap("two", 9))


def test_another_id_is_another_clause() -> None:
    assert told({"caps": [cap("one", 6)]}, {"caps": [cap("two", 6)]}) == [
        ("removed", "/caps/0", None),
        ("added", None, "/caps/0"),
    ]


def test_awards_and_calendars_are_compared_name_by_name() -> None:
    before = {"award": {"a/b": [{"id": "all", "min": 6}], "gone": [{"id": "all", "min": 1}]}, "calendars": {"own": {}}}
    after = {"award": {"a/b": [{"id": "all", "min": 8}]}, "calendars": {"own": {"date": "o.on"}}}
    assert told(before, after) == [
        ("changed", "/award/a~1b", "/award/a~1b"),
        ("removed", "/award/gone", None),
        ("changed", "/calendars/own", "/calendars/own"),
    ]


def test_versions_are_compared_by_their_ids_and_within_each_by_its_clauses() -> None:
    first = {"id": "v1", "effective_to": None, "rules": {"caps": [cap("all", 6)]}}
    ended = {"id": "v1", "effective_to": "2027-01-01", "rules": {"caps": [cap("all", 7)]}}
    second = {"id": "v2", "effective_from": "2027-01-01", "rules": {}}
    before = {"version_clock": "applied_on", "versions": [first]}
    assert told(before, {"version_clock": "applied_on", "versions": [ended, second]}) == [
        ("changed", "/versions/0", "/versions/0"),
        ("changed", "/versions/0/rules/caps/0", "/versions/0/rules/caps/0"),
        ("added", None, "/versions/1"),
    ]
