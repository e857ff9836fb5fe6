"""The server is killed in the middle of concurrent writes: what it had acknowledged stands, once."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.processes.crash import crash
from tests.processes.server import PUBLISHING, Installation


def test_what_was_acknowledged_before_a_kill_stands_once_after_it(database_url: str, tmp_path: Path) -> None:
    installation = Installation(database_url, tmp_path, PUBLISHING)
    verdict = crash(installation, kills=2, most_writes=60, chance=Random(20261124))
    assert verdict.is_clean, verdict
    assert verdict.kills == 2
    assert verdict.acknowledged > 0
