"""The rulebook that the tutorial builds works as it stands on the page, and the page names every shipped one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from creditbank import rulebooks
from creditbank.domain import rules
from creditbank.domain.cases import run_cases

PAGE = (Path(__file__).parents[2] / "docs" / "rulebooks.md").read_text("utf-8")


def the_readers_own() -> dict[str, Any]:
    [text] = re.findall(r"```json rulebook\n(.*?)```", PAGE, re.DOTALL)
    read: dict[str, Any] = json.loads(text)
    return read


def test_the_rulebook_of_the_page_is_free_of_faults_and_warnings() -> None:
    report = rules.check(the_readers_own())
    assert (report.faults, report.warnings) == ((), ())


def test_its_cases_pass_as_the_page_says() -> None:
    said = re.findall(r"^PASS (OWN-\d)$", PAGE, re.MULTILINE)
    assert [(result.id, result.status) for result in run_cases(the_readers_own())] == [(id, "passed") for id in said]


def test_the_change_that_the_page_suggests_fails_the_first_case() -> None:
    document = the_readers_own()
    document["rules"]["caps"][0]["limit"] = 7
    assert [result.id for result in run_cases(document) if result.status == "failed"] == ["OWN-1"]


def test_every_step_of_the_page_is_a_part_of_a_rulebook() -> None:
    steps = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    assert len(steps) == 4
    merged = {name: value for step in steps for name, value in step.items()}
    assert rules.check(merged).faults == ()
    assert merged == the_readers_own()["rules"]


def test_every_shipped_rulebook_is_on_the_page() -> None:
    assert [name for name in rulebooks.names() if f"`{name}`" not in PAGE] == []
