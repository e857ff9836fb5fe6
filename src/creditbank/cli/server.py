"""uvicorn, told three things: when to say that the bank is ready, who must know that it stops, and which app it is."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import socket
import sys
from dataclasses import dataclass
from types import FrameType

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from creditbank.app import create_app
from creditbank.cli import garbage
from creditbank.settings import Settings

WORKER_START_SECONDS = 30.0
SWITCH_SECONDS = 0.0001
"""How long a thread keeps the interpreter while another one wants it. The desk wants it back after each trip to the
database, a dozen times for every group; with the 5 ms that Python takes by itself it would mostly wait for that.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The line that tells the caller where the bank answers."""

    host: str
    port: int
    as_json: bool

    def announce(self) -> None:
        host = f"[{self.host}]" if ":" in self.host else self.host
        address = f"http://{host}:{self.port}"
        line = json.dumps({"address": address}) if self.as_json else f"creditbank serves {address}"
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


class Server(uvicorn.Server):
    """One process that announces itself when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Ready) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        garbage.settle()
        sys.setswitchinterval(SWITCH_SECONDS)
        self._ready.announce()


class Supervisor(Multiprocess):
    """Several processes on one socket; announced when all of them answer."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], ready: Ready) -> None:
        super().__init__(config, sockets)
        self._ready = ready

    @property
    def failed(self) -> bool:
        """Whether a worker could not start, which ends all of them."""
        return any(process.exitcode == STARTUP_FAILURE for process in self.processes)

    def init_processes(self) -> None:
        super().init_processes()
        if all(process.wait_until_ready(WORKER_START_SECONDS) for process in self.processes):
            self._ready.announce()


def application() -> FastAPI:
    """The app of this process; called by uvicorn inside the running loop."""
    settings = Settings()
    app = create_app(settings)
    if settings.access_log:
        _write_access_log()
    for number in (signal.SIGTERM, signal.SIGINT):
        _end_streams(app, number)
    return app


def _write_access_log() -> None:
    """Lines of the access log on standard output, as they are; a process has one such log."""
    access = logging.getLogger("creditbank.access")
    if not access.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(message)s"))
        access.addHandler(handler)
    access.setLevel(logging.INFO)
    access.propagate = False


def _end_streams(app: FastAPI, number: int) -> None:
    """Tell open streams of a signal to stop before the server waits for them to end."""
    loop, server_handles = asyncio.get_running_loop(), signal.getsignal(number)

    def handle(received: int, frame: FrameType | None) -> None:
        if hasattr(app.state, "stopping"):
            loop.call_soon_threadsafe(app.state.stopping.set)
        if callable(server_handles):
            server_handles(received, frame)

    signal.signal(number, handle)
