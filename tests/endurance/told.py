"""What a long run says while it runs."""

from __future__ import annotations

import sys


def say(line: str) -> None:
    """A line on standard output, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
