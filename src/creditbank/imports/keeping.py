"""How long files are kept: until some days after the end of their imports, and waiting ones no longer than that."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from creditbank.commands.bank import Bank
from creditbank.commands.desk import Desk, Request
from creditbank.commands.jobs import ACTOR
from creditbank.imports.intake import LapseImport
from creditbank.imports.task import Folder
from creditbank.ledger import imports

PURGE_SECONDS = 3_600.0
ORPHAN_SECONDS = 3_600
MICROSECONDS = 1_000_000
DAY_MICROSECONDS = 86_400 * MICROSECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """For how many days files are kept, and how many of one organisation at once."""

    days: int
    files: int

    @property
    def microseconds(self) -> int:
        return self.days * DAY_MICROSECONDS


@dataclass(frozen=True, slots=True)
class Keeper:
    """Lets go of files whose time is over: they hold personal data in clear."""

    bank: Bank
    desk: Desk
    directory: Path
    keeping: Keeping

    def purge(self) -> None:
        """Cancel imports that nobody has started for some days, and delete what ended some days ago."""
        now = self.bank.clock()
        self._lapse(now - self.keeping.microseconds)
        folders = {UUID(path.name): path for path in self.directory.iterdir() if _is_old_folder(path, now)}
        with self.bank.engine.connect() as connection, connection.begin():
            over = imports.finished_before(connection, list(folders), now - self.keeping.microseconds)
        for import_id in over:
            shutil.rmtree(folders[import_id], ignore_errors=True)

    def _lapse(self, before: int) -> None:
        with self.bank.engine.connect() as connection, connection.begin():
            waiting = imports.waiting_before(connection, before)
        for import_id in waiting:
            self.desk.call(Request(command=LapseImport(import_id=import_id), actor=ACTOR))
            shutil.rmtree(Folder.of(self.directory, import_id).path, ignore_errors=True)


def _is_old_folder(path: Path, now: int) -> bool:
    """Whether it may be a file that was refused before anything was recorded about it; none that is still coming."""
    try:
        UUID(path.name)
        youngest = max(one.stat().st_mtime for one in (path, *path.iterdir()))
    except (ValueError, FileNotFoundError, NotADirectoryError):
        return False
    return youngest < now / MICROSECONDS - ORPHAN_SECONDS
