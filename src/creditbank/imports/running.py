"""Carries imports: reads each file apart, then awards its rows chunk by chunk, from wherever a crash left it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import IO, Any, NamedTuple
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
from creditbank.ledger.fairness import Turns
from creditbank.ledger.imports import Import
from creditbank.vault.durable import is_disk_full, make_folder, sync_folder

_logger = logging.getLogger("creditbank.imports")

RESUME_SECONDS = 60.0
MOST_FAILURES = 5
"""So often an import may end by a fault of ours before it is given up."""
MANY_BYTES = 32 * 1024
"""Of a file that is likely to hold many rows."""


class _Turn(NamedTuple):
    import_id: UUID
    organisation: str
    stop: Event


class Importer:
    """One per process. Files are read one at a time, so that no two hostile ones share the memory of the machine;
    organisations take turns."""

    def __init__(self, bank: Bank, desk: Desk, beside: Beside, runner: JobRunner, directory: Path) -> None:
        self.directory = directory
        self._bank = bank
        self._desk = desk
        self._beside = beside
        self._runner = runner
        self._readers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="imports")
        self._closing = Event()
        self._waiting: Turns[_Turn] = Turns(lambda turn: turn.organisation)
        self._begun: Counter[UUID] = Counter()
        self._elsewhere: set[UUID] = set()
        self._stops: dict[UUID, Event] = {}
        self._lock = Lock()
        make_folder(directory)

    def folder(self, import_id: UUID) -> Folder:
        return Folder.of(self.directory, import_id)

    def begin(self, import_id: UUID, organisation: str) -> None:
        """Read the file, and award its rows unless it is to wait. Does nothing where the file lies elsewhere."""
        with self._lock:
            stop = self._stops[import_id] = Event()
            self._begun[import_id] += 1
            self._waiting.add(_Turn(import_id, organisation, stop))
        self._readers.submit(self._take_turn)

    def stop(self, import_id: UUID) -> None:
        """End the reading of a file that nobody wants any more."""
        with self._lock:
            if (stop := self._stops.get(import_id)) is not None:
                stop.set()

    def carries(self, import_id: UUID) -> bool:
        """Whether this process has it in hand."""
        with self._lock:
            return self._begun[import_id] > 0

    def resume(self) -> None:
        """Take up what was left behind by a crash, by an error, or by another process that held it for a moment.

        Imports whose folders lie on another machine are left to that machine.
        """
        with self._bank.engine.connect() as connection, connection.begin():
            unfinished = list(imports.unfinished(connection))
        for one in unfinished:
            if not self.folder(one.import_id).path.exists():
                self._note_elsewhere(one.import_id)
            elif not self.carries(one.import_id):
                self.begin(one.import_id, one.organisation)

    def receive_again(self, import_id: UUID, source: Path) -> None:
        """Take the same file, sent once more, where it is not here: nobody knew whether the first was taken."""
        with self._bank.engine.connect() as connection, connection.begin():
            one = imports.find(connection, import_id)
        if one is None or one.state != "running" or one.resume_at is not None:
            return
        folder = self.folder(import_id)
        if not folder.source.exists():
            make_folder(folder.path)
            source.replace(folder.source)
            sync_folder(folder.path)
        if not self.carries(import_id):
            self.begin(import_id, one.organisation)

    def close(self) -> None:
        """Stop reading. The rest is taken up at the next start."""
        self._closing.set()
        with self._lock:
            for stop in self._stops.values():
                stop.set()
        self._readers.shutdown(wait=True, cancel_futures=True)

    def _take_turn(self) -> None:
        with self._lock:
            turn = self._waiting.next()
        carried: Future[None] | None = None
        try:
            carried = self._work_on(turn)
        except sandbox.Stopped:
            pass  # cancelled, or taken up at the next start
        except Exception as failure:  # noqa: BLE001 -- it is counted and reported, and the import is tried again
            self._note_failure(turn.import_id, failure)
        finally:
            if carried is None:
                self._end(turn.import_id)
        if carried is not None:
            carried.add_done_callback(partial(self._end_carried, turn.import_id))

    def _work_on(self, turn: _Turn) -> Future[None] | None:
        """Read the file unless it has been; what carries its rows on, where something does."""
        held = self.folder(turn.import_id).hold()
        if held is None:
            return None  # another process of the bank works on it, or it lies on another machine
        carried: Future[None] | None = None
        try:
            if (one := self._read(turn)) is not None:
                carried = self._carry(one, held)
            return carried
        finally:
            if carried is None:
                held.close()

    def _read(self, turn: _Turn) -> Import | None:
        """The import with rows to be awarded; None where there is nothing to be done."""
        one = self._standing(turn.import_id, turn.stop)
        if one is None or one.state != "running":
            return None
        if self.folder(one.import_id).failed_times() >= MOST_FAILURES:
            one = self._settle(one, refusal("internal"))
        elif self._is_unread(one):
            one = self._settle(one, self._findings(one, turn.stop))
        return one if one is not None and one.state == "running" and one.resume_at is not None else None

    def _end(self, import_id: UUID) -> None:
        with self._lock:
            self._begun[import_id] -= 1
            if not self._begun[import_id]:
                del self._begun[import_id]
                self._stops.pop(import_id, None)

    def _end_carried(self, import_id: UUID, carried: Future[None]) -> None:
        if not carried.cancelled() and (failure := carried.exception()) is not None:
            self._note_failure(import_id, failure)
        self._end(import_id)

    def _note_failure(self, import_id: UUID, failure: BaseException) -> None:
        _logger.error("an import ended with %s", type(failure).__name__)
        if not is_disk_full(failure) and not isinstance(failure, errors.Unavailable | DBAPIError | TimeoutError):
            with suppress(OSError):
                self.folder(import_id).add_failure()

    def _note_elsewhere(self, import_id: UUID) -> None:
        if import_id not in self._elsewhere:
            self._elsewhere.add(import_id)
            _logger.warning("the files of import %s are not on this machine", import_id)

    def _is_unread(self, one: Import) -> bool:
        return one.resume_at is None or not self.folder(one.import_id).rows.exists()

    def _findings(self, one: Import, stop: Event) -> Mapping[str, Any]:
        folder, detail = self.folder(one.import_id), detail_of(one)
        if one.resume_at is not None or not folder.is_whole(one.sha256, detail.bytes):
            return refusal("source_lost")
        if folder.source.stat().st_size > MANY_BYTES:
            self._beside.wake()  # so that it is up when the rows are to be awarded
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

    def _carry(self, one: Import, held: IO[bytes]) -> Future[None]:
        assert one.resume_at is not None
        work = Work(self._desk, self._beside, one, self.folder(one.import_id), one.resume_at, one.done)
        carried = self._runner.carry(work.step, lane=one.organisation)
        carried.add_done_callback(lambda _: held.close())
        return carried
