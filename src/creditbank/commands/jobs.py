"""Put the certificates of a withdrawn accreditation on hold, chunk by chunk, through any crash."""

from __future__ import annotations

import logging
from collections import defaultdict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from threading import Event, Thread
from typing import Any
from uuid import UUID

import uuid_utils.compat as uuids
from pydantic import TypeAdapter
from sqlalchemy.exc import DBAPIError, TimeoutError

from creditbank.commands.bank import Bank
from creditbank.commands.desk import Answer, Desk, Request
from creditbank.commands.draft import Draft, Needs
from creditbank.commands.uses import LapseReservations
from creditbank.domain import certificates, errors
from creditbank.domain.events import AccreditationWithdrawn
from creditbank.domain.instants import instant_text
from creditbank.ledger import jobs
from creditbank.ledger.jobs import Job
from creditbank.projections import lots, usages

_logger = logging.getLogger("creditbank.jobs")
CHUNK = 500
PAUSE_SECONDS = 1.0
KIND = "hold-certificates"
ACTOR = "authority:job"
_DETAIL = TypeAdapter(AccreditationWithdrawn)
_DOCUMENT: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


def start_holding(draft: Draft, event: AccreditationWithdrawn, affected: int) -> UUID:
    """Record the job in the transaction of the withdrawal."""
    job = Job(
        job_id=uuids.uuid7(),
        kind=KIND,
        state="running",
        total=affected,
        done=0,
        created_at=draft.unit.now,
        detail=_DETAIL.dump_json(event),
    )
    draft.statements.append(lambda connection: jobs.add(connection, job))
    return job.job_id


def found(bank: Bank, job_id: UUID) -> dict[str, Any]:
    """A job and its progress. Raises NotFound."""
    with bank.engine.connect() as connection, connection.begin():
        job = jobs.find(connection, job_id)
    if job is None:
        raise errors.NotFound()
    return _document(job)


def _document(job: Job) -> dict[str, Any]:
    return {
        "job_id": str(job.job_id),
        "kind": job.kind,
        "state": job.state,
        "total": job.total,
        "done": job.done,
        "created_at": instant_text(job.created_at),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldNext:
    """Hold the next certificates of a job, and add them to its progress in the same transaction."""

    job_id: UUID

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        connection = draft.unit.connection
        job = jobs.find(connection, self.job_id, lock=True)
        if job is None:
            raise errors.NotFound()
        if job.state != "running":
            return Answer(status=200, body=_document(job))
        withdrawn = _DETAIL.validate_json(job.detail)
        found = _next(draft, withdrawn.accreditation_id, withdrawn.effective_from)
        draft.unit.load_accounts([account_id for account_id in found if account_id not in draft.accounts])
        held = 0
        for account_id, certificate_ids in found.items():
            for certificate_id in certificate_ids:
                events = certificates.hold_for_withdrawal(
                    draft.account(account_id), certificate_id, withdrawn.accreditation_id, withdrawn.reason
                )
                draft.append(account_id, *events)
                held += len(events)
        state = "running" if found else "finished"
        draft.statements.append(lambda connection: jobs.advance(connection, self.job_id, held, state))
        return Answer(status=200, body={**_document(job), "state": state, "done": job.done + held})


def _next(draft: Draft, accreditation_id: UUID, issued_from: date) -> dict[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for account_id, certificate_id in lots.accounts_awarded_under(
        draft.unit.connection, accreditation_id, issued_from, CHUNK
    ):
        found[account_id].append(certificate_id)
    return found


class JobRunner:
    """Carries jobs to their end, one after the other, in a thread of its own."""

    def __init__(self, bank: Bank, desk: Desk) -> None:
        self._bank = bank
        self._desk = desk
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="jobs")
        self._closing = Event()

    def start(self, job_id: UUID) -> Future[None]:
        running = self._executor.submit(self._run, job_id)
        running.add_done_callback(_report)
        return running

    def resume(self) -> None:
        """Take up the jobs that a crash has left behind."""
        with self._bank.engine.connect() as connection, connection.begin():
            unfinished = jobs.unfinished(connection)
        for job_id in unfinished:
            self.start(job_id)

    def close(self) -> None:
        """Stop after the chunk at hand; the rest is taken up at the next start."""
        self._closing.set()
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _run(self, job_id: UUID) -> None:
        state = "running"
        while state == "running" and not self._closing.is_set():
            try:
                settled = self._desk.call(Request(command=HoldNext(job_id=job_id), actor=ACTOR, is_bulk=True))
            except errors.Unavailable:
                self._closing.wait(PAUSE_SECONDS)  # the database will be back; the job is not given up
            else:
                state = _DOCUMENT.validate_json(settled.body)["state"]


def _report(running: Future[None]) -> None:
    # A job that ends by a fault of ours stays unfinished; whoever runs the bank must hear of it.
    if not running.cancelled() and (failure := running.exception()) is not None:
        _logger.error("a job ended with %s", type(failure).__name__)


class Sweeper:
    """Records, once a second, that reservations have lapsed whose time is over."""

    def __init__(self, bank: Bank, desk: Desk) -> None:
        self._bank = bank
        self._desk = desk
        self._closing = Event()
        self._thread = Thread(target=self._run, name="sweeper", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def sweep(self) -> None:
        """One round. A write is begun only where there is something to record."""
        with self._bank.engine.connect() as connection, connection.begin():
            is_due = bool(usages.lapsed(connection, self._bank.clock(), 1))
        if is_due:
            self._desk.call(Request(command=LapseReservations(), actor=ACTOR))

    def _run(self) -> None:
        while not self._closing.wait(PAUSE_SECONDS):
            try:
                self.sweep()
            except (DBAPIError, TimeoutError, errors.Unavailable):
                continue  # the database will be back
