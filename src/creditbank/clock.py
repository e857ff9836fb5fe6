"""The time of day, for the rooms that put the bank together: everybody else is given a clock."""

from __future__ import annotations

import time


def clock() -> int:
    """Microseconds since 1970 UTC."""
    return time.time_ns() // 1_000
