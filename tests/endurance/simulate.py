"""Many lives of a bank in memory, a seed each, in as many processes as there are cores."""

from __future__ import annotations

import logging
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from tests.simulation.simulator import Simulation, Violation


@dataclass(frozen=True, slots=True)
class Life:
    """What became of one seed: how often what happened, its digest, and the first thing that was wrong."""

    seed: int
    counts: Counter[str]
    seconds: float
    digest: str
    violation: str | None


def lives(first: int, seeds: int, steps: int, processes: int) -> Iterator[Life]:
    """One after the other, in the order of the seeds."""
    every = range(first, first + seeds)
    if min(processes, seeds) == 1:
        yield from map(partial(live, steps=steps), every)
        return
    # Not forked: what a library has started in this process would be missing in the copy.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=processes, mp_context=context) as pool:
        yield from pool.map(partial(live, steps=steps), every, chunksize=5)


def live(seed: int, steps: int) -> Life:
    logging.getLogger("creditbank").setLevel(logging.ERROR)  # restored backups are its warnings, and wanted here
    began, violation = process_time(), None
    with TemporaryDirectory(prefix="creditbank-simulated-") as folder:
        simulation = Simulation(seed, Path(folder))
        try:
            simulation.run(steps)
        except Violation as found:
            violation = str(found)
        digest = simulation.digest()
        simulation.close()
    return Life(seed, simulation.counts, process_time() - began, digest, violation)


def simulate(first: int, seeds: int, steps: int, processes: int, say: Callable[[str], None]) -> list[str]:
    """All violations, each with its seed and its steps; says how it goes."""
    counts: Counter[str] = Counter()
    found, seconds = [], 0.0
    for number, life in enumerate(lives(first, seeds, steps, processes), 1):
        counts += life.counts
        seconds += life.seconds
        if life.violation is not None:
            found.append(life.violation)
            say(f"seed {life.seed}: {life.violation.splitlines()[0]}")
        if number % 50 == 0:
            say(f"{number} seeds, {len(found)} violations, {seconds:.0f} s of processor time")
    say(", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    say(f"{seeds} seeds of {steps} steps, {len(found)} violations, {seconds:.0f} s of processor time")
    if seeds == 1:
        say(f"digest {life.digest}")
    return found
