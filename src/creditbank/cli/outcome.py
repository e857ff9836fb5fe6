"""How a command ends: its exit codes, its one sentence when it fails, and its result as JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

FAILED = 1
USAGE = 2
INTEGRITY = 3
"""The database contradicts its own history, or a proof does not hold."""


class Failed(Exception):
    """An expected failure, told in one sentence that says what to do."""

    def __init__(self, sentence: str, exit_code: int = FAILED) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def say(line: str) -> None:
    """A line of the result."""
    sys.stdout.write(f"{line}\n")


def say_json(result: Any) -> None:
    """The result of a command for a program that called it."""
    say(json.dumps(result, ensure_ascii=False, indent=2, default=str))
