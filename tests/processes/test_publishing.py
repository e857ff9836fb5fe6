"""On SQLite a process beside the server publishes: it comes and goes with the server, and again when it was killed."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from threading import Event
from time import monotonic

import pytest

from creditbank.audit.publishing import PublishingProcess
from creditbank.audit.transparency import notes
from creditbank.audit.transparency.checkpoints import checkpoint_of
from tests.processes.bank import first_key, prepare
from tests.processes.calls import Caller
from tests.processes.server import PUBLISHING, Installation

PATIENCE = 60.0
_GLANCE = 0.02


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
    with open(handle, "rb") as process, DefaultSelector() as selector:  # noqa: PTH123 -- it is open already
        selector.register(process, EVENT_READ)
        assert selector.select(PATIENCE), "its end can be read"


def test_a_publisher_that_is_killed_is_started_again(installation: Installation) -> None:
    with installation.serving() as server:
        (first,) = server.children()
        os.kill(first, signal.SIGKILL)
        _until(lambda: server.children() not in ([], [first]))
    assert re.search("the publisher was ended by signal 9, and is started again", installation.log.read_text())


def test_one_that_cannot_publish_says_so_and_is_left_alone(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    nowhere = {"CREDITBANK_DATABASE_URL": f"sqlite:///{tmp_path / 'nowhere' / 'bank.db'}"}
    one = PublishingProcess(nowhere)
    with os.fdopen(os.pidfd_open(one.pid), "rb") as process, DefaultSelector() as selector:
        selector.register(process, EVENT_READ)
        assert selector.select(PATIENCE)
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
