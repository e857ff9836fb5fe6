"""Clients that ask at the same instant, spread over the servers of one bank."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import Barrier

from tests.processes.bank import Keys, first_key, prepare
from tests.processes.calls import Answer, Caller
from tests.processes.server import Installation

CLIENTS = 32


@dataclass(frozen=True, slots=True)
class Contenders:
    """The clients of one bank, each with a connection of its own to one of its servers."""

    keys: Keys
    callers: Sequence[Caller]
    installation: Installation
    addresses: Sequence[str]
    _threads: ThreadPoolExecutor

    @property
    def first(self) -> Caller:
        """A caller of the first server."""
        return self.callers[0]

    @property
    def last(self) -> Caller:
        """A caller of the last server: another one than the first where there are two."""
        return self.callers[-1]

    def at_once(self, question: Callable[[Caller, int], Answer]) -> list[Answer]:
        """What each client is answered when all ask in the same instant. The question gets the client's number."""
        together = Barrier(len(self.callers))

        def ask(number: int) -> Answer:
            together.wait(30)
            return question(self.callers[number], number)

        return list(self._threads.map(ask, range(len(self.callers))))


@contextmanager
def contending(installation: Installation, servers: int) -> Iterator[Contenders]:
    """32 clients of a bank that is served by one process, or by several."""
    authority = first_key(installation)
    with ExitStack() as stack:
        processes = [stack.enter_context(installation.serving()) for _ in range(servers)]
        callers = [
            stack.enter_context(Caller(processes[number * servers // CLIENTS].address)) for number in range(CLIENTS)
        ]
        threads = stack.enter_context(ThreadPoolExecutor(CLIENTS))
        addresses = [process.address for process in processes]
        yield Contenders(prepare(callers[0], authority), callers, installation, addresses, threads)
