"""The command line as a function: the same entry point, in this process, with the environment that a test names."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from creditbank.cli import main


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended: its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Result]


@dataclass(frozen=True, slots=True)
class Operator:
    """Runs commands on a database with a folder for its files, from wherever; for banks that tests begin with."""

    url: str
    folder: Path

    def run(self, *arguments: str) -> None:
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()), pytest.raises(SystemExit) as ended:
            _settle(patch, self.folder)
            patch.setenv("CREDITBANK_DATABASE_URL", self.url)
            patch.setattr(sys, "argv", ["creditbank", *arguments])
            main()
        assert not ended.value.code, arguments


def _settle(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setenv("CREDITBANK_DATA_DIR", str(folder / "data"))
    patch.setenv("CREDITBANK_ORIGIN", "bank.example/log")


@pytest.fixture
def creditbank(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Runs `creditbank ARGUMENTS`; its key files lie in `data` of the test's directory, and its log has a name."""
    monkeypatch.chdir(tmp_path)
    _settle(monkeypatch, tmp_path)

    def run(*arguments: str, url: str | None = None) -> Result:
        if url is not None:
            monkeypatch.setenv("CREDITBANK_DATABASE_URL", url)
        monkeypatch.setattr(sys, "argv", ["creditbank", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        written = capsys.readouterr()
        return Result(int(ended.value.code or 0), written.out, written.err)

    return run
