"""A process that has imported the bank and makes servers of itself: a server then starts without a second of imports.

What is forked runs `creditbank` with the words, the environment and the outputs that it is given, as if started anew.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from threading import Lock
from typing import IO

PROJECT = Path(__file__).resolve().parents[2]
_LARGEST = 1 << 20
_IMPORTED = ("creditbank.cli.serve", "creditbank.cli.server", "uvloop", "psycopg")


def has_ended(handle: int, seconds: float | None) -> bool:
    """Wait so long for the end of the process that a descriptor means, which need not be a child."""
    with DefaultSelector() as selector:
        selector.register(handle, EVENT_READ)
        return bool(selector.select(seconds))


@dataclass(frozen=True, slots=True)
class Child:
    """A process that was forked: its id, a descriptor that means it and no other, and where its exit code comes."""

    pid: int
    handle: int
    _ended: IO[bytes]

    def has_ended(self, seconds: float | None) -> bool:
        """Wait so long for its end."""
        return has_ended(self.handle, seconds)

    def exit_code(self) -> int:
        """The exit code of a process that has ended, or will; for the first who asks."""
        os.close(self.handle)
        with self._ended as ended:
            return int(ended.readline())


@dataclass(frozen=True, slots=True)
class Forge:
    """Where servers are asked for. Those that still run are killed with it."""

    _wire: socket.socket
    _process: subprocess.Popen[bytes]
    _lock: Lock = field(default_factory=Lock)

    def fork(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        output: int,
        errors: int,
        constants: Mapping[str, float] | None = None,
    ) -> Child:
        """Start `creditbank` with these words, and with other values of constants, by `module.NAME`."""
        asked = json.dumps([list(words), dict(environment), dict(constants or {})]).encode()
        reading, writing = os.pipe()
        with self._lock, os.fdopen(writing, "wb"):
            socket.send_fds(self._wire, [asked], [output, errors, writing])
            pid, [handle], _, _ = socket.recv_fds(self._wire, _LARGEST, 1)
        return Child(int(pid), handle, os.fdopen(reading, "rb"))

    def close(self) -> None:
        self._wire.shutdown(socket.SHUT_RDWR)
        self._process.wait()
        self._wire.close()


@cache
def forge(preloaded: tuple[tuple[str, str], ...] = ()) -> Forge:
    """The one of this process, which ends with it; one more for each environment that it has to have at its start."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line = [sys.executable, "-m", "tests.processes.warm", str(theirs.fileno())]
    made = Forge(
        ours,
        subprocess.Popen(
            line, cwd=PROJECT, pass_fds=[theirs.fileno()], start_new_session=True, env={**os.environ, **dict(preloaded)}
        ),
    )
    theirs.close()
    atexit.register(made.close)
    return made


def _run(words: Sequence[str], environment: Mapping[str, str], constants: Mapping[str, float]) -> None:
    from creditbank.cli import main

    os.environ.clear()
    os.environ.update(environment)
    for name, value in constants.items():
        module, _, constant = name.rpartition(".")
        assert hasattr(import_module(module), constant), name
        setattr(import_module(module), constant, value)
    sys.argv = ["creditbank", *words]
    main()


def _forked(asked: bytes, output: int, errors: int) -> int:
    """The id of a process that does what was asked."""
    child = os.fork()
    if child == 0:
        os.dup2(output, 1)
        os.dup2(errors, 2)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        _run(*json.loads(asked))
        sys.exit(0)
    return child


def _serve(wire: socket.socket) -> None:
    """Fork whatever is asked for, and tell how each ended, until nobody is left who asks."""
    running: dict[int, tuple[int, int]] = {}
    with DefaultSelector() as selector:
        selector.register(wire, EVENT_READ)
        while True:
            for ready, _ in selector.select():
                if ready.fd in running:
                    selector.unregister(ready.fd)
                    _tell_end(ready.fd, *running.pop(ready.fd))
                    continue
                asked, descriptors, _, _ = socket.recv_fds(wire, _LARGEST, 3)
                if not asked:
                    os.killpg(0, signal.SIGKILL)
                output, errors, ended = descriptors
                child = _forked(asked, output, errors)
                handle = os.pidfd_open(child)
                socket.send_fds(wire, [str(child).encode()], [handle])
                os.close(output)
                os.close(errors)
                running[handle] = child, ended
                selector.register(handle, EVENT_READ)


def _tell_end(handle: int, child: int, ended: int) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with suppress(BrokenPipeError):  # nobody wants to know
        os.write(ended, f"{code}\n".encode())
    os.close(ended)
    os.close(handle)


if __name__ == "__main__":
    from creditbank.app import create_app  # only here: whoever asks for servers need not have imported the bank
    from creditbank.cli import command
    from creditbank.settings import Settings

    for name in _IMPORTED:
        import_module(name)
    # Made once: what the framework works out about each route, and the reader of the arguments.
    create_app(Settings())
    command()
    gc.freeze()
    _serve(socket.socket(fileno=int(sys.argv[1])))
