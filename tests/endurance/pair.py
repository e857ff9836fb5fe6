"""Two PostgreSQL servers, the second a standby of the first: killed, promoted, and made anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic
from urllib.parse import quote

import psycopg

from tests.endurance.node import START_SECONDS, Node


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
