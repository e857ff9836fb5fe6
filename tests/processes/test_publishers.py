"""Two publishers of one log: however one of them is stopped and continued, each size is signed once."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.processes.publishers import contest
from tests.processes.server import Installation


def test_of_two_publishers_one_signs_each_size(postgresql_url: str, tmp_path: Path) -> None:
    # One that is stopped while it holds the tree keeps the other waiting for as long as it may idle.
    often = {"creditbank.audit.publishing.PERIOD_SECONDS": 0.1, "creditbank.ledger.database.IDLE_TIMEOUT_MS": 1_000}
    installation = Installation(postgresql_url, tmp_path, constants=often)
    ended = contest(installation, stops=2, seconds=0.25, chance=Random(20261124))
    assert ended.findings == []
    assert min(ended.signed) > 0
