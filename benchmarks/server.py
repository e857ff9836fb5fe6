"""Servers under measurement, each in a process of its own: creditbank as an operator starts it, and the peers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from benchmarks.load import Refused

READY_WITHIN = 30.0  # seconds
PROJECT = Path(__file__).resolve().parent.parent
CREDITBANK = [sys.executable, "-m", "creditbank"]


class NotStarted(Exception):
    """A server ended, or stayed silent, before it was ready."""


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    process: psutil.Process

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu_seconds(self) -> float:
        """Processor time of the server and its workers so far, without that of the database."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(sum(each.cpu_times()[:2]) for each in family)

    def memory_megabytes(self) -> float:
        """What the server and its workers have in memory now, without the database."""
        family = [self.process, *self.process.children(recursive=True)]
        return float(sum(each.memory_info().rss for each in family)) / 1024 / 1024


def environment(database_url: str, directory: Path) -> dict[str, str]:
    """What creditbank is told on a database, with its own data in `directory`."""
    return {
        **os.environ,
        "CREDITBANK_DATABASE_URL": database_url,
        "CREDITBANK_DATA_DIR": str(directory / "data"),
        "CREDITBANK_ORIGIN": "bank.example/log",
        "CREDITBANK_REQUESTS_PER_MINUTE": "100000000",  # counted as in production, and never reached
        "CREDITBANK_LOOKUPS_PER_MINUTE": "100000000",
    }


def command(database_url: str, directory: Path, *arguments: str) -> str:
    """What a command of creditbank prints; raises NotStarted where it fails."""
    return _run([*CREDITBANK, *arguments], environment(database_url, directory))


@contextmanager
def product(database_url: str, directory: Path) -> Iterator[tuple[Server, str]]:
    """creditbank on a new database, with the first authority's key; `directory` takes its data and its log."""
    command(database_url, directory, "migrate")
    key = command(database_url, directory, "keys", "create", "--role", "authority").split()[-1]
    port = _free_port()
    log = directory / "creditbank.log"
    serve = [*CREDITBANK, "serve", "--host", "127.0.0.1", "--port", str(port)]
    with _started(
        serve, port, environment(database_url, directory), log, ready=lambda: str(port) in log.read_text()
    ) as server:
        yield server, key


@contextmanager
def peer(module: str, database_url: str, directory: Path) -> Iterator[Server]:
    """The application of one of the peers, under the same server software with the same options as the product."""
    port = _free_port()
    serve = [sys.executable, "-m", "uvicorn", f"benchmarks.peers.{module}:app", "--port", str(port)]
    options = ["--http", "httptools", "--loop", "uvloop", "--no-access-log", "--log-level", "warning"]
    told = {**os.environ, "PEER_DATABASE_URL": database_url}
    log = directory / f"{module}.log"
    with _started([*serve, *options], port, told, log, ready=lambda: _listening(port)) as server:
        yield server


@contextmanager
def _started(
    command: list[str], port: int, environment: dict[str, str], log: Path, *, ready: Callable[[], bool]
) -> Iterator[Server]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + READY_WITHIN
        while not (ready() and _listening(port)):
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotStarted(f"{' '.join(command)}\n{log.read_text()[-4000:]}")
            time.sleep(0.05)
        yield Server(port, psutil.Process(process.pid))
    except Refused as refused:
        refused.add_note(f"{log.name} ends with:\n{log.read_text()[-4000:]}")
        raise
    finally:
        process.terminate()
        process.wait(READY_WITHIN)


def _run(command: list[str], environment: dict[str, str]) -> str:
    answer = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise NotStarted(f"{' '.join(command)}\n{answer.stdout}{answer.stderr}")
    return answer.stdout


def _free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _listening(port: int) -> bool:
    with closing(socket.socket()) as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0
