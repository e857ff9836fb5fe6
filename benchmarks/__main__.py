"""Command line: `python -m benchmarks [NAME ...] [--database sqlite|postgresql|both] [--rounds 5] [--quick|--full]`."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks import report
from benchmarks.registry import BENCHMARKS, SPOKEN
from benchmarks.settings import Database, Settings


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure creditbank beside its peers.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", type=_name, help=f"of {', '.join((*BENCHMARKS, *SPOKEN))}; default all"
    )
    parser.add_argument("--database", choices=[*Database, "both"], default="both")
    parser.add_argument("--rounds", type=int, default=5)
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--quick", action="store_true", help="a tenth of the work: does it run, not how fast is it")
    amount.add_argument("--full", action="store_true", help="as much history as the targets name, which takes hours")
    parser.add_argument("--learners", type=int, metavar="N", help="how many live in the province of hubei")
    parser.add_argument("--events", type=int, metavar="N", help="how many events stand in the larger bank of S9")
    parser.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()), help="scratch space on a disk")
    options = parser.parse_args(arguments)
    settings = Settings(
        databases=frozenset(Database if options.database == "both" else [Database(options.database)]),
        rounds=options.rounds,
        quick=options.quick,
        full=options.full,
        learners=options.learners,
        events=options.events,
        directory=options.directory,
    )
    results = []
    for name in options.names or BENCHMARKS:
        measured = BENCHMARKS[name](settings)
        if measured:
            report.write(name, measured, quick=settings.quick)
        results += measured
    Console().print(report.table(results))


def _name(text: str) -> str:
    for name in BENCHMARKS:
        if name.lower() in (text.lower(), SPOKEN.get(text.lower(), "").lower()):
            return name
    raise argparse.ArgumentTypeError(f"no benchmark {text!r}; there are {', '.join((*BENCHMARKS, *SPOKEN))}")


if __name__ == "__main__":
    main()
