"""One side of a comparison in a fresh process of its own: its time, and the most memory that it took, and any process
that it started."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from benchmarks.measure import Sample

Work = Callable[[str], int]
"""Does the work on the database of a URL and returns how many events it went through. A module's own function."""


def measured(work: Work, database_url: str) -> Sample:
    """Events per second of `work`, without the start of its process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_measured, work, database_url).result()


def _measured(work: Work, database_url: str) -> Sample:
    before = _peak_megabytes(resource.RUSAGE_SELF)
    started = time.perf_counter()
    events = work(database_url)
    seconds = time.perf_counter() - started
    details = {
        "events": float(events),
        "peak_mb": _peak_megabytes(resource.RUSAGE_SELF),
        "peak_mb_before": before,
        "peak_mb_of_others": _peak_megabytes(resource.RUSAGE_CHILDREN),
    }
    return Sample(events / seconds, details)


def _peak_megabytes(who: int) -> float:
    """Of this process, or of the largest that it started and that has ended."""
    return resource.getrusage(who).ru_maxrss / 1024
