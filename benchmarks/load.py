"""A load client that is not the bottleneck: keep-alive HTTP/1.1 over bare sockets, in a process of its own.

Requests are encoded beforehand and answers only looked at for status and length; any answer but 2xx ends the run.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import uvloop

from benchmarks.measure import Sample

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"


class Refused(Exception):
    """An answer that was not 2xx, or not an answer at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one drive saw; latencies in milliseconds, `client_busy` is the client's share of one core."""

    requests: int
    seconds: float
    p50: float
    p99: float
    client_busy: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    def sample(self, server_cpu_seconds: float) -> Sample:
        """The rate as a round's figure, with the latencies, and who was busy while it was measured."""
        details = {
            "p50_ms": self.p50,
            "p99_ms": self.p99,
            "client_busy": self.client_busy,
            "server_busy": server_cpu_seconds / self.seconds,
            "server_cpu_us_per_request": 1e6 * server_cpu_seconds / self.requests,
        }
        return Sample(self.rate, details)


def encode(
    method: str, path: str, *, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
) -> bytes:
    content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    lines = {"Host": "localhost", "Accept": "application/json", **(headers or {})}
    if body is not None:
        lines |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
    head = "\r\n".join([f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items())])
    return head.encode() + HEAD_END + content


class Client:
    """Drives a server from another process, which is started once and kept warm between rounds."""

    def __init__(self, process: ProcessPoolExecutor) -> None:
        self._process = process

    def drive(self, port: int, requests: Sequence[bytes], *, connections: int) -> Load:
        """Send every request once over `connections` keep-alive connections; raises Refused on any answer but 2xx."""
        return self._process.submit(_drive, port, requests, connections).result()


@contextmanager
def client() -> Iterator[Client]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        yield Client(process)


def _drive(port: int, requests: Sequence[bytes], connections: int) -> Load:
    return uvloop.run(driven(port, requests, connections=connections))


async def driven(port: int, requests: Sequence[bytes], *, connections: int) -> Load:
    """Drive a server from the running event loop; see Client.drive."""
    loop = asyncio.get_running_loop()
    queue = iter(requests)
    clients = [
        (await loop.create_connection(lambda: _Connection(queue, loop.create_future()), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    started, cpu_started = time.perf_counter(), time.process_time()
    for each in clients:
        each.send_next()
    await asyncio.gather(*(each.finished for each in clients))
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    latencies = sorted(latency for each in clients for latency in each.latencies)
    return Load(
        requests=len(latencies),
        seconds=seconds,
        p50=1000 * _percentile(latencies, 0.50),
        p99=1000 * _percentile(latencies, 0.99),
        client_busy=cpu_seconds / seconds,
    )


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


class _Connection(asyncio.Protocol):
    """One keep-alive client: takes the next request of the common queue as soon as its last one is answered."""

    def __init__(self, queue: Iterator[bytes], finished: asyncio.Future[None]) -> None:
        self.finished = finished
        self.latencies: list[float] = []
        self._queue = queue
        self._received = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def send_next(self) -> None:
        request = next(self._queue, None)
        if request is None:
            self.finished.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(HEAD_END)
        if head_end < 0:
            return
        head = self._received[:head_end].lower()
        length_at = head.find(LENGTH)
        if head[9:10] != b"2" or length_at < 0:
            self._fail(Refused(self._received.decode(errors="replace")))
            return
        length = int(head[length_at + len(LENGTH) :].split(b"\r\n", 1)[0])
        if len(self._received) < head_end + len(HEAD_END) + length:
            return
        self.latencies.append(time.perf_counter() - self._sent_at)
        self._received = b""
        self.send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(Refused(f"connection closed by the server: {exc}"))

    def _fail(self, failure: Refused) -> None:
        if not self.finished.done():
            self.finished.set_exception(failure)
            self._transport.abort()
