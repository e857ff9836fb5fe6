"""Databases of their own for long runs, durable as in production; a PostgreSQL among them can be killed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.database import migrate
from tests.endurance.node import Node
from tests.processes.server import Installation


@contextmanager
def installed(database: str) -> Iterator[tuple[Installation, Node | None]]:
    """A migrated database in a directory that is gone at the end; the server behind it, where it has one."""
    with tempfile.TemporaryDirectory(prefix="creditbank-endurance-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        if database == "sqlite":
            url = f"sqlite:///{directory / 'bank.db'}"
            migrate(url)
            yield Installation(url, directory), None
            return
        directory.chmod(0o755)
        node = Node(directory / "postgresql")
        try:
            node.initialise()
            migrate(node.url)
            yield Installation(node.url, directory), node
        finally:
            node.stop()
