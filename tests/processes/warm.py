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
from threading import Lock

PROJECT = Path(__file__).resolve().parents[2]
_LARGEST = 1 << 20
_IMPORTED = ("creditbank.app", "creditbank.cli.serve", "creditbank.cli.server", "uvloop", "psycopg")


@dataclass(frozen=True, slots=True)
class Forge:
    """Where servers are asked for. Those that still run are killed with it."""

    _wire: socket.socket
    _process: subprocess.Popen[bytes]
    _lock: Lock = field(default_factory=Lock)

    def fork(self, words: Sequence[str], environment: Mapping[str, str], output: int, errors: int) -> int:
        """Start `creditbank` with these words; the id of the process."""
        asked = json.dumps([list(words), dict(environment)]).encode()
        with self._lock:
            socket.send_fds(self._wire, [asked], [output, errors])
            return int(self._wire.recv(_LARGEST))

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


def _run(words: Sequence[str], environment: Mapping[str, str], output: int, errors: int) -> None:
    from creditbank.cli import main

    os.dup2(output, 1)
    os.dup2(errors, 2)
    os.closerange(3, max(output, errors) + 1)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["creditbank", *words]
    main()


def _serve(wire: socket.socket) -> None:
    """Fork whatever is asked for, until nobody is left who asks."""
    while True:
        asked, descriptors, _, _ = socket.recv_fds(wire, _LARGEST, 2)
        if not asked:
            os.killpg(0, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:  # not before: whoever asked has taken hold of what it got by now
                continue
        words, environment = json.loads(asked)
        child = os.fork()
        if child == 0:
            wire.close()
            _run(words, environment, *descriptors)
            sys.exit(0)
        for descriptor in descriptors:
            os.close(descriptor)
        wire.send(str(child).encode())


if __name__ == "__main__":
    for name in _IMPORTED:
        import_module(name)
    gc.freeze()
    _serve(socket.socket(fileno=int(sys.argv[1])))
