"""Long forms of the tests of bad luck. Exit code 0: nothing found; 3: something is lost, doubled or different.

python -m tests.endurance crash --kills 500 --database postgresql --victim both
python -m tests.endurance powercut --cuts 20 --database postgresql
python -m tests.endurance powercut --cuts 1 --database postgresql --deaf
python -m tests.endurance answers --times 2000 --database postgresql
python -m tests.endurance history --operations 1000000 --database postgresql --servers 2
python -m tests.endurance races --times 10000 --database postgresql
python -m tests.endurance clock --rounds 25 --database postgresql
python -m tests.endurance publishers --stops 10 --seconds 60
python -m tests.endurance faults --times 20
python -m tests.endurance flips --times 10000 --database postgresql
python -m tests.endurance failover --times 10 --mode sync
python -m tests.endurance hostile --database postgresql
python -m tests.endurance rotate --persons 10000 --database postgresql
python -m tests.endurance timing --calls 2000 --database postgresql
python -m tests.endurance simulate --seeds 500 --steps 300
python -m tests.endurance simulate --seeds 1 --seed 14
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.endurance import faults, powercut, runs
from tests.endurance.told import say

VIOLATION = 3
ONE_OF_BOTH = ("sqlite", "postgresql")


@dataclass(frozen=True, slots=True)
class Command:
    """A long run. Of an option that is a tuple the first is meant where none is named; False is a flag."""

    meaning: str
    run: Callable[[argparse.Namespace, Random], list[str]]
    options: Mapping[str, Any]


COMMANDS = {
    "crash": Command(
        "kill -9 in the middle of writes, again and again",
        runs.killed,
        {"kills": 500, "most-writes": 200, "victim": ("server", "database", "both"), "database": ONE_OF_BOTH},
    ),
    "powercut": Command(
        "cut the power of a disk that forgets what was not synced; a deaf one never syncs, which has to be found",
        powercut.run,
        {"cuts": 20, "most-writes": 200, "deaf": False, "database": ONE_OF_BOTH},
    ),
    "answers": Command(
        "lose answers between database, bank and clients, who ask again",
        runs.unanswered,
        {"times": 2_000, "database": ONE_OF_BOTH},
    ),
    "history": Command(
        "exempt, reserve, reverse, hold, revoke on a few shared accounts; ends after so many minutes in any case",
        runs.contested,
        {"operations": 1_000_000, "clients": 32, "servers": 1, "minutes": 600, "database": ONE_OF_BOTH},
    ),
    "races": Command(
        "2 to 64 clients race for one certificate, reservation or key; ends after so many minutes in any case",
        runs.raced,
        {"times": 10_000, "servers": 2, "minutes": 600, "database": ONE_OF_BOTH},
    ),
    "clock": Command(
        "set the clock of the server back by hours and days, and forward by a month",
        runs.jumped,
        {"rounds": 25, "database": ONE_OF_BOTH},
    ),
    "publishers": Command(
        "stop one of two publishers for so many seconds while the other goes on, on PostgreSQL",
        runs.published,
        {"stops": 10, "seconds": 60.0},
    ),
    "faults": Command(
        "fill a disk of 120 MB, take the database away for a minute, cut its connections",
        faults.run,
        {"times": 20, "away": 3},
    ),
    "flips": Command(
        "flip single bits of what is stored, and verify", runs.flipped, {"times": 10_000, "database": ONE_OF_BOTH}
    ),
    "failover": Command(
        "kill the primary of two PostgreSQL servers, and promote the other",
        runs.failed_over,
        {"times": 10, "mode": ("sync", "async")},
    ),
    "hostile": Command("files that are large, broken or meant to do harm", runs.overfed, {"database": ONE_OF_BOTH}),
    "timing": Command(
        "whether the time of an answer tells what is there; so many calls of either side; never fails",
        runs.timed,
        {"calls": 2_000, "database": ONE_OF_BOTH},
    ),
    "simulate": Command(
        "lives of a bank in memory, each from one seed, so many from --seed on",
        runs.simulated,
        {"seeds": 500, "steps": 300, "processes": os.cpu_count() or 1},
    ),
    "rotate": Command(
        "every key is rotated while people come, so many clients at each server",
        runs.rotated,
        {"persons": 10_000, "clients": 2, "servers": 2, "database": ONE_OF_BOTH},
    ),
}


def main() -> int:
    asked = _arguments().parse_args()
    seed = asked.seed if asked.seed is not None else Random().randrange(2**32)
    say(", ".join(f"{name} {value}" for name, value in {**vars(asked), "seed": seed}.items()))
    found = COMMANDS[asked.command].run(asked, Random(seed))
    for finding in found:
        say(f"  {finding}")
    return VIOLATION if found else 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.endurance", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        options = commands.add_parser(name, help=command.meaning)
        options.add_argument("--seed", type=int, default=None)
        for option, value in command.options.items():
            match value:
                case tuple():
                    options.add_argument(f"--{option}", choices=value, default=value[0])
                case False:
                    options.add_argument(f"--{option}", action="store_true")
                case _:
                    options.add_argument(f"--{option}", type=type(value), default=value)
    return parser


if __name__ == "__main__":
    sys.exit(main())
