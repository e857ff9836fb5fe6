"""The published page of who may do what: what stands in the repository is what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from creditbank.api.access import MATRIX
from creditbank.api.access_page import page
from creditbank.app import create_app
from creditbank.settings import Settings

PUBLISHED = Path(__file__).parents[1] / "docs" / "access.md"


@pytest.fixture(scope="module")
def text() -> str:
    return page(create_app(Settings()))


def test_the_published_page_is_current(text: str) -> None:
    assert PUBLISHED.read_text("utf-8") == text, "stale: run `make access`"


def test_the_page_has_a_row_and_routes_for_every_operation(text: str) -> None:
    for operation in MATRIX:
        assert text.count(f"\n| `{operation}` |") == 1, operation
        assert f"\n- `{operation}`: `" in text, operation


def test_a_cell_says_how_far_a_role_reaches(text: str) -> None:
    assert "\n| `accounts:read` | all | – | dealing | own | masked |\n" in text
    assert "\n| `erasure` | `accounts:erase` |\n" in text
