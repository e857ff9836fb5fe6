"""`creditbank serve`: the HTTP server, as the bank wants it run."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from errno import EADDRINUSE
from tempfile import TemporaryDirectory

from fastapi import FastAPI
from uvicorn import Config
from uvicorn.config import STARTUP_FAILURE

from creditbank.cli import installation
from creditbank.cli.outcome import USAGE, Failed
from creditbank.cli.protocol import Protocol
from creditbank.cli.server import Ready, Server, Supervisor

GRACE_SECONDS = 4
"""How long requests in work may take after the signal to stop; the whole stop takes less than five seconds."""

PUBLIC_URL = "CREDITBANK_PUBLIC_URL"

APPLICATION = "creditbank.cli.server:application"

METRICS = "PROMETHEUS_MULTIPROC_DIR"
"""Where several processes keep their metrics; the library reads it from the environment."""


def run(*, host: str, port: int, workers: int, as_json: bool) -> None:
    """Serve until the process is told to stop. Raises Failed where it cannot start."""
    chosen = installation.settings()
    with installation.migrated(chosen) as engine:
        if workers > 1 and engine.dialect.name == "sqlite":
            raise Failed("an SQLite file is served by one process: leave out --workers, or use PostgreSQL", USAGE)
        installation.bound_keys(chosen, engine)
        installation.check_erased_list(chosen)
    listener = bound(host, [port])
    ready = Ready(host=host, port=listener.getsockname()[1], as_json=as_json)
    with published(host, listener.getsockname()[1]):
        if workers == 1:
            _serve(listener, ready)
        else:
            _supervise(listener, ready, workers)


def _serve(listener: socket.socket, ready: Ready) -> None:
    # The server raises the signal again when it has stopped; a stop that was asked for is a success.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        Server(configuration(workers=1), ready).run(sockets=[listener])
    except SystemExit as stop:
        if stop.code == STARTUP_FAILURE:
            raise Failed("the server did not start: its reason stands above") from None
        raise


def _supervise(listener: socket.socket, ready: Ready, workers: int) -> None:
    with TemporaryDirectory(prefix="creditbank-metrics-") as directory:
        os.environ.setdefault(METRICS, directory)
        supervisor = Supervisor(configuration(workers), [listener], ready)
        supervisor.run()
    if supervisor.failed:
        raise Failed("a worker did not start: its reason stands above")


def configuration(workers: int, application: str | Callable[[], FastAPI] = APPLICATION) -> Config:
    """How uvicorn serves the bank that the environment names."""
    return Config(
        application,
        factory=True,
        workers=workers,
        http=Protocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="error",
        server_header=False,
        proxy_headers=False,  # whom a proxy speaks for is the bank's own setting
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


@contextmanager
def published(host: str, port: int) -> Iterator[str]:
    """Where this server is reached from this machine. Inside, it is the public URL unless the environment names one."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    address = f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"
    is_derived = not os.environ.get(PUBLIC_URL)
    if is_derived:
        os.environ[PUBLIC_URL] = address
    try:
        yield address
    finally:
        if is_derived:
            del os.environ[PUBLIC_URL]


def bound(host: str, ports: Sequence[int]) -> socket.socket:
    """A socket with the first of these ports that is free, which does not listen yet. Raises Failed without one."""
    for port in ports:
        try:
            return _bound(host, port)
        except (OSError, OverflowError) as error:
            if getattr(error, "errno", None) == EADDRINUSE and port != ports[-1]:
                continue
            reason = getattr(error, "strerror", None) or error
            raise Failed(f"cannot listen on {host}, port {port}: {reason}") from None
    raise ValueError("no port to listen on")


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    listener.set_inheritable(True)
    return listener
