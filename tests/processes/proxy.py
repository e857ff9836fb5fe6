"""A wire to a database, or to a bank, that can be cut: at any time, or between what was asked and its answer."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock, Thread

from sqlalchemy import make_url

COMMIT, POST = b"COMMIT\x00", b"POST /"
_CHUNK = 65_536
_BACKLOG = 128

Verdict = Callable[[], bool]


@dataclass(slots=True)
class _Wire:
    client: socket.socket
    server: socket.socket
    awaited: bool = False

    def cut(self) -> None:
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@dataclass(slots=True)
class Proxy:
    """Passes on what goes to and from a server. `marker` is in what is asked for with effect: in a COMMIT, a POST."""

    _target: Callable[[], socket.socket]
    _listener: socket.socket
    _marker: bytes
    _wires: list[_Wire] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _is_up: bool = True
    _swallows: Verdict = lambda: False
    swallowed: int = 0
    """How many answers were swallowed; what they answered was done."""

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def go_down(self) -> None:
        """Cut every connection and accept no new one, until it comes up again."""
        with self._lock:
            self._is_up = False
        self.cut()

    def come_up(self) -> None:
        with self._lock:
            self._is_up = True

    def cut(self) -> None:
        """Cut the connections that stand, as a restart of the database does."""
        with self._lock:
            wires, self._wires = self._wires, []
        for wire in wires:
            wire.cut()

    def swallow(self, verdict: Verdict) -> None:
        """Swallow those answers for which the verdict is true, and cut the connection instead."""
        self._swallows = verdict

    def accept(self) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        with self._lock:
            if not self._is_up:
                client.close()
                return
            try:
                wire = _Wire(client, self._target())
            except OSError:
                client.close()
                return
            self._wires.append(wire)
        for passing in (self._to_server, self._to_client):
            Thread(target=self._pass, args=(passing, wire), daemon=True).start()

    def _pass(self, passing: Callable[[_Wire], None], wire: _Wire) -> None:
        with suppress(OSError):
            passing(wire)
        wire.cut()
        (wire.client if passing == self._to_server else wire.server).close()

    def _to_server(self, wire: _Wire) -> None:
        while chunk := wire.client.recv(_CHUNK):
            if self._marker in chunk and self._swallows():
                wire.awaited = True
            wire.server.sendall(chunk)

    def _to_client(self, wire: _Wire) -> None:
        while chunk := wire.server.recv(_CHUNK):
            if wire.awaited:
                self.swallowed += 1
                return
            wire.client.sendall(chunk)


@contextmanager
def before(database_url: str) -> Iterator[tuple[Proxy, str]]:
    """A proxy in front of a database, with the URL of the database behind it."""
    url = make_url(database_url)
    host = str(url.query.get("host") or url.host or "127.0.0.1")
    port = url.port or 5432

    def connected() -> socket.socket:
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        target = socket.socket(socket.AF_UNIX)
        target.connect(f"{host}/.s.PGSQL.{port}")
        return target

    with _passing(connected, COMMIT) as proxy:
        behind = url.set(host="127.0.0.1", port=proxy.port, query={})
        yield proxy, behind.render_as_string(hide_password=False)


@contextmanager
def facing(address: str) -> Iterator[tuple[Proxy, str]]:
    """A proxy in front of a bank, with the address under which the bank is behind it."""
    host, _, port = address.rpartition(":")
    with _passing(lambda: socket.create_connection((host, int(port))), POST) as proxy:
        yield proxy, f"127.0.0.1:{proxy.port}"


@contextmanager
def _passing(target: Callable[[], socket.socket], marker: bytes) -> Iterator[Proxy]:
    with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listener:
        proxy = Proxy(target, listener, marker)
        accepting = Thread(target=proxy.accept, daemon=True)
        accepting.start()
        try:
            yield proxy
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            proxy.cut()
