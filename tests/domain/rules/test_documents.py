"""Rulebooks as documents: unknown keys, hostile ones and the schema that follows from the primitives."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from creditbank.domain import rules
from creditbank.domain.rules import InvalidRulebook
from tests.domain.rules.deciding import CARRY, decide, faults

DOCUMENT = {"format": "creditbank-rulebook/1", "id": "x", "rules": CARRY}


def test_a_document_and_its_rules_alone_are_both_read() -> None:
    assert rules.check(DOCUMENT) == rules.check(CARRY) == rules.Report((), ())
    assert rules.compile(DOCUMENT).versions[0].rules == rules.compile(CARRY).versions[0].rules


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({**DOCUMENT, "colour": "red"}, "/colour"),
        ({**DOCUMENT, "format": "creditbank-rulebook/2"}, "/format"),
        ({**DOCUMENT, "rules": {"source": []}}, "/rules/source"),
        ({**DOCUMENT, "rules": [1]}, "/rules"),
        ({"format": "creditbank-rulebook/1", "id": "x"}, "/rules"),
        ({"sources": [{"value": {"carry": True}, "credits": 3}]}, "/sources/0/credits"),
        ({"sources": {"value": {"carry": True}}}, "/sources"),
        ({"sources": [7]}, "/sources/0"),
        ({"grade": 7}, "/grade"),
    ],
)
def test_unknown_keys_and_wrong_types_are_faults_with_their_place(document: dict[str, Any], pointer: str) -> None:
    assert list(faults(document)) == [pointer]


def test_details_are_plain_sentences() -> None:
    found = faults(
        {"exclude": [{"match": {}, "reason": "no", "why": 1}, {}], "consume": {"amount": "half"}, "grade": 7}
    )
    assert found == {
        "/exclude/0/reason": "must match ^[A-Z][A-Z0-9_]{0,63}$.",
        "/exclude/0/why": "is not a key that the format knows.",
        "/exclude/1/match": "is missing.",
        "/exclude/1/reason": "is missing.",
        "/consume/amount": "must be 'none', 'granted' or 'all'.",
        "/grade": "must be text.",
    }


def test_compiling_what_has_faults_raises_them_all() -> None:
    with pytest.raises(InvalidRulebook) as invalid:
        rules.compile({"sources": [{}], "caps": [{}]})
    assert {fault.pointer for fault in invalid.value.faults} >= {"/sources/0/value", "/caps/0/limit", "/caps/0/reason"}


def nested(depth: int) -> Any:
    limit: Any = 1
    for _ in range(depth):
        limit = {"min_of": [limit]}
    return limit


def cap(limit: Any) -> dict[str, Any]:
    return {**CARRY, "caps": [{"id": "c", "measure": "credits", "limit": limit, "over": "drop", "reason": "CAP"}]}


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"sources": [None] * 1_000_000}, "/sources"),
        ({"sources": [{"value": {"carry": True}}] * 20_001}, "/sources"),
        ({"exclude": [{"match": {}, "reason": "NO"}] * 1_001}, "/exclude"),
        ({"versions": [{"rules": {"caps": [{}] * 1_001}}]}, "/versions/0/rules/caps"),
        ({"grade": "a" * (4 * 1024 * 1024 + 1)}, ""),
        (cap(float("nan")), "/caps/0/limit"),
        (cap(float("inf")), "/caps/0/limit"),
        (cap(10**400), "/caps/0/limit"),
        (cap(Decimal("1e999999")), "/caps/0/limit"),
        (cap(Decimal("1e-999999")), "/caps/0/limit"),
        (cap(Decimal("NaN")), "/caps/0/limit"),
        (cap({1: 2}), "/caps/0/limit"),
        (cap((1, 2)), "/caps/0/limit"),
        (cap("\ud800"), "/caps/0/limit"),
        ({"exclude": [{"match": {"o.\ud800": None}, "reason": "NO"}]}, "/exclude/0/match"),
    ],
)
def test_what_is_out_of_bounds_is_refused_with_its_place(document: dict[str, Any], pointer: str) -> None:
    assert list(faults(document)) == [pointer]


def test_nesting_has_a_bottom() -> None:
    (pointer,) = faults(cap(nested(100_000)))
    assert pointer.startswith("/caps/0/limit/min_of/0/min_of")
    assert faults(cap(nested(10))) == {}


def test_a_document_that_holds_itself_is_refused() -> None:
    endless: dict[str, Any] = {"sources": []}
    endless["sources"].append(endless)
    endless["sources"].append(endless)
    assert faults(endless)


def test_text_that_looks_like_a_costly_pattern_is_only_text() -> None:
    text = "(a+)+$" * 150_000
    document = {"sources": [{"match": {"o.code": text}, "value": {"fixed": 1}}]}
    assert decide(document, [{"id": "a", "code": text}, {"id": "b", "code": "a" * 100_000}]) == [1, "NO_RULE"]
    assert list(faults({"exclude": [{"match": {}, "reason": "A" * 1_000_000}]})) == ["/exclude/0/reason"]
    assert list(faults(cap("1" * 1_000_000))) == ["/caps/0/limit"]


@pytest.mark.parametrize("document", [None, [], "x", 4, True])
def test_what_is_no_object_is_a_fault(document: Any) -> None:
    assert list(faults(document)) == [""]


def test_requirements_that_exclude_each_other_refuse_everything() -> None:
    document = {
        **CARRY,
        "require": [{"match": {"o.level": "1"}, "reason": "NOT_ONE"}, {"match": {"o.level": "2"}, "reason": "NOT_TWO"}],
    }
    outcomes = [{"id": "a", "credits": 1, "level": "1"}, {"id": "b", "credits": 1, "level": "2"}]
    assert decide(document, outcomes) == ["NOT_TWO", "NOT_ONE"]


def test_the_schema_names_every_primitive_and_is_json() -> None:
    schema = rules.json_schema()
    assert json.loads(json.dumps(schema)) == schema
    rule_set = schema["$defs"]["RuleSet"]
    assert set(rule_set["properties"]) == set(rules.PRIMITIVES)
    assert rule_set["additionalProperties"] is False
    assert {"Exclude", "Require", "Validity", "Once", "Source", "Cap", "Window", "Versions"} <= set(schema["$defs"])
