"""Several processes that do the tasks of one audit, on one snapshot, and answer in the order of the tasks.

Each is forked from a process that was started afresh and has imported the audit, once for all of them; it reaches the
database by itself, and gets its work as data. Whoever has only one process does the tasks in its own.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from multiprocessing import connection as pipes
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from creditbank.ledger.damage import is_damage
from creditbank.ledger.database import open_engine, snapshot
from creditbank.ledger.snapshots import joined, standing_still

MOST_PROCESSES = 8
EVENTS_PER_PROCESS = 50_000
"""Below this many events for each, a process takes longer to start than it saves."""

_AHEAD = 2
"""Tasks that a process holds: the next one is there when one is done."""

Task = TypeVar("Task")
Result = TypeVar("Result")
Work = Callable[[Connection], Callable[[Task], Result]]
"""Given the snapshot, what does one task after the other. Sent to other processes, so it is data."""


class Ended(Exception):
    """A process of the crew has ended, or failed, before it was done."""


class Damaged(Ended):
    """The database has answered a process of the crew that it is broken."""


def size_for(events: int) -> int:
    """How many processes a history of so many events is worth: the cores at most, and eight."""
    return max(1, min(os.cpu_count() or 1, MOST_PROCESSES, events // EVENTS_PER_PROCESS))


@dataclass(frozen=True, slots=True)
class Crew:
    """Does tasks on a snapshot. Without hands, it does them itself."""

    connection: Connection
    _hands: list[_Hand] = field(default_factory=list)

    def results(self, work: Work[Task, Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """What comes of each task, in their order. Raises Ended."""
        if not self._hands:
            yield from map(work(self.connection), tasks)
            return
        for hand in self._hands:
            hand.send(_Given(work))
        yield from _in_order(self._hands, iter(tasks))


@contextmanager
def on_snapshot(engine: Engine, processes: int) -> Iterator[Crew]:
    """A crew whose members all see the database as it stands now. Raises Ended."""
    if processes <= 1:
        with snapshot(engine) as connection:
            yield Crew(connection)
        return
    url = engine.url.render_as_string(hide_password=False)
    with ExitStack() as stack:
        hands = [stack.enter_context(_hired(url)) for _ in range(processes)]
        for hand in hands:
            hand.receive()  # it is connected
        connection, lock, name = stack.enter_context(standing_still(engine))
        for hand in hands:
            hand.send(name)
        for hand in hands:
            hand.receive()  # it sees what we see
        lock.close()
        yield Crew(connection, hands)


@dataclass(frozen=True, slots=True)
class _Given:
    """Work, as opposed to a task of it."""

    work: Work[Any, Any]


@dataclass(slots=True)
class _Hand:
    """Another process, and what it has been given to do."""

    process: ForkServerProcess
    pipe: Pipe[Any, Any]
    tasks: list[int] = field(default_factory=list)

    def send(self, what: object) -> None:
        try:
            self.pipe.send(what)
        except OSError:
            raise self._ended() from None

    def receive(self) -> Any:
        try:
            answer = self.pipe.recv()
        except (EOFError, OSError):
            raise self._ended() from None
        if isinstance(answer, Ended):
            raise answer
        return answer

    def _ended(self) -> Ended:
        self.process.join()
        return Ended(f"process {self.process.pid} of this audit ended early, with exit code {self.process.exitcode}")


@cache
def _context() -> ForkServerContext:
    """Processes that have imported what this one has of the audit."""
    context = get_context("forkserver")
    context.set_forkserver_preload([name for name in sys.modules if name.startswith("creditbank.audit.")])
    return context


@contextmanager
def _hired(url: str) -> Iterator[_Hand]:
    context = _context()
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, url), daemon=True)
    process.start()
    theirs.close()
    try:
        yield _Hand(process, ours)
    finally:
        ours.close()
        process.terminate()
        process.join()


def _in_order(hands: list[_Hand], tasks: Iterator[Any]) -> Iterator[Any]:
    numbered = enumerate(tasks)
    waiting: dict[int, Any] = {}
    next_number = 0
    for hand in hands:
        _give(hand, numbered, _AHEAD)
    while any(hand.tasks for hand in hands):
        for ready in pipes.wait([hand.pipe for hand in hands if hand.tasks]):
            (hand,) = (one for one in hands if one.pipe is ready)
            waiting[hand.tasks.pop(0)] = hand.receive()
            _give(hand, numbered, 1)
        while next_number in waiting:
            yield waiting.pop(next_number)
            next_number += 1


def _give(hand: _Hand, tasks: Iterator[tuple[int, Any]], count: int) -> None:
    for number, task in islice(tasks, count):
        hand.tasks.append(number)
        hand.send(task)


def _serve(pipe: Pipe[Any, Any], url: str) -> None:
    """What the other process does until its pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it is told, and ends it
    gc.freeze()
    gc.set_threshold(100_000)  # rows and events do not refer to each other in circles
    engine = open_engine(url, pool_size=2)
    try:
        with engine.connect():
            pipe.send("connected")
        with joined(engine, pipe.recv()) as connection:
            pipe.send("joined")
            while True:
                match pipe.recv():
                    case _Given(work):
                        do = work(connection)
                    case task:
                        pipe.send(do(task))
    except (EOFError, BrokenPipeError):
        return  # it is not needed any more
    except SQLAlchemyError as error:
        kind = Damaged if is_damage(error) else Ended
        pipe.send(kind(f"a process of this audit failed: {type(error).__name__}"))
