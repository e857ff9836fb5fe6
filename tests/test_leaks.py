"""The search for personal data and secrets in what the tests make the bank write can find something."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
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
"""
LEAKS = {
    "a_record": ('logging.getLogger("asyncio").warning("opened for %s", "王小明")', "a record of the logger asyncio"),
    "a_record_in_escapes": (
        r'logging.getLogger("escapes").warning("opened for \\u738b\\u5c0f\\u660e")',
        "a record of the logger escapes",
    ),
    "a_record_in_bytes": (
        'logging.getLogger("bytes").warning("%r", "王小明".encode())',
        "a record of the logger bytes",
    ),
    "a_traceback": (
        """try:
        raise LookupError("HB-" + str(20260000 + 1))
    except LookupError:
        logging.getLogger("uvicorn.error").exception("failed")""",
        "a record of the logger uvicorn.error",
    ),
    "a_key": (
        'logging.getLogger("sqlalchemy").error("with cb_0123456789_abcdefghijklmnop")',
        "a record of the logger sqlalchemy",
    ),
    "standard_output": (
        'print("/v1/accounts?name=%E7%8E%8B%E5%B0%8F%E6%98%8E")',
        "Captured stdout call of test_small.py::test_standard_output",
    ),
    "metrics": ('Counter("found", "Found.", ["who"]).labels("HB-20260001").inc()', "the metrics"),
}
"""What a test does, and where that is found."""


def run(directory: Path, bodies: Mapping[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    """Small tests by these names, with the plugin."""
    tests = [f"def test_{name}():\n    {body}\n" for name, body in bodies.items()]
    (directory / "test_small.py").write_text("\n".join([PREAMBLE, *tests]))
    plugins = ["-p", "tests.leaks", "-p", "no:cacheprovider"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, *options, "test_small.py"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """A run in which everything leaks."""
    return run(tmp_path_factory.mktemp("leaking"), {name: body for name, (body, _) in LEAKS.items()})


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_is_named_by_its_place_and_its_test(leaking: subprocess.CompletedProcess[str], leak: str) -> None:
    _, _, told = leaking.stdout.partition("personal data and secrets where none may be")
    meanwhile = "no test" if leak == "metrics" else f"test_small.py::test_{leak} (call)"
    assert f" in {LEAKS[leak][1]}, while {meanwhile} ran\n" in told, told


def test_leaks_make_a_run_fail_whose_tests_all_pass(leaking: subprocess.CompletedProcess[str]) -> None:
    assert f"{len(LEAKS)} passed" in leaking.stdout
    assert leaking.returncode == pytest.ExitCode.TESTS_FAILED


def test_one_leak_in_another_process_is_heard_of_and_makes_the_run_fail(tmp_path: Path) -> None:
    ended = run(tmp_path, {"something": LEAKS["a_record"][0]}, "-p", "xdist", "-n", "1")
    assert "'王小明' in a record of the logger asyncio, while test_small.py::test_something" in ended.stdout
    assert "1 passed" in ended.stdout
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED


def test_without_a_leak_the_run_passes(tmp_path: Path) -> None:
    harmless = 'logging.getLogger("a").warning("opened for 王**, HB-2****01, key cb_0123456789")'
    ended = run(tmp_path, {"something": harmless})
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
