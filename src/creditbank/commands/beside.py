"""A process beside the server that makes lines ready, so that the thread that writes has less to do.

It has the catalogue and the keys that it was told, in memory, and neither database nor file. It ends when the server
does, in whatever way, since nobody holds the other end of its pipe any more. Without it everything works as it did.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from struct import Struct
from threading import Event, Lock, Thread
from typing import IO, Any, Protocol

from sqlalchemy.exc import DBAPIError, TimeoutError

from creditbank.commands.bank import Bank
from creditbank.commands.ready import Knowledge, Maker, Stamp
from creditbank.domain.errors import Unavailable

_logger = logging.getLogger("creditbank.beside")
_LENGTH = Struct("!Q")
_END_SECONDS = 2.0


class Lost(Exception):
    """The process is not up, or has come to an end, or could not answer: what was asked of it is done without it."""


@dataclass(slots=True)
class Room:
    """What the process works with: what it was told last, and what questions keep for those behind them."""

    maker: Maker
    kept: dict[Any, Any] = field(default_factory=dict)


class Question(Protocol):
    """What the process is asked. Its class is imported there by name."""

    def answer(self, room: Room) -> Any: ...


@dataclass(frozen=True, slots=True)
class Follow:
    """Question that brings news and wants nothing."""

    def answer(self, _room: Room) -> None:
        return


class Beside:
    """The server's end. Started by whoever first has a long list; until it is up, each question is Lost."""

    def __init__(self, bank: Bank, modules: Sequence[str], *, is_wanted: bool = True) -> None:
        """`modules` are those of the questions. One that is not wanted is never started."""
        self._bank = bank
        self._modules = modules
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.up = Event()
        """Set while questions are answered."""
        self._is_closed = not is_wanted
        self._asked: deque[Future[Any]] = deque()
        self._told: Stamp | None = None

    def ask(self, question: Question) -> Future[Any]:
        """What the process answers; raises Lost in its place. May wait while a large question is taken in."""
        answer: Future[Any] = Future()
        answer.set_running_or_notify_cancel()  # whoever gives it up is answered all the same, in their turn
        known = self._knowledge()
        with self._lock:
            self._wake()
            if known is None or not self.up.is_set() or self._is_closed:
                answer.set_exception(Lost())
                return answer
            assert self._process is not None and self._process.stdin is not None
            is_news = known.stamp != self._told
            self._asked.append(answer)
            try:
                _send(self._process.stdin, (known if is_news else None, question))
            except OSError:
                pass  # the one who reads its answers finds that it has ended
            else:
                self._told = known.stamp
        return answer

    def wake(self) -> None:
        """Start the process where there is none."""
        with self._lock:
            self._wake()

    def follow(self) -> None:
        """Tell a process that is up what has changed: a key that was destroyed stays in no memory. A chore."""
        if self.up.is_set() and (known := self._knowledge()) is not None and known.stamp != self._told:
            self.ask(Follow())

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._is_closed = True
            process = self._process
            if process is not None:
                assert process.stdin is not None
                _hang_up(process.stdin)
        if process is not None:
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @property
    def pid(self) -> int | None:
        """Of the process, where there is one."""
        process = self._process
        return None if process is None else process.pid

    def _knowledge(self) -> Knowledge | None:
        """What the bank knows now; None where its database cannot be asked, or its keys cannot be read."""
        bank = self._bank
        try:
            return Knowledge(catalogue=bank.catalogue(), keys=bank.vault.keys, today=bank.today())
        except (DBAPIError, TimeoutError, Unavailable):
            return None

    def _wake(self) -> None:
        if self._process is None and not self._is_closed:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "creditbank.commands.beside", *self._modules],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            Thread(target=self._listen, args=(self._process,), name="beside", daemon=True).start()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        try:
            while (told := _receive(process.stdout)) is not None:
                self._hear(*told)
        finally:
            self._bury(process)

    def _hear(self, kind: str, content: Any) -> None:
        if kind == "up":
            self.up.set()
            return
        answer = self._asked.popleft()
        if kind == "answer":
            answer.set_result(content)
        else:
            _logger.error("the process beside the server could not answer: %s", content)
            answer.set_exception(Lost())

    def _bury(self, process: subprocess.Popen[bytes]) -> None:
        """Let go of a process that has ended. Whoever has the next long list starts another one."""
        with self._lock:
            self.up.clear()
            self._process, self._told = None, None
            unanswered, self._asked = self._asked, deque()
            is_closed = self._is_closed
        for answer in unanswered:
            answer.set_exception(Lost())
        assert process.stdin is not None and process.stdout is not None
        _hang_up(process.stdin)
        process.stdout.close()  # which ends it, should it still have something to say
        code = process.wait()
        if not is_closed:
            _logger.error("the process beside the server ended with code %s", code)


def _hang_up(pipe: IO[bytes]) -> None:
    with suppress(OSError):  # what was still to be said finds nobody
        pipe.close()


def _send(pipe: IO[bytes], content: Any) -> None:
    said = pickle.dumps(content, pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(said)))
    pipe.write(said)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> Any:
    """What the other end says next; None where it has gone."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    said = pipe.read(length)
    return pickle.loads(said) if len(said) == length else None


def main() -> None:
    """The process itself: answers questions, one after the other, until nobody asks any more."""
    # A terminal interrupts all that run in it: the server says when this one is to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked, told = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    for name in sys.argv[1:]:
        import_module(name)
    _send(told, ("up", None))
    room: Room | None = None
    while (said := _receive(asked)) is not None:
        news, question = said
        if news is not None:
            room = Room(Maker(news), {} if room is None else room.kept)
        try:
            answer = ("answer", question.answer(room))
        except Exception as failure:  # noqa: BLE001 -- named where it concerns somebody, and done there without this
            answer = ("failed", type(failure).__name__)
        try:
            _send(told, answer)
        except BrokenPipeError:
            return


if __name__ == "__main__":
    main()
