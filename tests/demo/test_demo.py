"""`creditbank demo` from end to end: stopped in the middle, run to its end, and run once more."""

from __future__ import annotations

import json
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from creditbank.cli.demo import run
from creditbank.cli.outcome import Failed

ANY_PORT = 18_300


def started(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "creditbank", "demo", "--learners", "20", "--no-serve"]
    options = ["--port", str(ANY_PORT), "--data-dir", str(folder)]
    return subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def demo(folder: Path, *, reset: bool = False, database_url: str | None = None) -> None:
    run(
        learners=20,
        host="127.0.0.1",
        port=ANY_PORT,
        data_dir=folder,
        database_url=database_url,
        reset=reset,
        and_serve=False,
        as_json=True,
    )


def history(folder: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(folder / "creditbank.db") as database:
        rows = database.execute("SELECT partition_id, position, type FROM event ORDER BY 1, 2").fetchall()
    database.close()
    return rows


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("CREDITBANK_DATA_DIR", "CREDITBANK_DATABASE_URL"):
        monkeypatch.setenv(name, "")
    yield


def test_the_story_is_told_once_however_often_the_demo_is_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "demo-data"

    stopped = started(folder)
    assert stopped.stderr is not None
    assert stopped.stderr.readline() == "schools and organisations: 294\n"
    stopped.send_signal(signal.SIGINT)
    _, said = stopped.communicate(timeout=20)
    assert stopped.returncode == 0
    assert said.splitlines()[-1] == "stopped before all was loaded: the same command goes on from here"

    demo(folder)
    first, events = json.loads(capsys.readouterr().out), history(folder)
    demo(folder)
    assert json.loads(capsys.readouterr().out) == first
    assert history(folder) == events

    assert first["counts"] == {
        "schools": 220,
        "evaluation_organisations": 73,
        "certificate_standards": 36,
        "learners": 20,
        "certificates": 21,
        "exemptions": 1,
        "conversions": 1,
    }
    facts = {episode["name"]: episode["facts"] for episode in first["episodes"]}
    assert (facts["exemption"]["granted_total"], facts["exemption"]["refused"]) == ("6", ["CAP_PER_OUTCOME"])
    assert (facts["conversion"]["granted_total"], facts["conversion"]["refused"]) == (
        "6",
        ["SUPERSEDED_BY_HIGHER_LEVEL"],
    )
    assert facts["duplicate"]["code"] == "certificate_duplicate"
    assert facts["forgery"]["code"] == "number_contradicts_record"
    assert facts["revocation"]["shortfall"] == "8"
    assert [one["kind"] for one in facts["revocation"]["dependants"]] == ["exemption"]
    assert list(first["commands"]) == ["authority", "issuer", "institution", "learner", "auditor"]
    assert stat.S_IMODE((folder / "demo-keys.json").stat().st_mode) == 0o600


def test_a_directory_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "creditbank.db").write_text("a bank that is not the demo's")
    with pytest.raises(Failed, match="is not a directory of the demo"):
        demo(tmp_path, reset=True)
    assert (tmp_path / "creditbank.db").read_text() == "a bank that is not the demo's"


def test_a_reset_never_empties_a_database_that_was_named(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="empty that database yourself"):
        demo(tmp_path / "demo-data", reset=True, database_url=f"sqlite:///{tmp_path / 'named.db'}")
