"""Long forms of the tests of bad luck. Exit code 0: nothing found; 3: something is lost, doubled or different.

python -m tests.endurance crash --kills 500 --database postgresql --victim both
python -m tests.endurance history --operations 1000000 --database postgresql --servers 2
python -m tests.endurance flips --times 10000 --database postgresql
python -m tests.endurance failover --times 10 --mode sync
python -m tests.endurance hostile --database postgresql
python -m tests.endurance rotate --persons 10000 --database postgresql
python -m tests.endurance timing --calls 2000 --database postgresql
python -m tests.endurance simulate --seeds 500 --steps 300
python -m tests.endurance simulate --seed 14
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from random import Random

from creditbank.ledger.database import open_engine
from tests.commands.rotating import rotate_under_a_crowd
from tests.database import migrate
from tests.endurance import failover, flips, hostile, simulate, timing
from tests.endurance.databases import PostgreSQL, installed
from tests.endurance.pair import pair
from tests.processes import bank, findings, histories
from tests.processes.calls import Caller
from tests.processes.crash import Verdict, crash
from tests.processes.histories import Shared
from tests.processes.server import Installation, Process

USAGE = 2
VIOLATION = 3
REPORT_EVERY = 10
ACCOUNTS, CERTIFICATES = 8, 6
OPERATIONS_A_ROUND = 2_000
SIMULATED = 500
SILENT_SECONDS = {True: 0.4, False: 3.0}
"""How long the link is silent: with an asynchronous standby, until a checkpoint covers what will be lost."""


def main() -> int:
    asked = _arguments().parse_args()
    seed = asked.seed if asked.seed is not None else Random().randrange(2**32)
    if asked.command == "simulate":
        return _simulate(asked, seed)
    _say(f"{asked.command}, {asked.database}, seed {seed}")
    if asked.command == "failover":
        return _failover(asked.times, asked.mode == "sync", Random(seed))
    with installed(asked.database) as (installation, postgresql):
        if asked.command == "flips":
            return _flips(installation, asked.times, Random(seed))
        if asked.command == "crash":
            if postgresql is None and asked.victim != "server":
                _say("an SQLite file is no process: only the server can be killed")
                return USAGE
            return _crash(installation, postgresql, asked, Random(seed))
        if asked.command == "hostile":
            return _hostile(installation)
        if asked.command == "timing":
            return _timing(installation, asked.calls)
        if asked.command == "rotate":
            return _rotate(installation, asked)
        return _history(installation, asked, seed)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.endurance", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    crashing = commands.add_parser("crash", help="kill -9 in the middle of writes, again and again")
    crashing.add_argument("--kills", type=int, default=500)
    crashing.add_argument("--most-writes", type=int, default=400, help="acknowledged between two kills")
    crashing.add_argument("--victim", choices=("server", "database", "both"), default="server")
    history = commands.add_parser("history", help="exempt, reverse, hold, revoke on a few shared accounts")
    history.add_argument("--operations", type=int, default=1_000_000)
    history.add_argument("--clients", type=int, default=32)
    history.add_argument("--servers", type=int, default=1)
    flipping = commands.add_parser("flips", help="flip single bits of what is stored, and verify")
    flipping.add_argument("--times", type=int, default=10_000)
    failing = commands.add_parser("failover", help="kill the primary of two PostgreSQL servers, and promote the other")
    failing.add_argument("--times", type=int, default=10)
    failing.add_argument("--mode", choices=("sync", "async"), default="sync")
    hostile_files = commands.add_parser("hostile", help="files that are large, broken or meant to do harm")
    timed = commands.add_parser("timing", help="whether the time of an answer tells what is there; never fails")
    timed.add_argument("--calls", type=int, default=2_000, help="of either side of a pair")
    rotating = commands.add_parser("rotate", help="every key is rotated while people come")
    rotating.add_argument("--persons", type=int, default=10_000)
    rotating.add_argument("--clients", type=int, default=2, help="at each server")
    rotating.add_argument("--servers", type=int, default=2)
    simulating = commands.add_parser("simulate", help="lives of a bank in memory, each from one seed")
    simulating.add_argument("--seeds", type=int, default=None, help="500, or the one that --seed names")
    simulating.add_argument("--steps", type=int, default=300)
    simulating.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    simulating.add_argument("--seed", type=int, default=None, help="the first, or the only one")
    for command in (crashing, history, flipping, failing, timed, rotating, hostile_files):
        command.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
        command.add_argument("--seed", type=int, default=None)
    return parser


def _simulate(asked: argparse.Namespace, first: int) -> int:
    seeds = asked.seeds or (SIMULATED if asked.seed is None else 1)
    _say(f"simulate, {seeds} seeds from {first} on")
    return _conclude(simulate.simulate(first, seeds, asked.steps, asked.processes, _say))


def _failover(times: int, is_synchronous: bool, chance: Random) -> int:
    with tempfile.TemporaryDirectory(prefix="creditbank-failover-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o755)
        with pair(directory, is_synchronous=is_synchronous) as both:
            migrate(both.url)
            installation = Installation(both.url, directory)
            silent = SILENT_SECONDS[is_synchronous]
            outcome = failover.fail_over(both, installation, times, chance, silent, lambda one: _say(str(one)))
    if is_synchronous:
        return _conclude([*outcome.lost, *outcome.doubled, *outcome.differences, *outcome.refused])
    # With an asynchronous standby something is lost that was published, and it has to be noticed.
    return _conclude([] if bool(outcome.lost) == bool(outcome.refused) else ["the loss was not noticed"])


def _flips(installation: Installation, times: int, chance: Random) -> int:
    engine = open_engine(installation.database_url)
    tally = flips.flip(flips.prepared(engine, installation.data_dir), times, chance, _counted)
    engine.dispose()
    for place, count in sorted(tally.flips.items()):
        _say(f"{count:6} {place}")
    _say(f"{sum(tally.flips.values())} bits flipped, {len(tally.missed)} not found")
    return _conclude(tally.missed)


def _counted(done: int) -> None:
    if done % 1_000 == 0:
        _say(f"{done} tried")


def _crash(installation: Installation, postgresql: PostgreSQL | None, asked: argparse.Namespace, chance: Random) -> int:
    def strike(process: Process) -> None:
        if asked.victim != "database":
            process.kill()
        if postgresql is not None and asked.victim != "server":
            postgresql.kill()
            postgresql.start()

    verdict = crash(
        installation,
        kills=asked.kills,
        most_writes=asked.most_writes,
        chance=chance,
        strike=strike,
        progress=_report,
    )
    _say(str(verdict))
    return _conclude([*verdict.refused, *verdict.lost, *verdict.doubled, *verdict.differences])


def _report(verdict: Verdict) -> None:
    if verdict.kills and verdict.kills % REPORT_EVERY == 0:
        _say(str(verdict))


def _history(installation: Installation, asked: argparse.Namespace, seed: int) -> int:
    """Rounds on new accounts each time, so that replaying an account stays quick."""
    found: list[str] = []
    done, slowest = 0, 0.0
    authority = bank.first_key(installation)
    engine = open_engine(installation.database_url)
    with ExitStack() as stack:
        addresses = [stack.enter_context(installation.serving()).address for _ in range(asked.servers)]
        caller = stack.enter_context(Caller(addresses[0]))
        keys = bank.prepare(caller, authority)
        while done < asked.operations:
            with Caller(addresses[0]) as fresh:
                shared = [Shared(*bank.shared_account(fresh, keys, CERTIFICATES)) for _ in range(ACCOUNTS)]
            operations = min(OPERATIONS_A_ROUND, asked.operations - done)
            outcomes = histories.work(
                addresses, keys, shared, clients=asked.clients, operations=operations, seed=seed + done
            )
            done, slowest = done + max(outcomes.operations, 1), max(slowest, outcomes.slowest)
            found += histories.anomalies(engine, shared, outcomes)
            found += [told for told in outcomes.told if "internal" in told or "unavailable" in told]
            _say(f"{done} operations, {len(found)} anomalies, slowest {slowest:.2f} s, {dict(outcomes.told)}")
    found += findings.against_history(engine)
    engine.dispose()
    return _conclude(found)


def _hostile(installation: Installation) -> int:
    """Each file by itself, on one server that has to live through all of them."""
    found: list[str] = []
    authority = bank.first_key(installation)
    with installation.serving() as process, Caller(process.address) as caller:
        keys = bank.prepare(caller, authority)
        for one in hostile.FILES:
            with tempfile.TemporaryDirectory(prefix="creditbank-hostile-") as directory:
                path = Path(directory) / one.name.replace(" ", "-")
                one.make(path)
                with hostile.watched(process.pid) as watch:
                    ended = hostile.send(process.address, keys.issuer, path)
            found += hostile.findings(one, ended, watch)
            told = ended.get("code") or (ended.get("problem") or {}).get("code") or f"{ended['accepted']} accepted"
            _say(f"{one.name}: {told}, {watch.most // hostile.MEGABYTE} MB at most")
    engine = open_engine(installation.database_url)
    found += findings.against_history(engine)
    engine.dispose()
    return _conclude(found)


def _timing(installation: Installation, calls: int) -> int:
    authority = bank.first_key(installation)
    unlimited = replace(installation, environment={"CREDITBANK_LOOKUPS_PER_MINUTE": "0"})
    with unlimited.serving() as process, Caller(process.address) as caller:
        keys = bank.prepare(caller, authority)
        asked = timing.pairs(caller, keys)
        _say(timing.HEADER)
        for one in timing.measured(asked, calls):
            _say(str(one))
    return 0


def _rotate(installation: Installation, asked: argparse.Namespace) -> int:
    processes = asked.servers if asked.database == "postgresql" else 1  # an SQLite file is served by one
    found, figures = rotate_under_a_crowd(
        installation.database_url,
        installation.data_dir,
        persons=asked.persons,
        processes=processes,
        threads=asked.clients,
    )
    for name, figure in figures.items():
        _say(f"{name}: {figure}")
    return _conclude(found)


def _conclude(found: list[str]) -> int:
    for finding in found:
        _say(f"  {finding}")
    return VIOLATION if found else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
