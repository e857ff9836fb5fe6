"""Work that goes on behind requests, in turns; among it the certificates of a withdrawn accreditation, put on hold
chunk by chunk, through any crash."""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from threading import Event, Lock
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

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
        job_id=draft.unit.bank.new_id(),
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


Step = Callable[[], bool]
"""Carries a job one step on; tells whether there is more to be done. May raise Unavailable, and is then tried again."""


class JobRunner:
    """Carries jobs to their end, a step at a time, in a thread of its own.

    Lanes take turns, whatever their number of jobs; in a lane one job follows the other.
    """

    def __init__(self, bank: Bank, desk: Desk) -> None:
        self._bank = bank
        self._desk = desk
        self._lock = Lock()
        self._busy = False
        self._lanes: dict[str, deque[tuple[Step, Future[None]]]] = {}
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="jobs")
        self._closing = Event()

    def start(self, job_id: UUID) -> Future[None]:
        """Carry the job of a withdrawal to its end."""
        return self.carry(partial(self._hold_next, job_id), lane=KIND)

    def carry(self, step: Step, lane: str) -> Future[None]:
        """Take steps until there is no more to be done. Raises RuntimeError when the runner is closed."""
        finished: Future[None] = Future()
        finished.add_done_callback(_report)
        with self._lock:
            if not self._busy:
                self._executor.submit(self._work_off)
                self._busy = True
            self._lanes.setdefault(lane, deque()).append((step, finished))
        return finished

    def resume(self) -> None:
        """Take up the jobs of withdrawals that a crash has left behind."""
        with self._bank.engine.connect() as connection, connection.begin():
            unfinished = jobs.unfinished(connection, KIND)
        for job_id in unfinished:
            self.start(job_id)

    def close(self) -> None:
        """Stop after the chunk at hand; the rest is taken up at the next start."""
        self._closing.set()
        self._executor.shutdown(wait=True, cancel_futures=True)
        for lane in self._lanes.values():
            for _, finished in lane:
                finished.cancel()

    def _work_off(self) -> None:
        while (turn := self._next_turn()) is not None:
            lane, step, finished = turn
            try:
                more = step()
            except errors.Unavailable:
                self._closing.wait(PAUSE_SECONDS)  # the database will be back; the job is not given up
                more = True
            except Exception as failure:  # noqa: BLE001 -- it is raised in whoever waits, and reported
                finished.set_exception(failure)
                more = False
            else:
                if not more:
                    finished.set_result(None)
            self._end_turn(lane, more=more)

    def _next_turn(self) -> tuple[str, Step, Future[None]] | None:
        with self._lock:
            lane = next(iter(self._lanes), None)
            if lane is None or self._closing.is_set():
                self._busy = False
                return None
            return (lane, *self._lanes[lane][0])

    def _end_turn(self, lane: str, *, more: bool) -> None:
        """The lane queues up behind the others, without the job that has come to its end."""
        with self._lock:
            waiting = self._lanes.pop(lane)
            if not more:
                waiting.popleft()
            if waiting:
                self._lanes[lane] = waiting

    def _hold_next(self, job_id: UUID) -> bool:
        settled = self._desk.call(Request(command=HoldNext(job_id=job_id), actor=ACTOR, is_bulk=True))
        return bool(_DOCUMENT.validate_json(settled.body)["state"] == "running")


def _report(running: Future[None]) -> None:
    # A job that ends by a fault of ours stays unfinished; whoever runs the bank must hear of it.
    if not running.cancelled() and (failure := running.exception()) is not None:
        _logger.error("a job ended with %s", type(failure).__name__)


def lapse_reservations(bank: Bank, desk: Desk) -> None:
    """Record that reservations have lapsed whose time is over; a chore. Begins no write where there is nothing."""
    with bank.engine.connect() as connection, connection.begin():
        is_due = bool(usages.lapsed(connection, bank.now_in(connection), 1))
    if is_due:
        desk.call(Request(command=LapseReservations(), actor=ACTOR))
