"""The page of limits names every setting that is one, with the defaults that the code has."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from creditbank.settings import Settings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "operations" / "limits.md"
ROWS = re.findall(r"^\| ([^|]+) \| (\d+)[^|]* \| `([\w.]+)` \| [^|]+ \|$", PAGE.read_text(), re.MULTILINE)
PREFIX = "CREDITBANK_"


def default_of(name: str) -> Any:
    """Of a setting, or of a constant with its module."""
    if name.startswith(PREFIX):
        return Settings.model_fields[name.removeprefix(PREFIX).lower()].default
    module, _, constant = name.rpartition(".")
    return getattr(import_module(module), constant)


@pytest.mark.parametrize(("limit", "default", "name"), ROWS)
def test_a_limit_is_by_default_what_the_page_says(limit: str, default: str, name: str) -> None:
    assert default_of(name) == int(default), limit


def test_every_row_is_read_and_every_setting_that_limits_has_one() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "default" not in line]
    assert len(lines) == len(ROWS) > 20
    limits = {name for name in Settings.model_fields if name.endswith(("_per_minute", "_at_once"))}
    assert {PREFIX + name.upper() for name in limits} <= {name for _, _, name in ROWS}
