"""A few of the ten thousand flipped bits of `python -m tests.endurance flips`."""

from __future__ import annotations

from pathlib import Path
from random import Random

from sqlalchemy import Engine

from tests.endurance import flips


def test_every_flipped_bit_is_found(engine: Engine, tmp_path: Path) -> None:
    tally = flips.flip(flips.prepared(engine, tmp_path), 60, Random(20261124), lambda _: None)

    assert tally.missed == []
    assert sum(tally.flips.values()) == 60
