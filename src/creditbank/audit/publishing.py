"""Publishing round by round, and the process that does so beside a server."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from threading import Event, Lock, Thread

from sqlalchemy.exc import DBAPIError, TimeoutError

from creditbank.audit.publisher import ROUND_LIMIT, Publisher
from creditbank.audit.transparency.checkpoints import Checkpoint

PERIOD_SECONDS = 1.0
_END_SECONDS = 2.0

_logger = logging.getLogger("creditbank.publisher")


def follow(publisher: Publisher, stopping: Event, told: Callable[[Checkpoint], None]) -> None:
    """Publish whatever comes, once a second, until told to stop. Raises Forked, after which nothing may be signed.

    While there is more than a round may hold, one follows the other.
    """
    is_open, size = False, 0
    while not stopping.is_set():
        try:
            if not is_open:
                publisher.open()
                is_open = True
            head = publisher.publish()
        except (DBAPIError, TimeoutError, OSError) as error:
            _logger.warning("publishing waits: %s", type(error).__name__)  # the database or the disk will be back
            head = None
        if head is not None:
            told(head)
        if head is None or head.size < size + ROUND_LIMIT:
            stopping.wait(PERIOD_SECONDS)
        if head is not None:
            size = head.size


class PublishingProcess:
    """`creditbank publish` beside a server, in a process of its own: hashing events would keep requests waiting.

    It ends when the server does, in whatever way, since nobody holds the other end of its standard input any more.
    One that was killed is started again; one that has ended by itself has said why.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        """`settings` are what the environment of the process says besides that of this one."""
        self._environment = {**os.environ, **settings}
        self._stopping = Event()
        self._lock = Lock()
        self._process = self._start()
        self._thread = Thread(target=self._watch, name="publisher", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def close(self) -> None:
        """End it. What it was in the middle of is done again by the next one."""
        self._stopping.set()
        with self._lock:
            process = self._process
            assert process.stdin is not None
            process.stdin.close()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
        self._thread.join()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "creditbank", "publish", "--until-input-ends"],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )

    def _watch(self) -> None:
        while (code := self._process.wait()) < 0:
            self._stopping.wait(PERIOD_SECONDS)
            with self._lock:
                if self._stopping.is_set():
                    return
                _logger.error("the publisher was ended by signal %s, and is started again", -code)
                self._process = self._start()
        if not self._stopping.is_set():
            # Writes go on; whoever runs the bank must look before anything is signed again.
            _logger.error("publishing has stopped: the publisher ended with code %s", code)
