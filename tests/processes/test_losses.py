"""Answers are lost on the way: whoever asks again under the same key finds the one effect, and the same words."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.processes.losses import lose_answers
from tests.processes.server import Installation

TIMES = 30


def test_what_a_lost_answer_said_is_said_again_and_done_once(database_url: str, tmp_path: Path) -> None:
    verdict = lose_answers(Installation(database_url, tmp_path), times=TIMES, chance=Random(20261124))
    assert verdict.is_clean, verdict
    assert verdict.unknown >= TIMES
    assert verdict.acknowledged > 0
