"""Long forms of the tests of bad luck: `python -m tests.endurance crash --kills 500 --database postgresql`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.database import embedded_server, migrate
from tests.processes.crash import Verdict, crash
from tests.processes.server import Installation

VIOLATION = 3
REPORT_EVERY = 10


def main() -> int:
    """0 where nothing was lost, doubled or different, else 3; a run that breaks off ends with 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.endurance", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    crashing = commands.add_parser("crash", help="kill -9 of the server, again and again")
    crashing.add_argument("--kills", type=int, default=500)
    crashing.add_argument("--most-writes", type=int, default=400, help="acknowledged between two kills")
    for command in (crashing,):
        command.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
        command.add_argument("--seed", type=int, default=None)
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else Random().randrange(2**32)
    _say(f"seed {seed}")
    with _installation(asked.database) as installation:
        verdict = crash(
            installation,
            kills=asked.kills,
            most_writes=asked.most_writes,
            chance=Random(seed),
            progress=_report,
        )
    _say(f"{asked.database}: {verdict}")
    for finding in (*verdict.refused, *verdict.lost, *verdict.doubled, *verdict.differences):
        _say(f"  {finding}")
    return 0 if verdict.is_clean else VIOLATION


def _report(verdict: Verdict) -> None:
    if verdict.kills and verdict.kills % REPORT_EVERY == 0:
        _say(str(verdict))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def _installation(database: str) -> Iterator[Installation]:
    with tempfile.TemporaryDirectory(prefix="creditbank-endurance-") as name:
        directory = Path(name)
        if database == "sqlite":
            url = f"sqlite:///{directory / 'bank.db'}"
            migrate(url)
            yield Installation(url, directory)
            return
        with embedded_server(directory / "postgresql") as url:
            migrate(url)
            yield Installation(url, directory)


if __name__ == "__main__":
    sys.exit(main())
