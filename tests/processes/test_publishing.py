"""On SQLite a process beside the server publishes: it comes and goes with the server, and again when it was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

from creditbank.audit.publishing import PublishingProcess
from creditbank.audit.transparency import notes
from creditbank.audit.transparency.checkpoints import checkpoint_of
from tests.processes.bank import first_key, prepare
from tests.processes.calls import Caller
from tests.processes.server import PUBLISHING, Installation
from tests.processes.warm import has_ended

PATIENCE = 60.0
_GLANCE = 0.02
CLOSED = "import os, sys; os.close(0); os.execv(sys.executable, [sys.executable, '-m', 'creditbank', *sys.argv[1:]])"
"""Begins `creditbank` without any standard input."""


@pytest.fixture
def installation(sqlite_url: str, tmp_path: Path) -> Installation:
    return Installation(sqlite_url, tmp_path, PUBLISHING)


def test_what_is_written_is_published_and_the_publisher_ends_with_a_server_that_is_killed(
    installation: Installation,
) -> None:
    authority = first_key(installation)
    with installation.serving() as server, Caller(server.address) as caller:
        prepare(caller, authority)
        _until(lambda: _published(installation) > 1)
        (publisher,) = server.children()
        handle = os.pidfd_open(publisher)
        server.kill()
    assert has_ended(handle, PATIENCE)
    os.close(handle)


def test_a_publisher_that_is_killed_is_started_again(installation: Installation) -> None:
    with installation.serving() as server:
        (first,) = server.children()
        os.kill(first, signal.SIGKILL)
        _until(lambda: server.children() not in ([], [first]))
    assert "the publisher was ended by signal 9, and is started again" in installation.log.read_text()


@pytest.mark.parametrize("given", [subprocess.DEVNULL, None], ids=["at its end", "closed"])
def test_one_whose_input_is_over_ends(sqlite_url: str, tmp_path: Path, given: int | None) -> None:
    named = Installation(sqlite_url, tmp_path, {"CREDITBANK_ORIGIN": "bank.example/log"}).named()
    words = [sys.executable, "-c", CLOSED] if given is None else [sys.executable, "-m", "creditbank"]
    ended = subprocess.run(
        [*words, "publish", "--until-input-ends"], stdin=given, env=named, capture_output=True, timeout=PATIENCE
    )
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_one_that_cannot_publish_says_so_and_is_left_alone(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    nowhere = {"CREDITBANK_DATABASE_URL": f"sqlite:///{tmp_path / 'nowhere' / 'bank.db'}"}
    one = PublishingProcess(nowhere)
    _until(lambda: "publishing has stopped: the publisher ended with code 1" in caplog.text)
    one.close()


def test_a_closed_one_has_ended(sqlite_url: str, tmp_path: Path) -> None:
    one = PublishingProcess({"CREDITBANK_DATABASE_URL": sqlite_url, "CREDITBANK_DATA_DIR": str(tmp_path)})
    one.close()
    with pytest.raises(ProcessLookupError):
        os.kill(one.pid, 0)


def _published(installation: Installation) -> int:
    """How many leaves the published checkpoint has."""
    with suppress(FileNotFoundError):
        note = (installation.data_dir / "log" / "checkpoint").read_text()
        return checkpoint_of(notes.parse(note).text).size
    return 0


def _until(holds: Callable[[], bool]) -> None:
    glance, began = Event(), monotonic()
    while not holds():
        assert monotonic() < began + PATIENCE
        glance.wait(_GLANCE)
