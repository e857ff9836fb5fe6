"""Publishing round by round, in a thread beside the server or as a process of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread

from sqlalchemy.exc import DBAPIError, TimeoutError

from creditbank.audit.publisher import Publisher
from creditbank.audit.transparency.checkpoints import Checkpoint
from creditbank.audit.transparency.shelf import Forked

PERIOD_SECONDS = 1.0

_logger = logging.getLogger("creditbank.publisher")


def follow(publisher: Publisher, stopping: Event, told: Callable[[Checkpoint], None]) -> None:
    """Publish whatever comes, once a second, until told to stop. Raises Forked, after which nothing may be signed."""
    is_open = False
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
        stopping.wait(PERIOD_SECONDS)


class PublishingThread:
    """Publishes beside a server, where one process does everything."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._publisher.stop()
        self._thread.join()

    def _run(self) -> None:
        try:
            follow(self._publisher, self._stopping, lambda _: None)
        except Forked as fork:
            # Writes go on; whoever runs the bank must look before anything is signed again.
            _logger.error("publishing has stopped: %s", fork)
