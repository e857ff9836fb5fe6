"""Rulebooks carry their own cases: the public ones pass, and a wrong expectation or a broken rulebook does not."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from creditbank.domain.cases import NoCases, run_cases

FOLDER = Path(__file__).parent / "rules" / "cases"
FILES = sorted(FOLDER.glob("*.json"))
SHARED = Path(__file__).parents[2] / ".." / "shared" / "vectors" / "rulebooks.json"


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_public_case_passes(path: Path) -> None:
    results = list(run_cases(read(path)))
    assert results
    assert [result for result in results if result.status == "failed"] == []


@pytest.mark.skipif(not SHARED.exists(), reason="the shared vectors are not beside the project")
def test_the_shared_vectors_pass_and_only_lifecycles_are_skipped() -> None:
    results = list(run_cases(read(SHARED)))
    assert [result.id for result in results if result.status == "failed"] == []
    assert {result.id[:2] for result in results if result.status == "skipped"} <= {"IN", "LC"}


def small(**expect: Any) -> dict[str, Any]:
    return {
        "format": "creditbank-rulebook/1",
        "id": "small",
        "rules": {"sources": [{"value": {"carry": True}}]},
        "cases": [
            {
                "id": "one",
                "title": "a third",
                "op": "convert",
                "given": {"outcomes": [{"id": "a", "credits": "10/3"}], "requests": [{"outcome": "a"}]},
                "expect": expect,
            }
        ],
    }


@pytest.mark.parametrize(
    ("expect", "status"),
    [
        ({"granted_total": 3.33}, "passed"),
        ({"granted_total": "10/3"}, "passed"),
        ({"granted_total": 3.34}, "failed"),
        ({"granted": [{"outcome": "a", "credits": 3.33}], "refused": []}, "passed"),
        ({"granted": []}, "failed"),
        ({"granted": [{"outcome": "a", "bucket": "major"}]}, "failed"),
        ({"rule_version": "v1"}, "failed"),
        ({"recorded_by": "nobody"}, "passed"),
    ],
)
def test_only_the_keys_expected_are_compared_and_numbers_as_shown(expect: dict[str, Any], status: str) -> None:
    assert [result.status for result in run_cases(small(**expect))] == [status]


def test_a_failed_case_tells_both_sides() -> None:
    (result,) = run_cases(small(granted_total=4))
    assert (result.id, result.expected, result.actual) == ("one", {"granted_total": 4}, {"granted_total": 3.33})


def test_the_order_of_grants_matters() -> None:
    document = read(FOLDER / "cn.json")
    case = document["rulebooks"][0]["cases"][0]
    case["expect"]["granted"].reverse()
    assert next(run_cases(document)).status == "failed"


def test_cases_of_a_broken_rulebook_fail_with_its_faults() -> None:
    document = small(granted_total=3.33)
    document["rules"]["caps"] = [{"id": "x"}]
    (result,) = run_cases(document)
    assert result.status == "failed"
    assert any(fault.startswith("/rules/caps/0/limit") for fault in result.actual["faults"])


def test_a_case_whose_situation_cannot_be_read_fails_and_the_next_one_runs() -> None:
    document = small(granted_total=3.33)
    broken = copy.deepcopy(document["cases"][0])
    broken["given"]["requests"] = [{"outcome": "nobody"}]
    document["cases"].insert(0, broken)
    assert [result.status for result in run_cases(document)] == ["failed", "passed"]


def test_keys_beside_those_of_the_format_are_information_in_a_case_file_only() -> None:
    document = small(granted_total=3.33)
    document["rules"]["remarks"] = "for people"
    assert next(run_cases(document)).status == "failed"
    assert next(
        run_cases({"format": "creditbank-rulebook-cases/1", "rulebooks": [document | {"format": None}]})
    ).status == ("passed")


def test_other_operations_are_skipped() -> None:
    document = small()
    document["cases"][0]["op"] = "lifecycle"
    assert next(run_cases(document)).status == "skipped"


@pytest.mark.parametrize("document", [{}, {"format": "something/1"}, {"format": "creditbank-rulebook-cases/1"}])
def test_a_document_without_cases_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(NoCases):
        list(run_cases(document))


@pytest.mark.parametrize(
    ("op", "given", "expect"),
    [
        ("validate_uscc", {"values": ["91350100M000100Y43", "12000000000000001U"]}, {"valid": [True, True]}),
        ("validate_id", {"value": "110105194912310021"}, {"valid": False}),
        ("parse_cert16", {"value": "0819000000300123"}, {"year": 2008, "province": "19", "level": "三级/高级工"}),
        ("parse_cert22", {"value": "nonsense"}, {"valid": False}),
        (
            "cross_check",
            {"certificate_number": "S000037123456243000012", "posted_level": "高级工", "issued_on": "2024-05-01"},
            {"refused": []},
        ),
        (
            "cross_check",
            {"certificate_number": "S000037123456243000012", "posted_level": "高级工", "issued_on": "2023-05-01"},
            {"refused": [{"reason": "NUMBER_CONTRADICTS_RECORD"}]},
        ),
    ],
)
def test_identifiers_are_run_as_cases_too(op: str, given: dict[str, Any], expect: dict[str, Any]) -> None:
    document = small()
    document["cases"] = [{"id": "id", "op": op, "given": given, "expect": expect}]
    assert [result.status for result in run_cases(document)] == ["passed"]
