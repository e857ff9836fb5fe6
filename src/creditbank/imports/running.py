"""Carries imports: reads each file apart, then awards its rows chunk by chunk, from wherever a crash left it."""

from __future__ import annotations

import fcntl
import logging
import shutil
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Event, Lock
from typing import IO, Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy.exc import DBAPIError, TimeoutError

from creditbank.commands.bank import Bank
from creditbank.commands.desk import Command, Desk, Request
from creditbank.commands.jobs import PAUSE_SECONDS, JobRunner
from creditbank.domain import errors
from creditbank.imports import awarding, columns, sandbox
from creditbank.imports.awarding import ImportChunk
from creditbank.imports.intake import Detail, SettleReading, detail_of
from creditbank.imports.tables import ATOMIC_ROWS
from creditbank.imports.task import Folder, Task
from creditbank.ledger import imports
from creditbank.ledger.imports import Import

_logger = logging.getLogger("creditbank.imports")
CHUNK = 500
"""Rows that share a transaction. Whoever awards a single certificate meanwhile waits for one chunk at most."""

DAY_SECONDS = 86_400
ORPHAN_SECONDS = 3_600
PURGE_SECONDS = 3_600.0
MICROSECONDS = 1_000_000


class Importer:
    """One per process. Files are read one at a time, so that no two hostile ones share the memory of the machine."""

    def __init__(self, bank: Bank, desk: Desk, runner: JobRunner, directory: Path, keep_days: int) -> None:
        self.directory = directory
        self._bank = bank
        self._desk = desk
        self._runner = runner
        self._keep_microseconds = keep_days * DAY_SECONDS * MICROSECONDS
        self._readers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="imports")
        self._closing = Event()
        self._stops: dict[UUID, Event] = {}
        self._lock = Lock()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

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
            return _refusal("source_lost")
        folder.findings.unlink(missing_ok=True)
        folder.put_task(self._task(one, detail))
        try:
            sandbox.run("reading", folder, stop)
        except sandbox.Overtaxed:
            return _refusal("too_demanding")
        except sandbox.Broken:
            return _refusal("file_damaged")
        return folder.found() or _refusal("file_damaged")

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
        work = _Work(self._desk, one, self.folder(one.import_id), one.resume_at, one.done)
        self._runner.carry(work.step, lane=one.organisation).add_done_callback(lambda _: held.close())


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The next rows, ready to be asked for, and where those behind them begin."""

    request: Request
    next_at: int
    next_number: int


@dataclass(slots=True)
class _Work:
    """The awarding of one import, and where it stands."""

    desk: Desk
    one: Import
    folder: Folder
    resume_at: int
    done: int
    _ready: _Chunk | None = None

    def step(self) -> bool:
        """Award the next chunk; whether there is more. Raises Unavailable.

        The chunk behind it is read while this one is settled.
        """
        chunk, self._ready = self._ready or self._chunk(self.resume_at, self.done), None
        if chunk.next_number == self.done:
            lost = SettleReading(import_id=self.one.import_id, findings=_refusal("source_lost"))
            self.desk.call(Request(command=lost, actor=self.one.created_by))
            return False
        settling = self.desk.submit(chunk.request)
        ahead = self._chunk(chunk.next_at, chunk.next_number) if chunk.next_number < self.one.rows else None
        standing = from_json(settling.result().body)
        self.resume_at, self.done = standing["resume_at"], standing["done"]
        if self.resume_at == chunk.next_at:
            self._ready = ahead
        return bool(standing["state"] == "importing")

    def _chunk(self, begin: int, number: int) -> _Chunk:
        one, detail = self.one, detail_of(self.one)
        rows, next_at = self._rows(begin, ATOMIC_ROWS if detail.mode == "atomic" else CHUNK)
        batch = awarding.batch(rows, issuer=one.organisation, mode=detail.mode, dry_run=detail.dry_run)
        command = ImportChunk(
            import_id=one.import_id,
            resume_at=begin,
            next_at=next_at,
            first=number,
            rows=rows,
            is_last=number + len(rows) >= one.rows,
            headers=_headers(detail),
            issuer=one.organisation,
            batch=batch,
        )
        request = Request(command=command, actor=one.created_by, causation=one.import_id)
        return _Chunk(request, next_at, number + len(rows))

    def _rows(self, begin: int, most: int) -> tuple[list[awarding.Row], int]:
        rows, next_at = [], begin
        with self.folder.rows.open("rb") as lines:
            lines.seek(begin)
            for line in islice(lines, most):
                rows.append(awarding.row_of(line))
                next_at += len(line)
        return rows, next_at


def _headers(detail: Detail) -> dict[str, str]:
    """The header of each column of the bank, as the file has it."""
    found = (detail.found or {}).get("columns", ())
    return {one["column"]: one["header"] for one in found if one["column"]}


def _refusal(code: str) -> Mapping[str, Any]:
    return {"problem": {"code": code, "facts": {}}, "rows": 0}


def _held(folder: Folder) -> IO[bytes] | None:
    """The lock of an import; None where another process has it. The system takes it back from whoever dies."""
    folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
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
