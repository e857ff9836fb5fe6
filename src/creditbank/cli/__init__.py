"""The command line: everything an operator does with a bank. Results on stdout, the rest on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from typer.main import get_command

from creditbank.cli import garbage
from creditbank.cli.commands import app
from creditbank.cli.outcome import Failed


def main() -> None:
    """Run the command of this process. An expected failure is one sentence and an exit code."""
    garbage.seldom()
    try:
        command()()
    except Failed as failure:
        sys.stderr.write(f"{failure}\n")
        sys.exit(failure.exit_code)


@cache
def command() -> Callable[[], Any]:
    """What the arguments are read by: put together once, for a process that runs more than one command."""
    return get_command(app)
