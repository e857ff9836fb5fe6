"""The search for personal data and secrets in what the tests make the bank write can find something."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.personal import Watch

PROJECT = Path(__file__).resolve().parents[1]
PREAMBLE = """
import logging
from prometheus_client import Counter
from tests.personal import WATCH

WATCH.remember_persons({"holder": {"name": "王小明", "document": {"type": "LOCAL", "number": "hb-20260001"}}})
WATCH.remember_request({"authorization": "Bearer cb_0123456789_abcdefghijklmnop"}, b"")

def test_something():
"""
LEAKS = {
    "a record": 'logging.getLogger("asyncio").warning("opened for %s", "王小明")',
    "a record in escapes": r'logging.getLogger("a").warning("opened for \\u738b\\u5c0f\\u660e")',
    "a record in bytes": 'logging.getLogger("a").warning("%r", "王小明".encode())',
    "a traceback": """
        try:
            raise LookupError("HB-" + str(20260000 + 1))
        except LookupError:
            logging.getLogger("uvicorn.error").exception("failed")""",
    "a key": 'logging.getLogger("sqlalchemy").error("with cb_0123456789_abcdefghijklmnop")',
    "standard output": 'print("/v1/accounts?name=%E7%8E%8B%E5%B0%8F%E6%98%8E")',
    "metrics": 'Counter("found", "Found.", ["who"]).labels("HB-20260001").inc()',
}


def run(directory: Path, body: str, *options: str) -> subprocess.CompletedProcess[str]:
    """One small test, with the plugin."""
    (directory / "test_small.py").write_text(PREAMBLE + f"        {body}\n".replace("        ", "    ", 1))
    plugins = ["-p", "tests.leaks", "-p", "no:cacheprovider"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, *options, "test_small.py"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_a_leak_makes_the_run_fail_and_is_named(leak: str, tmp_path: Path) -> None:
    ended = run(tmp_path, leak.strip("\n") if "\n" not in leak else "if True:" + leak)
    assert "1 passed" in ended.stdout
    assert "personal data and secrets where none may be" in ended.stdout
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED


def test_a_leak_in_one_of_several_processes_is_heard_of(tmp_path: Path) -> None:
    ended = run(tmp_path, LEAKS["a record"], "-n", "2")
    assert "'王小明' in a record of the logger asyncio, while test_small.py::test_something" in ended.stdout
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED


def test_without_a_leak_the_run_passes(tmp_path: Path) -> None:
    ended = run(tmp_path, 'logging.getLogger("a").warning("opened for 王**, HB-2****01, key cb_0123456789")')
    assert (ended.returncode, ended.stderr) == (0, "")


def test_requests_tell_what_is_looked_for() -> None:
    watch = Watch()
    watch.remember_request({"cookie": "session=0123456789abcdefghij", "dpop": "x.y"}, b"[]")
    watch.remember_request(
        {"content-type": "application/json"},
        '{"items": [{"holder": {"name": "李四", "document": {"type": "CN-RIC", "number": "11010519491231002x"}}},'
        ' {"holder": {"name": "x", "document": {"type": "LOCAL", "number": "2026-01-01"}}}]}'.encode(),
    )
    form = b"grant_type=client_credentials&client_secret=abcdefghijklmnopqrstuvwxyz"
    watch.remember_request({"content-type": "application/x-www-form-urlencoded"}, form)
    watch.remember_request({"content-type": "application/json"}, b"{" * 100_000)
    assert watch.names == {"李四"}
    assert watch.numbers == {"11010519491231002x", "11010519491231002X"}
    assert watch.secrets == {"0123456789abcdefghij", "abcdefghijklmnopqrstuvwxyz"}
