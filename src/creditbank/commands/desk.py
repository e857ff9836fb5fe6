"""The desk: takes commands from many callers and settles those that gathered in one transaction.

Each command keeps its own verdict. A repeated idempotency key gets the stored answer. Where somebody else
was faster, everything is decided anew on what now stands; where the fate of a commit is unknown, the keys
are looked up, and a command that cannot be found is answered with 503, never with a conflict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from operator import attrgetter
from time import monotonic
from typing import Any, Protocol
from uuid import UUID

import uuid_utils.compat as uuids
from pydantic_core import to_json
from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError, TimeoutError

from creditbank.commands import erasures
from creditbank.commands.bank import Bank
from creditbank.commands.draft import Draft, Needs, Unit
from creditbank.domain import errors
from creditbank.ledger import answers
from creditbank.ledger.answers import Key, Stored
from creditbank.ledger.database import writing
from creditbank.ledger.gather import Gatherer
from creditbank.ledger.log import Place, Recorded
from creditbank.ledger.trips import together

GROUP_LIMIT = 64
ATTEMPTS = 8
BUSY_SECONDS = 1.0
_RETRY = {"40001", "40P01"}  # serialization failure, deadlock
_LOCK_TIMEOUT = "55P03"


@dataclass(slots=True, kw_only=True)
class Answer:
    """What a command answers.

    `lines` are parts of the body that get the position of the entry with that index. `once` is shown in the
    first answer only and never stored: a repetition of the request gets the answer without it.
    """

    status: int
    body: dict[str, Any]
    lines: Sequence[tuple[dict[str, Any], int]] = ()
    once: Mapping[str, Any] = field(default_factory=dict)
    told: Callable[[Sequence[Recorded | Place]], bytes] | None = None
    """Writes the answer itself, given where each event of the command stands, in the place of `body`."""


class Command(Protocol):
    """An intention: says what it will look at, then decides on a draft."""

    def needs(self) -> Needs: ...

    def run(self, draft: Draft) -> Answer: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A command with the one who asks. Without a key nothing is stored about it; `key.scope` is its organisation.

    `is_bulk`: it takes as long as many others, who are let in before the next of its kind.
    """

    command: Command
    actor: str
    key: Key | None = None
    fingerprint: bytes = b""
    causation: UUID = field(default_factory=uuids.uuid7)
    is_bulk: bool = False

    @property
    def owner(self) -> str:
        """Whose it is: everybody's requests go in turn."""
        return self.actor if self.key is None else self.key[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The answer to one request, as it goes out."""

    status: int
    body: bytes
    position: str
    replayed: bool = False
    stored: bytes = b""
    """The body as it is kept for repetitions, where it differs."""


class Desk:
    """One per process: settles requests in groups, in one thread."""

    def __init__(self, bank: Bank, may_write: Callable[[Connection], None] = lambda _: None) -> None:
        """`may_write` raises HistoryBehind where nothing may be written through a connection."""
        self._bank = bank
        self._gatherer = Gatherer[Request, Settled](
            "desk", self.settle, GROUP_LIMIT, owner=attrgetter("owner"), is_bulk=attrgetter("is_bulk")
        )
        self._may_write = may_write
        self._asked_at = 0.0

    @property
    def is_busy(self) -> bool:
        """Whether anybody has asked for something short of late, who would not want to wait for something long."""
        return monotonic() - self._asked_at < BUSY_SECONDS

    async def ask(self, request: Request) -> Settled:
        """Settle a request. Raises the BankError that refused it."""
        self._note(request)
        return await self._gatherer.ask(request)

    def call(self, request: Request) -> Settled:
        """The same for callers without an event loop."""
        return self.submit(request).result()

    def submit(self, request: Request) -> Future[Settled]:
        """The same for callers who have something to do meanwhile."""
        self._note(request)
        return self._gatherer.submit(request)

    def _note(self, request: Request) -> None:
        if not request.is_bulk:
            self._asked_at = monotonic()

    def close(self) -> None:
        self._gatherer.close()

    def settle(self, requests: Sequence[Request]) -> list[Settled | BaseException]:
        """Settle a group in one transaction. Whatever is raised, nothing of it was written.

        A group that lost a race is not tried again: the gatherer then asks for each request alone. An erasure is
        confirmed only when it stands on the list of erased accounts; until then its answer is to ask again.
        """
        outcomes = self._settle(requests)
        confirmed = [erasures.erased_by(one.body) if isinstance(one, Settled) else None for one in outcomes]
        erased = [account_id for account_id in confirmed if account_id is not None]
        if not erased or erasures.are_noted(self._bank, erased):
            return outcomes
        return [errors.Unavailable() if one else outcome for one, outcome in zip(confirmed, outcomes, strict=True)]

    def _settle(self, requests: Sequence[Request]) -> list[Settled | BaseException]:
        for _ in range(ATTEMPTS):
            try:
                return self._transact(requests)
            except errors.HistoryBehind as refusal:
                return [refusal for _ in requests]
            except DBAPIError as error:
                if isinstance(error, DataError | ProgrammingError):
                    raise  # the fault of one command, which must not become that of the others
                if _is_without_effect(error):
                    break
                if not _may_retry(error):
                    return self._after_failure(requests)
                if len(requests) > 1:
                    raise
            except TimeoutError:
                break
        return [errors.Unavailable() for _ in requests]

    def _after_failure(self, requests: Sequence[Request]) -> list[Settled | BaseException]:
        # The connection broke, perhaps after the database had committed: only the stored keys can tell.
        try:
            with self._bank.engine.connect() as connection, connection.begin():
                found = answers.find(connection, [request.key for request in requests if request.key])
        except (DBAPIError, TimeoutError):
            found = {}
        return [
            _replay(request, found[request.key]) if request.key in found else errors.Unavailable()
            for request in requests
        ]

    def _transact(self, requests: Sequence[Request]) -> list[Settled | BaseException]:
        with writing(self._bank.engine) as connection:
            # Here, since only now it is known which server the connection leads to.
            self._may_write(connection)
            found = answers.find_later(connection, [request.key for request in requests if request.key])
            unit = Unit(self._bank, connection, [request.command.needs() for request in requests])
            known = found()
            verdicts = _decide(unit, [request for request in requests if request.key not in known])
            known |= answers.find(connection, [key for verdict in verdicts if (key := verdict.refused_key)])
            verdicts = [verdict for verdict in verdicts if verdict.refused_key not in known]
            with together(connection):
                recorded = unit.flush()
                outcomes = {id(verdict.request): verdict.settle(recorded) for verdict in verdicts}
                answers.store(connection, _stored(verdicts, outcomes), unit.now)
        self._bank.adopt(unit.catalogue)
        return _in_order(requests, known, outcomes)


def _is_without_effect(error: DBAPIError) -> bool:
    """Whether it failed in a way that leaves nothing to look up, and that trying again would only repeat."""
    was_connected = error.statement is not None or error.connection_invalidated
    return not was_connected or _sqlstate(error) == _LOCK_TIMEOUT


def _may_retry(error: DBAPIError) -> bool:
    return isinstance(error, IntegrityError) or _sqlstate(error) in _RETRY


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


@dataclass(slots=True, kw_only=True)
class _Verdict:
    request: Request
    answer: Answer | errors.BankError
    first: int
    last: int

    @property
    def refused_key(self) -> Key | None:
        """The key of a refusal, which may be owed to what the same key did a moment before.

        Between the look for stored answers and the decision another process may have committed this very
        request; whoever sees its effects finds its answer too.
        """
        return self.request.key if isinstance(self.answer, errors.BankError) else None

    def settle(self, recorded: Sequence[Recorded | Place]) -> Settled | errors.BankError:
        if isinstance(self.answer, errors.BankError):
            return self.answer
        own = recorded[self.first : self.last]
        if self.answer.told is not None:
            body = self.answer.told(own)
            return Settled(status=self.answer.status, body=body, position=_last_positions(own), stored=body)
        for line, index in self.answer.lines:
            line["position"] = own[index].at
        body = to_json(self.answer.body)
        shown = to_json({**self.answer.body, **self.answer.once}) if self.answer.once else body
        return Settled(status=self.answer.status, body=shown, position=_last_positions(own), stored=body)


def _last_positions(recorded: Sequence[Recorded | Place]) -> str:
    last = {item.partition_id: item.position for item in recorded}
    return ",".join(f"{partition}:{position}" for partition, position in sorted(last.items()))


def _decide(unit: Unit, requests: Sequence[Request]) -> list[_Verdict]:
    verdicts = []
    keys: set[Key] = set()
    for request in requests:
        if request.key is not None and request.key in keys:
            continue  # the same key again within the group: it gets the answer of the first
        first = len(unit)
        draft = Draft(unit=unit, actor=request.actor, causation=request.causation)
        answer: Answer | errors.BankError
        try:
            answer = request.command.run(draft)
        except errors.BankError as refusal:
            answer = refusal
        else:
            draft.keep()
            if request.key is not None:
                keys.add(request.key)
        verdicts.append(_Verdict(request=request, answer=answer, first=first, last=len(unit)))
    return verdicts


def _stored(verdicts: Sequence[_Verdict], outcomes: dict[int, Settled | errors.BankError]) -> list[tuple[Key, Stored]]:
    stored = []
    for verdict in verdicts:
        outcome = outcomes[id(verdict.request)]
        if verdict.request.key is not None and isinstance(outcome, Settled):
            answer = Stored(
                status=outcome.status,
                body=outcome.stored,
                position=outcome.position,
                fingerprint=verdict.request.fingerprint,
            )
            stored.append((verdict.request.key, answer))
    return stored


def _in_order(
    requests: Sequence[Request], known: dict[Key, Stored], outcomes: dict[int, Settled | errors.BankError]
) -> list[Settled | BaseException]:
    ordered: list[Settled | BaseException] = []
    firsts: dict[Key, tuple[Request, Settled]] = {}
    for request in requests:
        outcome = outcomes.get(id(request))
        if outcome is None and request.key in known:
            outcome = _replay(request, known[request.key])
        elif outcome is None and request.key is not None:
            first, answer = firsts[request.key]
            same = first.fingerprint == request.fingerprint
            outcome = _again(answer) if same else errors.IdempotencyKeyReused()
        elif isinstance(outcome, Settled) and request.key is not None:
            firsts[request.key] = (request, outcome)
        assert outcome is not None
        ordered.append(outcome)
    return ordered


def _replay(request: Request, stored: Stored) -> Settled | errors.BankError:
    if stored.fingerprint != request.fingerprint:
        return errors.IdempotencyKeyReused()
    return Settled(status=stored.status, body=stored.body, position=stored.position, replayed=True)


def _again(answer: Settled) -> Settled:
    return Settled(status=answer.status, body=answer.stored, position=answer.position, replayed=True)
