"""A bank's life from one seed, in short; `python -m tests.endurance simulate` is the long form."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.breakages import INSTALLATIONS, TRIGGERS, broken
from tests.simulation.installation import Installation
from tests.simulation.simulator import Simulation, Violation

PROJECT = Path(__file__).parents[2]
SEEDS, STEPS = 3, 100
STORED = json.loads((Path(__file__).parent / "seeds.json").read_text())
"""Seeds that found something. A change of what is drawn makes other lives of them: each fault has its own test too."""
MOST_SEEDS, BROKEN_STEPS = 30, 120
FIRST = {"nobody looks at a backup": 11}
"""The seed that is likely to find a rare one soon; the others are still asked when what is drawn has changed."""


def lived(
    seed: int, folder: Path, steps: int, image: bytes | None = None, kind: type[Installation] = Installation
) -> str:
    """The digest of a life. Raises Violation."""
    folder.mkdir()
    simulation = Simulation(seed, folder, image, kind)
    try:
        simulation.run(steps)
        return simulation.digest()
    finally:
        simulation.close()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_lost_doubled_or_overdrawn_whatever_happens(seed: int, tmp_path: Path) -> None:
    lived(seed, tmp_path / "life", STEPS)


@pytest.mark.parametrize("stored", STORED, ids=lambda stored: str(stored["seed"]))
def test_what_a_seed_once_found_stays_mended(stored: dict[str, int], tmp_path: Path) -> None:
    lived(stored["seed"], tmp_path / "life", stored["steps"])


def test_the_same_seed_gives_the_same_history_to_the_byte(tmp_path: Path) -> None:
    """In another process too: with other hashes of text, so that no order hangs on them."""
    first, again, other = (
        lived(seed, tmp_path / name, 60) for name, seed in (("first", 7), ("again", 7), ("other", 8))
    )
    assert first == again != other
    command = [sys.executable, "-c", "from tests.endurance.simulate import live; print(live(7, 60).digest)"]
    told = subprocess.run(
        command, env={**os.environ, "PYTHONHASHSEED": "7"}, cwd=PROJECT, capture_output=True, check=True, text=True
    ).stdout
    assert told == f"{first}\n"


@pytest.mark.parametrize("name", [*TRIGGERS, *INSTALLATIONS])
def test_a_broken_bank_is_found_out(name: str, tmp_path: Path) -> None:
    image = broken(TRIGGERS[name]) if name in TRIGGERS else None
    kind = INSTALLATIONS.get(name, Installation)
    with pytest.raises(Violation) as found:
        for seed in dict.fromkeys((FIRST.get(name, 0), *range(MOST_SEEDS))):
            lived(seed, tmp_path / str(seed), BROKEN_STEPS, image, kind)
    assert str(found.value).startswith("seed ")


def test_a_violation_tells_the_seed_and_every_step(tmp_path: Path) -> None:
    with pytest.raises(Violation) as found:
        lived(0, tmp_path / "life", BROKEN_STEPS, broken(TRIGGERS["the end of history is cut off"]))
    told = str(found.value).splitlines()
    assert told[0].startswith("seed 0: ")
    assert told[1].startswith("1 at +")
