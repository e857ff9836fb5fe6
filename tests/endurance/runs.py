"""What each command runs, on a database of its own where it names one: the findings, of which there must be none."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from random import Random
from time import monotonic

from creditbank.ledger.database import open_engine
from tests.commands.rotating import rotate_under_a_crowd
from tests.database import migrate
from tests.endurance import failover, flips, hostile, races, simulate, timing
from tests.endurance.databases import installed
from tests.endurance.pair import pair
from tests.endurance.told import say
from tests.processes import bank, clocks, findings, histories
from tests.processes.calls import Caller
from tests.processes.crash import Verdict, crash
from tests.processes.histories import Shared
from tests.processes.jumps import jump
from tests.processes.losses import lose_answers
from tests.processes.publishers import contest
from tests.processes.server import Installation, Process

REPORT_EVERY = 10
ACCOUNTS, CERTIFICATES = 8, 6
OPERATIONS_A_ROUND = 2_000
SILENT_SECONDS = {True: 0.4, False: 3.0}
"""How long the link is silent: with an asynchronous standby, until a checkpoint covers what will be lost."""


def killed(asked: argparse.Namespace, chance: Random) -> list[str]:
    with installed(asked.database) as (installation, node):
        if node is None and asked.victim != "server":
            raise SystemExit("an SQLite file is no process: only the server can be killed")

        def strike(process: Process) -> None:
            if asked.victim != "database":
                process.kill()
            if node is not None and asked.victim != "server":
                node.kill()
                node.start()

        verdict = crash(
            installation,
            kills=asked.kills,
            most_writes=asked.most_writes,
            chance=chance,
            strike=strike,
            progress=report,
        )
    say(str(verdict))
    return verdict.findings


def report(verdict: Verdict) -> None:
    """Every so many kills."""
    if verdict.kills and verdict.kills % REPORT_EVERY == 0:
        say(str(verdict))


def unanswered(asked: argparse.Namespace, chance: Random) -> list[str]:
    with installed(asked.database) as (installation, _):
        verdict = lose_answers(
            installation, times=asked.times, chance=chance, progress=lambda lost: say(f"{lost} answers lost")
        )
    say(f"{verdict.unknown} answers lost, {verdict.acknowledged} writes, {len(verdict.findings)} findings")
    return verdict.findings


def failed_over(asked: argparse.Namespace, chance: Random) -> list[str]:
    is_synchronous = asked.mode == "sync"
    with tempfile.TemporaryDirectory(prefix="creditbank-failover-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o755)
        with pair(directory, is_synchronous=is_synchronous) as both:
            migrate(both.url)
            installation = Installation(both.url, directory)
            silent = SILENT_SECONDS[is_synchronous]
            outcome = failover.fail_over(both, installation, asked.times, chance, silent, lambda one: say(str(one)))
    if is_synchronous:
        return [*outcome.lost, *outcome.doubled, *outcome.differences, *outcome.refused]
    # With an asynchronous standby something is lost that was published, and it has to be noticed.
    return [] if bool(outcome.lost) == bool(outcome.refused) else ["the loss was not noticed"]


def flipped(asked: argparse.Namespace, chance: Random) -> list[str]:
    with installed(asked.database) as (installation, _):
        engine = open_engine(installation.database_url)
        tally = flips.flip(flips.prepared(engine, installation.data_dir), asked.times, chance, _counted)
        engine.dispose()
    for place, count in sorted(tally.flips.items()):
        say(f"{count:6} {place}")
    say(f"{sum(tally.flips.values())} bits flipped, {len(tally.missed)} not found")
    return tally.missed


def _counted(done: int) -> None:
    if done % 1_000 == 0:
        say(f"{done} flipped")


def contested(asked: argparse.Namespace, chance: Random) -> list[str]:
    """Rounds on new accounts each time, so that replaying an account stays quick, and nothing is kept of a round."""
    found: list[str] = []
    done, slowest, deadline = 0, 0.0, monotonic() + asked.minutes * 60
    with ExitStack() as stack:
        installation, _ = stack.enter_context(installed(asked.database))
        authority, engine = bank.first_key(installation), open_engine(installation.database_url)
        addresses = [stack.enter_context(installation.serving()).address for _ in range(asked.servers)]
        with Caller(addresses[0]) as caller:
            keys = bank.prepare(caller, authority)
        while done < asked.operations and monotonic() < deadline:
            with Caller(addresses[0]) as fresh:
                shared = [Shared(*bank.shared_account(fresh, keys, CERTIFICATES)) for _ in range(ACCOUNTS)]
            operations = min(OPERATIONS_A_ROUND, asked.operations - done)
            outcomes = histories.work(
                addresses, keys, shared, clients=asked.clients, operations=operations, seed=chance.randrange(2**32)
            )
            done, slowest = done + max(outcomes.operations, 1), max(slowest, outcomes.slowest)
            found += histories.anomalies(engine, shared, outcomes)
            found += [told for told in outcomes.told if "internal" in told or "unavailable" in told]
            say(f"{done} operations, {len(found)} anomalies, slowest {slowest:.2f} s, {dict(outcomes.told)}")
        found += findings.against_history(engine)
        engine.dispose()
    return found


def raced(asked: argparse.Namespace, chance: Random) -> list[str]:
    def told(tally: races.Tally) -> None:
        if tally.races.total() % 100 == 0:
            say(f"{tally.races.total()} races, {len(tally.findings)} without one winner")

    with installed(asked.database) as (installation, _):
        servers = asked.servers if asked.database == "postgresql" else 1  # an SQLite file is served by one
        tally = races.race(
            installation, times=asked.times, servers=servers, minutes=asked.minutes, chance=chance, progress=told
        )
    say(f"{dict(tally.races)}, {tally.requests} requests, {len(tally.findings)} findings")
    return tally.findings


def published(asked: argparse.Namespace, chance: Random) -> list[str]:
    with installed("postgresql") as (installation, _):
        ended = contest(installation, stops=asked.stops, seconds=asked.seconds, chance=chance)
    say(f"{ended.stops} stops, {ended.signed} checkpoints signed by each, {ended.seen} sizes seen")
    return ended.findings


def jumped(asked: argparse.Namespace, chance: Random) -> list[str]:
    if clocks.libfaketime() is None:
        raise SystemExit("the clock cannot be set here: libfaketime is not installed (Debian calls it faketime)")
    with installed(asked.database) as (installation, _):
        verdict = jump(installation, rounds=asked.rounds, progress=lambda one: say(_jumps(one)))
    say(_jumps(verdict))
    return verdict.findings


def _jumps(verdict: Verdict) -> str:
    return f"{verdict.kills} jumps, {verdict.acknowledged} writes of others, {len(verdict.findings)} findings"


def overfed(asked: argparse.Namespace, chance: Random) -> list[str]:
    """Each file by itself, on one server that has to live through all of them."""
    found: list[str] = []
    with installed(asked.database) as (installation, _):
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
                say(f"{one.name}: {told}, {watch.most // hostile.MEGABYTE} MB at most")
        engine = open_engine(installation.database_url)
        found += findings.against_history(engine)
        engine.dispose()
    return found


def timed(asked: argparse.Namespace, chance: Random) -> list[str]:
    """What is measured is told; it never fails."""
    with installed(asked.database) as (installation, _):
        authority = bank.first_key(installation)
        unlimited = replace(installation, environment={"CREDITBANK_LOOKUPS_PER_MINUTE": "0"})
        with unlimited.serving() as process, Caller(process.address) as caller:
            keys = bank.prepare(caller, authority)
            pairs = timing.pairs(caller, keys)
            say(timing.HEADER)
            for one in timing.measured(pairs, asked.calls):
                say(str(one))
    return []


def rotated(asked: argparse.Namespace, chance: Random) -> list[str]:
    processes = asked.servers if asked.database == "postgresql" else 1  # an SQLite file is served by one
    with installed(asked.database) as (installation, _):
        found, figures = rotate_under_a_crowd(
            installation.database_url,
            installation.data_dir,
            persons=asked.persons,
            processes=processes,
            threads=asked.clients,
        )
    for name, figure in figures.items():
        say(f"{name}: {figure}")
    return found


def simulated(asked: argparse.Namespace, chance: Random) -> list[str]:
    first = chance.randrange(2**32) if asked.seed is None else asked.seed
    say(f"from seed {first} on")
    return simulate.simulate(first, asked.seeds, asked.steps, asked.processes, say)
