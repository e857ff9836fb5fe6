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


def measured(name: str, database: str) -> dict[str, Any]:
    results = json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text())["results"]
    (found,) = [one for one in results if one["database"] == database]
    return dict(found)


@pytest.mark.parametrize("line", LINES)
def test_the_readme_says_what_was_measured_last(line: str) -> None:
    (told,) = re.findall(rf"^\| {re.escape(line)}.*$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    cells = [cell.strip() for cell in told.split("|")[2:4]]

    found = [measured(name, database) for database, name in LINES[line].items()]

    assert cells == [f"{one['ratio']['median']:.2f} × ({one['product_median']:,.0f}/s)" for one in found]
