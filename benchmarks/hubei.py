"""S12, Hubei in a box: a province is loaded through the public API, asked about, and replayed in full.

Its pace is set against the best loop of the stock library over the same rows, extrapolated from 20,000: find the
account of each row or open one, award, save 500 accounts at once.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks import apart, auditing, bank, load, loading, people, province, server
from benchmarks.measure import Bound, Result, Round, Sample, Target
from benchmarks.peers import library
from benchmarks.province import Province
from benchmarks.running import running
from benchmarks.settings import Database, Settings

NAME = "S12"
TARGET = Target(Bound.AT_LEAST, 5.0, 10.0)
LEARNERS = 1_000_000  # in a full run
PEER_LEARNERS = 20_000
ASKED = 2_000  # learners whose balance and eligibility are asked for
CONNECTIONS = 16
LOOK_SECONDS = 0.5
MEGABYTE = 1024 * 1024

Told = list[tuple[str, str]]
"""What was done, and how fast."""


def run(settings: Settings) -> list[Result]:
    return [_run(settings, database) for database in settings.among(Database.POSTGRESQL)]


def _run(settings: Settings, database: Database) -> Result:
    learners = settings.learners or settings.stored(LEARNERS)
    told: Told = []
    with (
        running(settings, database) as one,
        _watched(one.serving) as peak,
    ):
        started = time.perf_counter()
        hubei = province.founded(one.caller, one.authority, learners)
        told.append((f"{len(hubei.issuers)} organisations, {len(hubei.schools)} schools", _seconds(started)))
        way, bring = loading.best(one.serving.address)
        seconds = bring(one.serving.address, hubei)
        told.append((f"{learners:,} learners, a certificate each, by {way}", f"{learners / seconds:,.0f}/s"))
        told += _asked(one.serving, one.caller, one.authority, hubei)
        replayed = apart.measured(auditing.replayed, one.url)
        told.append((f"full replay of {replayed.details['events']:,.0f} events", f"{replayed.figure:,.0f}/s"))
        told += [
            ("the server's memory at its peak", f"{max(peak):,.0f} MB"),
            ("the replay's", f"{replayed.details['peak_mb']:,.0f} MB"),
            ("the database on its disk", f"{_database_bytes(one.url) / MEGABYTE:,.0f} MB"),
        ]
        awards = list(people.awards(0, min(PEER_LEARNERS, learners)))
        peer = library.recorded(one.store.create("library"), awards, people.CREDITS)
        told.append((f"the stock library's loop, from {len(awards):,}", f"{peer:,.0f}/s"))
        _print(told)
        return Result(
            benchmark=NAME,
            title=f"load a province of {learners:,} learners by {way}",
            database=database,
            unit="learners/s",
            peer=f"the stock library's best loop over the same rows, extrapolated from {len(awards):,}",
            target=TARGET,
            rounds=(Round(Sample(learners / seconds, {"server_peak_mb": max(peak)}), Sample(peer)),),
            setup={**one.store.setup, **dict(told)},
        )


def _asked(serving: server.Server, caller: bank.Bank, authority: str, hubei: Province) -> Told:
    """Balances and eligibilities of learners from everywhere in the province; raises Refused on any other answer."""
    chosen = range(0, hubei.learners, max(hubei.learners // ASKED, 1))
    accounts = {learner: _found(caller, hubei, learner) for learner in chosen}
    balances = [
        load.encode("GET", f"/v1/accounts/{account}/balance", headers=bank.bearer(authority))
        for account in accounts.values()
    ]
    questions = [_question(hubei, learner, account) for learner, account in accounts.items()]
    told = []
    with load.client() as client:
        for what, requests in (("balances", balances), ("eligibilities", questions)):
            seen = client.drive(serving.port, requests, connections=CONNECTIONS)
            told.append((f"{seen.requests:,} {what}", f"{seen.rate:,.0f}/s, p99 {seen.p99:.0f} ms"))
    return told


def _found(caller: bank.Bank, hubei: Province, learner: int) -> str:
    """The account of a learner, looked up by a school, which may deal with it from then on."""
    body = {"document": people.holder(learner)["document"]}
    answer = caller.post("/v1/accounts/lookup", hubei.schools[hubei.school_of(learner)], body)
    account_id: str = answer["account_id"]
    return account_id


def _question(hubei: Province, learner: int, account_id: str) -> bytes:
    school = hubei.school_of(learner)
    body = {"account_id": account_id, "programme": {"institution": school, "code": "P-2026"}}
    return load.encode("POST", "/v1/eligibility", body=body, headers=bank.bearer(hubei.schools[school]))


@contextmanager
def _watched(serving: server.Server) -> Iterator[list[float]]:
    """The server's memory, looked at now and then, in megabytes."""
    seen, over = [serving.memory_megabytes()], threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            seen.append(serving.memory_megabytes())

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield seen
    finally:
        over.set()
        looking.join()


def _database_bytes(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])


def _seconds(started: float) -> str:
    return f"{time.perf_counter() - started:,.1f} s"


def _print(told: Told) -> None:
    table = Table(title=f"Hubei in a box, {os.cpu_count()} cores", box=box.SIMPLE_HEAD, show_header=False)
    for row in told:
        table.add_row(*row)
    Console().print(table)
