"""The rulebooks that come with the bank are free of faults, and decide as their authors expect."""

from __future__ import annotations

import pytest

from creditbank import rulebooks
from creditbank.domain import rules
from creditbank.domain.cases import run_cases


def test_rulebooks_of_four_countries_are_shipped() -> None:
    assert {rulebooks.document(name)["jurisdiction"] for name in rulebooks.names()} == {"CN", "KR", "IN", "UK"}
    assert len(rulebooks.names()) == 12


@pytest.mark.parametrize("name", rulebooks.names())
def test_a_shipped_rulebook_is_named_as_its_file_and_has_no_fault(name: str) -> None:
    document = rulebooks.document(name)
    assert document["id"] == name
    assert rules.check(document).faults == ()


@pytest.mark.parametrize("name", rulebooks.names())
def test_every_case_of_a_shipped_rulebook_is_green(name: str) -> None:
    results = list(run_cases(rulebooks.document(name)))
    assert len(results) >= 2
    assert [result for result in results if result.status != "passed"] == []
