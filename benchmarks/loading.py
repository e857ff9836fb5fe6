"""Two ways to bring a province into a bank through its public API: files where the bank takes them, else batches."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event

import httpx

from benchmarks import bank
from benchmarks.load import Refused
from benchmarks.province import Province

CALLERS = 4
FILE_ROWS = 100_000  # the most that the API takes in one file
LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 3_600

Load = Callable[[str, Province], float]
"""Brings all learners in, given the bank's address; seconds from the first request to the last verdict."""


def best(address: str) -> tuple[str, Load]:
    """The way that this bank offers, and its name."""
    paths = httpx.get(f"{address}/openapi.json", timeout=60).raise_for_status().json()["paths"]
    return ("files", by_files) if "/v1/imports" in paths else ("batches", by_batches)


def by_batches(address: str, province: Province) -> float:
    """POST /v1/certificates:batch, a few callers at once."""

    def send(part: tuple[str, range]) -> None:
        issuer, learners = part
        with closing(bank.Bank(address, name=f"learners-{learners.start}")) as caller:
            body = bank.batch_of(province.awards(issuer, learners))
            bank.check_batch(caller.send("/v1/certificates:batch", province.issuers[issuer], body), len(learners))

    return _timed(send, province, bank.BATCH)


def by_files(address: str, province: Province) -> float:
    """POST /v1/imports as NDJSON, a few at once, each until its last row is answered."""

    def send(part: tuple[str, range]) -> None:
        issuer, learners = part
        key, lines = province.issuers[issuer], (bank.encode(one) for one in province.awards(issuer, learners))
        with closing(bank.Bank(address, name=f"learners-{learners.start}")) as caller:
            sent = caller.send("/v1/imports", key, b"\n".join(lines), media_type="application/x-ndjson")
            _await(caller, f"/v1/imports/{bank.read(sent)['import_id']}", key, len(learners))

    return _timed(send, province, FILE_ROWS)


def _timed(send: Callable[[tuple[str, range]], None], province: Province, most: int) -> float:
    started = time.perf_counter()
    with ThreadPoolExecutor(CALLERS) as callers:
        for _ in callers.map(send, province.files(most)):
            pass
    return time.perf_counter() - started


def _await(caller: bank.Bank, path: str, key: str, rows: int) -> None:
    """Raises Refused unless every row is accepted in the end."""
    glance, deadline = Event(), time.monotonic() + PATIENCE_SECONDS
    while (found := caller.get(path, key))["state"] in ("reading", "importing"):
        if time.monotonic() > deadline:
            raise Refused(f"still {found['state']} after {PATIENCE_SECONDS} s")
        glance.wait(LOOK_SECONDS)
    if (found["state"], found["accepted"]) != ("finished", rows):
        raise Refused(f"{found['accepted']} of {rows} rows accepted: {found}")
