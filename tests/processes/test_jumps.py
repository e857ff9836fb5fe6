"""The clock of a running server is set back a day and forward a month: nothing that had lapsed is open again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.processes import clocks
from tests.processes.jumps import jump
from tests.processes.server import Installation


@pytest.mark.skipif(clocks.libfaketime() is None, reason="libfaketime is not installed")
def test_nothing_that_lapsed_is_open_again_when_the_clock_is_set_back(sqlite_url: str, tmp_path: Path) -> None:
    verdict = jump(Installation(sqlite_url, tmp_path), rounds=1, writers=1)
    assert verdict.is_clean, verdict.findings
    assert verdict.acknowledged > 0
