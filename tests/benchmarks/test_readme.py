"""The figures of the README are those of the latest results."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LINES = {
    "bulk awards to new persons": {"postgresql": "S1", "sqlite": "S1"},
    "one award per request": {"postgresql": "S3", "sqlite": "S4"},
    "a balance, with credentials": {"postgresql": "S5", "sqlite": "S5"},
}


def measured(name: str, *, database: str = "", title: str = "") -> dict[str, Any]:
    """The one result of a benchmark on that database, or with that in its title."""
    results = json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text())["results"]
    (found,) = [one for one in results if database in one["database"] and title in one["title"]]
    return dict(found)


def test_the_sentence_below_the_table_says_it_too() -> None:
    told = (ROOT / "README.md").read_text("utf-8")
    many, one = (measured("S6", title=title)["ratio"]["median"] for title in ("50 at once", "1 at once"))
    loaded = measured("S12", title="1,000,000 learners")["product_median"]

    assert f"cost {many:.2f} × as much under 5,000 rules as under 50, one decision {one:.2f} ×." in told
    assert f"A province of a million learners was loaded from files in two minutes ({loaded:,.0f}/s)" in told
    assert 1_000_000 / loaded < 120


@pytest.mark.parametrize("line", LINES)
def test_the_readme_says_what_was_measured_last(line: str) -> None:
    (told,) = re.findall(rf"^\| {re.escape(line)}.*$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    cells = [cell.strip() for cell in told.split("|")[2:4]]

    found = [measured(name, database=database) for database, name in LINES[line].items()]

    assert cells == [f"{one['ratio']['median']:.2f} × ({one['product_median']:,.0f}/s)" for one in found]
