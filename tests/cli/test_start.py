"""The command line as a program: it starts fast, and what is expected to fail fails in one sentence."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.conftest import Command


def test_help_comes_without_loading_the_bank() -> None:
    loaded = (
        "import sys, runpy, atexit\n"
        "atexit.register(lambda: print({'fastapi', 'sqlalchemy', 'pydantic', 'uvicorn'} & set(sys.modules)))\n"
        "sys.argv = ['creditbank', '--help']\n"
        "runpy.run_module('creditbank', run_name='__main__')\n"
    )
    ended = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert "serve" in ended.stdout
    assert ended.stdout.endswith("set()\n")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DATABASE_URL", "postgresql://127.0.0.1:1/bank", "the database cannot be reached: "),
        ("DATABASE_URL", "sqlite:///missing/bank.db", "the database cannot be reached: unable to open database file"),
        ("DATABASE_URL", "mysql://127.0.0.1/bank", "the setting CREDITBANK_DATABASE_URL cannot be used: "),
        ("DATABASE_URL", "nonsense", "the setting CREDITBANK_DATABASE_URL cannot be used: "),
        ("TIMEZONE", "Mars/Olympus", "the setting CREDITBANK_TIMEZONE cannot be used: "),
        ("PUBLIC_URL", "bank.example", "the setting CREDITBANK_PUBLIC_URL cannot be used: "),
        ("PUBLIC_URL", "https://bank.example/?page=1", "the setting CREDITBANK_PUBLIC_URL cannot be used: "),
        ("VERIFY_PER_MINUTE", "0", "the setting CREDITBANK_VERIFY_PER_MINUTE cannot be used: "),
    ],
)
def test_what_is_wrong_with_the_environment_is_one_sentence(
    name: str, value: str, sentence: str, creditbank: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"CREDITBANK_{name}", value)
    ended = creditbank("keys", "list")
    assert ended.code == 1
    assert ended.err.startswith(sentence)
    assert ended.err.count("\n") == 1
    assert ended.out == ""


def test_a_wrong_option_is_a_matter_of_usage(creditbank: Command) -> None:
    assert creditbank("serve", "--port", "99999").code == 2
    assert creditbank("openapi", "--output", "a", "--check", "a").code == 2
    assert creditbank("replay").code == 2
    assert creditbank("replay", "--all", "--version", "1").code == 2
    assert creditbank("replay", "--account", "6f1de3c8-6d0a-5f3e-9d43-3a3c2f0c7b11", "--at", "today").code == 2
