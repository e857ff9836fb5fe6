"""SQLite in memory: one database for any number of connections, copied from an image and into one."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from itertools import count
from typing import Any

from sqlalchemy import Dialect, Engine

from creditbank.ledger.database import open_engine

_NUMBERS = count()
_DIALECTS: dict[str, Dialect] = {}
_STATEMENTS: dict[Any, Any] = {}


class Database:
    """Lives until it is closed, whatever becomes of the connections to it."""

    def __init__(self, image: bytes | None = None) -> None:
        self._file = f"file:/simulated-{os.getpid()}-{next(_NUMBERS)}?vfs=memdb"
        self._keeper = sqlite3.connect(self._file, uri=True)
        if image is not None:
            with closing(sqlite3.connect(":memory:")) as source:
                source.deserialize(image)
                source.backup(self._keeper)

    def engine(self) -> Engine:
        """The engine of one process."""
        engine = open_engine(f"sqlite:///{self._file}&uri=true")
        # To make statements ready takes longer than to carry them out: it is done once for all engines.
        engine.dialect = _DIALECTS.setdefault(engine.dialect.name, engine.dialect)
        engine.update_execution_options(compiled_cache=_STATEMENTS)
        return engine

    def image(self) -> bytes:
        """All that is committed: a backup."""
        with closing(sqlite3.connect(":memory:")) as target:
            self._keeper.backup(target)
            return bytes(target.serialize())

    def close(self) -> None:
        self._keeper.close()
