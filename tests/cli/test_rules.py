"""`creditbank rules` tries rulebooks as files: their cases, their faults, and what they decide in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command

RULES = {
    "sources": [{"match": {"o.kind": "x-cert"}, "value": {"target": True}}],
    "caps": [
        {
            "id": "each",
            "measure": "credits",
            "limit": 6,
            "per": ["outcome"],
            "over": "drop",
            "reason": "CAP_PER_OUTCOME",
        }
    ],
}
GIVEN = {
    "applied_on": "2026-09-01",
    "programme": {"id": "P", "credits": 100, "courses": {"A": {"credits": 4}, "B": {"credits": 3}}},
    "outcomes": [{"id": "X1", "kind": "x-cert"}],
    "requests": [{"outcome": "X1", "target": "A"}, {"outcome": "X1", "target": "B"}],
}


def case(name: str, total: int, op: str = "convert") -> dict[str, Any]:
    return {"id": name, "title": "two courses", "op": op, "given": GIVEN, "expect": {"granted_total": total}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rulebook.json"


def write(file: Path, cases: list[dict[str, Any]], rules: dict[str, Any] = RULES) -> str:
    rulebook = {"format": "creditbank-rulebook/1", "id": "small", "rules": rules, "cases": cases}
    file.write_text(json.dumps(rulebook), "utf-8")
    return str(file)


def test_cases_that_come_out_as_expected_pass(file: Path, creditbank: Command) -> None:
    ended = creditbank("rules", "test", write(file, [case("S-1", 4), case("S-2", 4, "lifecycle")]))
    assert (ended.code, ended.out) == (0, "PASS S-1\n1 passed, 0 failed, 1 skipped\n")


def test_a_case_that_comes_out_otherwise_fails_with_both_sides(file: Path, creditbank: Command) -> None:
    path = write(file, [case("S-1", 4), case("S-2", 7)])
    ended = creditbank("rules", "test", path)
    assert ended.code == 1
    assert ended.out == (
        'PASS S-1\nFAIL S-2  two courses\n  expected {"granted_total": 7}\n  actual   {"granted_total": 4}\n'
        "1 passed, 1 failed, 0 skipped\n"
    )
    assert [one["status"] for one in creditbank("rules", "test", path, "--json").json["cases"]] == ["passed", "failed"]


def test_faults_and_warnings_are_shown_with_their_places(file: Path, creditbank: Command) -> None:
    odd = RULES | {"caps": [RULES["caps"][0] | {"limit": 0}]}
    ended = creditbank("rules", "lint", write(file, [], odd))
    assert ended.code == 0
    assert ended.out.startswith("WARNING /rules/caps/0/limit: ")
    ended = creditbank("rules", "lint", write(file, [], RULES | {"colour": "red"}))
    assert ended.code == 1
    assert ended.out == "FAULT /rules/colour: is not a key that the format knows.\nfaults: 1, warnings: 0\n"


def test_the_places_of_faults_in_a_case_file_lead_to_their_rulebook(file: Path, creditbank: Command) -> None:
    broken = RULES | {"sources": [{"value": {"fixed": "many"}}]}
    rulebooks = [{"id": "a", "rules": RULES, "cases": []}, {"id": "b", "rules": broken, "cases": []}]
    file.write_text(json.dumps({"format": "creditbank-rulebook-cases/1", "rulebooks": rulebooks}), "utf-8")
    ended = creditbank("rules", "lint", str(file), "--json")
    assert ended.code == 1
    assert [fault["pointer"] for fault in ended.json["faults"]] == ["/rulebooks/1/rules/sources/0/value/fixed"]


def test_decisions_are_told_in_the_order_of_the_requests(file: Path, creditbank: Command) -> None:
    path = write(file, [case("S-1", 4), case("S-2", 4)])
    english = creditbank("rules", "explain", path, "S-1")
    assert english.code == 0
    assert english.out.splitlines() == [
        "S-1  two courses",
        "  X1 replaces the course A with 4 credits. (Rule /sources/0.)",
        "  X1 alone would replace too many credits. With it there would be 7, the limit is 6. (Rule /caps/0.)",
    ]
    chinese = creditbank("rules", "explain", path, "--lang", "zh", "--json").json
    assert [one["id"] for one in chinese] == ["S-1", "S-2"]
    assert chinese[0]["lines"][0].startswith("X1 可免修课程 A")


@pytest.mark.parametrize("command", ["test", "lint", "explain"])
@pytest.mark.parametrize("content", ["", "[" * 100_000, '{"format": "other"}', "[]", '"text"'])
def test_a_file_that_is_no_rulebook_is_refused_in_a_sentence(
    command: str, content: str, file: Path, creditbank: Command
) -> None:
    file.write_text(content, "utf-8")
    ended = creditbank("rules", command, str(file))
    assert ended.code == 1
    assert ended.err.count("\n") == 1


def test_a_file_that_is_not_there_is_refused_in_a_sentence(file: Path, creditbank: Command) -> None:
    ended = creditbank("rules", "test", str(file))
    assert (ended.code, ended.err) == (1, f"{file} cannot be read: No such file or directory\n")


def test_a_case_that_is_not_there_or_cannot_be_evaluated_is_named(file: Path, creditbank: Command) -> None:
    path = write(file, [case("S-1", 4) | {"given": {**GIVEN, "applied_on": "soon"}}])
    assert creditbank("rules", "explain", path, "S-9").err == f"{file} has no conversion case S-9\n"
    assert creditbank("rules", "explain", path).err.startswith("case S-1 cannot be evaluated: ")
