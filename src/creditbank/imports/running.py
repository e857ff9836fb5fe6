"""Carries imports: reads each file apart, then awards its rows chunk by chunk, from wherever a crash left it."""

from __future__ import annotations

import fcntl
import logging
import shutil
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event, Lock
from typing import IO, Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy.exc import DBAPIError, TimeoutError

from creditbank.commands.bank import Bank
from creditbank.commands.beside import Beside
from creditbank.commands.desk import Command, Desk, Request
from creditbank.commands.jobs import PAUSE_SECONDS, JobRunner
from creditbank.domain import errors
from creditbank.imports import columns, sandbox
from creditbank.imports.intake import Detail, SettleReading, detail_of
from creditbank.imports.task import Folder, Task
from creditbank.imports.work import Work, refusal
from creditbank.ledger import imports
from creditbank.ledger.imports import Import
from creditbank.vault.durable import make_folder

_logger = logging.getLogger("creditbank.imports")

DAY_SECONDS = 86_400
ORPHAN_SECONDS = 3_600
PURGE_SECONDS = 3_600.0
MICROSECONDS = 1_000_000


class Importer:
    """One per process. Files are read one at a time, so that no two hostile ones share the memory of the machine."""

    def __init__(
        self, bank: Bank, desk: Desk, beside: Beside, runner: JobRunner, directory: Path, keep_days: int
    ) -> None:
        self.directory = directory
        self._bank = bank
        self._desk = desk
        self._beside = beside
        self._runner = runner
        self._keep_microseconds = keep_days * DAY_SECONDS * MICROSECONDS
        self._readers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="imports")
        self._closing = Event()
        self._stops: dict[UUID, Event] = {}
        self._lock = Lock()
        make_folder(directory)

    def folder(self, import_id: UUID) -> Folder:
        return Folder.of(self.directory, import_id)

    def begin(self, import_id: UUID) -> Future[None]:
        """Read the file, and award its rows unless it is to wait. Ends when it has been read."""
        with self._lock:
            stop = self._stops[import_id] = Event()
        reading = self._readers.submit(self._read, import_id, stop)
        reading.add_done_callback(_report)
        return reading

    def stop(self, import_id: UUID) -> None:
        """End the reading of a file that nobody wants any more."""
        with self._lock:
            if (stop := self._stops.get(import_id)) is not None:
                stop.set()

    def resume(self) -> None:
        """Take up what a crash has left behind, and let go of files whose time is over."""
        self.purge()
        with self._bank.engine.connect() as connection, connection.begin():
            unfinished = list(imports.unfinished(connection))
        for one in unfinished:
            self.begin(one.import_id)

    def purge(self) -> None:
        """Delete the files of imports that ended some days ago: they hold personal data in clear."""
        now = self._bank.clock()
        folders = {UUID(path.name): path for path in self.directory.iterdir() if _is_old_folder(path, now)}
        with self._bank.engine.connect() as connection, connection.begin():
            over = imports.finished_before(connection, list(folders), now - self._keep_microseconds)
        for import_id in over:
            shutil.rmtree(folders[import_id], ignore_errors=True)

    def close(self) -> None:
        """Stop reading. The rest is taken up at the next start."""
        self._closing.set()
        with self._lock:
            for stop in self._stops.values():
                stop.set()
        self._readers.shutdown(wait=True, cancel_futures=True)

    def _read(self, import_id: UUID, stop: Event) -> None:
        held = _held(self.folder(import_id))
        if held is None:
            return  # another process of the bank works on it
        carried = False
        try:
            one = self._standing(import_id, stop)
            if one is not None and one.state == "running" and self._is_unread(one):
                one = self._settle(one, self._findings(one, stop))
            if one is not None and one.state == "running" and one.resume_at is not None:
                self._carry(one, held)
                carried = True
        except sandbox.Stopped:
            return  # cancelled, or taken up at the next start
        finally:
            with self._lock:
                self._stops.pop(import_id, None)
            if not carried:
                held.close()

    def _is_unread(self, one: Import) -> bool:
        return one.resume_at is None or not self.folder(one.import_id).rows.exists()

    def _findings(self, one: Import, stop: Event) -> Mapping[str, Any]:
        folder, detail = self.folder(one.import_id), detail_of(one)
        if one.resume_at is not None or not folder.source.exists():
            return refusal("source_lost")
        folder.findings.unlink(missing_ok=True)
        folder.put_task(self._task(one, detail))
        try:
            sandbox.run("reading", folder, stop)
        except sandbox.Overtaxed:
            return refusal("too_demanding")
        except sandbox.Broken:
            return refusal("file_damaged")
        return folder.found() or refusal("file_damaged")

    def _task(self, one: Import, detail: Detail) -> Task:
        catalogue = self._bank.catalogue()
        known = catalogue.organisations.get(one.organisation)
        names = [one.organisation, *((known.registered.name, *known.registered.aliases) if known else ())]
        return Task(
            names=[columns.folded(name) for name in names],
            standards={
                columns.folded(word): code
                for code, standard in catalogue.standards.items()
                for word in (*standard.aliases, standard.title, code)
            },
            sheet=detail.sheet,
            columns=dict(detail.columns),
            constants=dict(detail.constants),
            atomic=detail.mode == "atomic",
        )

    def _settle(self, one: Import, findings: Mapping[str, Any]) -> Import | None:
        self._call(SettleReading(import_id=one.import_id, findings=findings), one.created_by, Event())
        return self._standing(one.import_id, Event())

    def _call(self, command: Command, actor: str, stop: Event) -> Any:
        while True:
            try:
                return from_json(self._desk.call(Request(command=command, actor=actor)).body)
            except errors.Unavailable:
                if stop.wait(PAUSE_SECONDS) or self._closing.is_set():
                    raise sandbox.Stopped from None

    def _standing(self, import_id: UUID, stop: Event) -> Import | None:
        """The import as it is stored, however long the database is away."""
        while True:
            try:
                with self._bank.engine.connect() as connection, connection.begin():
                    return imports.find(connection, import_id)
            except (DBAPIError, TimeoutError):
                if stop.wait(PAUSE_SECONDS) or self._closing.is_set():
                    raise sandbox.Stopped from None

    def _carry(self, one: Import, held: IO[bytes]) -> None:
        assert one.resume_at is not None
        work = Work(self._desk, self._beside, one, self.folder(one.import_id), one.resume_at, one.done)
        self._runner.carry(work.step, lane=one.organisation).add_done_callback(lambda _: held.close())


def _held(folder: Folder) -> IO[bytes] | None:
    """The lock of an import; None where another process has it. The system takes it back from whoever dies."""
    make_folder(folder.path)
    lock = folder.lock.open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _is_old_folder(path: Path, now: int) -> bool:
    """Whether it may be a file that was refused before anything was recorded about it."""
    try:
        UUID(path.name)
        return path.stat().st_mtime < now / MICROSECONDS - ORPHAN_SECONDS
    except (ValueError, FileNotFoundError):
        return False


def _report(reading: Future[None]) -> None:
    # An import that ends by a fault of ours stays unfinished; whoever runs the bank must hear of it.
    if not reading.cancelled() and (failure := reading.exception()) is not None:
        _logger.error("an import ended with %s", type(failure).__name__)
