"""`creditbank demo` from end to end: stopped in the middle, run to its end, and served once more."""

from __future__ import annotations

import html
import io
import json
import os
import re
import shlex
import signal
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

import httpx
import pytest

from creditbank.cli.demo import run
from creditbank.cli.outcome import Failed
from tests.cli.program import Program, started

ANY_PORT = 18_300


class Interrupted(io.StringIO):
    """A standard error on which somebody presses Ctrl-C as soon as the accreditations stand."""

    def write(self, text: str) -> int:
        if text.startswith("accreditations"):
            signal.raise_signal(signal.SIGINT)
        return super().write(text)


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Program, list[str]]]:
    """The command as it is typed, with what it has printed once it serves."""
    options = ["--learners", "20", "--port", str(ANY_PORT), "--data-dir", str(folder)]
    program = started(["demo", *options], os.environ)
    lines = list(takewhile(lambda line: not line.startswith("Serving on "), program.out))
    try:
        yield program, lines
    finally:
        program.close()


def pasted(line: str) -> httpx.Response:
    """What a curl of these few options would get."""
    words = iter(shlex.split(line)[2:])
    headers, body, url = {}, None, ""
    for word in words:
        if word == "-H":
            name, value = next(words).split(": ")
            headers[name] = value
        elif word == "-d":
            body = next(words).encode()
        else:
            url = word
    return httpx.request("GET" if body is None else "POST", url, headers=headers, content=body, trust_env=False)


def signed_in(name: str, link: str) -> dict[str, Any]:
    """Who one is having followed the link of the tour and chosen this person; signed out again at the end."""
    with httpx.Client(follow_redirects=True, trust_env=False, headers={"Accept": "text/html"}) as browser:
        choice = browser.get(link)
        assert "not for production / 仅供演示" in choice.text
        [chosen] = [
            html.unescape(href) for href in re.findall(r'href="([^"]+)"', choice.text) if f"person={name}" in href
        ]
        landed = browser.get(choice.url.join(chosen))
        assert (landed.url.path, landed.status_code) == ("/", 200)
        me: dict[str, Any] = browser.get(landed.url.join("/v1/session")).json()
        assert browser.post(landed.url.join("/logout")).status_code == 403, "it does not say where it came from"
        left = browser.post(landed.url.join("/logout"), headers={"Sec-Fetch-Site": "same-origin"})
        assert left.status_code == 200
        assert browser.get(landed.url.join("/v1/session")).status_code == 401
    return me


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
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATA_DIR", "DATABASE_URL", "OIDC_ISSUER", "OIDC_CLIENT_ID", "PUBLIC_URL"):
        monkeypatch.setenv(f"CREDITBANK_{name}", "")
    monkeypatch.delenv("CREDITBANK_PUBLIC_URL")


def test_stopped_and_started_again_the_demo_tells_its_story_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "demo-data"

    with monkeypatch.context() as stopped:
        stopped.setattr(sys, "stderr", Interrupted())
        demo(folder)
        said = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert said.splitlines()[-1] == "stopped before all was loaded: the same command goes on from here"
    assert capsys.readouterr().out == ""

    demo(folder)
    first, events = json.loads(capsys.readouterr().out), history(folder)
    with serving(folder) as (program, lines):
        assert history(folder) == events
        commands = [line for line in lines if line.startswith("  curl ")]
        answers = [pasted(command) for command in commands]
        assert [answer.status_code for answer in answers] == [200, 201, 200, 200, 200]
        assert [one["target"] for one in answers[2].json()["granted"]] == ["C3"]
        assert pasted(commands[1]).headers["Idempotency-Replayed"] == "true"
        logins = [line.split() for line in lines if "/login?login_hint=" in line]
        assert [name for name, _ in logins] == ["learner", "registrar", "clerk", "officer", "auditor"]
        shown = [signed_in(name, link) for name, link in logins]
        assert [one["role"] for one in shown] == ["learner", "institution", "issuer", "authority", "auditor"]
        assert shown[0]["account_id"] in commands[3], "the learner is the one of the tour"
        program.send(signal.SIGTERM)
        assert program.ended()[0] == 0

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
    assert [line.strip() for line in commands] == list(first["commands"].values())
    assert stat.S_IMODE((folder / "demo-keys.json").stat().st_mode) == 0o600


def test_a_directory_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "creditbank.db").write_text("a bank that is not the demo's")
    with pytest.raises(Failed, match="is not a directory of the demo"):
        demo(tmp_path, reset=True)
    assert (tmp_path / "creditbank.db").read_text() == "a bank that is not the demo's"


def test_a_demo_that_others_can_reach_wants_a_word_for_it(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="could sign in as anybody"):
        run(
            learners=1,
            host="0.0.0.0",
            port=ANY_PORT,
            data_dir=tmp_path / "demo-data",
            database_url=None,
            reset=False,
            and_serve=False,
            as_json=True,
        )


def test_a_reset_never_empties_a_database_that_was_named(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="empty that database yourself"):
        demo(tmp_path / "demo-data", reset=True, database_url=f"sqlite:///{tmp_path / 'named.db'}")
