"""A connection takes no more, and for no longer, than a request needs."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from creditbank.api.heads import HEAD_BYTES
from creditbank.cli import protocol
from creditbank.cli.protocol import Protocol


async def tell_size(_scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers with the size of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


async def tell_much(_scope: Scope, _receive: Receive, send: Send) -> None:
    """An application that answers with more than any buffer on the way takes."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(1000):
        await send({"type": "http.response.body", "body": b"x" * 1_000_000, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[tuple[tuple[str, int], ServerState]]:
    """A server that speaks the protocol: its address, and what it knows of its connections."""
    config = uvicorn.Config(app, http=Protocol, lifespan="off", log_level="error")
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: Protocol(config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    async with server:
        yield server.sockets[0].getsockname(), state


def sent(*pieces: bytes, pause: float = 0) -> bytes:
    """What comes back, until the server closes, when these pieces are sent one after the other."""

    async def talk() -> bytes:
        async with serving(tell_size) as (address, state):
            reader, writer = await asyncio.open_connection(*address)
            sending = asyncio.create_task(send_all(writer, pieces, pause))
            answer = await asyncio.wait_for(reader.read(), 10)
            sending.cancel()
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            while state.connections:
                await asyncio.sleep(0)
        return answer

    return asyncio.run(talk())


async def send_all(writer: asyncio.StreamWriter, pieces: Iterable[bytes], pause: float) -> None:
    for piece in pieces:
        writer.write(piece)
        if pause:
            await asyncio.sleep(pause)


def problem(answer: bytes) -> tuple[bytes, str]:
    """The status line and the code of a problem document that is the whole answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"x-request-id: " + json.loads(body)["request_id"].encode() in head
    return head.split(b"\r\n")[0], json.loads(body)["code"]


def filled(start: bytes, size: int = HEAD_BYTES + 1) -> bytes:
    return start + b"x" * (size - len(start))


@pytest.mark.parametrize(
    "start",
    [b"GET /", b"GET / HTTP/1.1\r\nOne: ", b"GET / HTTP/1.1\r\n" + b"Many: x\r\n" * 5000],
    ids=["path", "one header", "many headers"],
)
def test_a_head_that_never_ends_is_refused(start: bytes) -> None:
    assert problem(sent(filled(start))) == (b"HTTP/1.1 431 Request Header Fields Too Large", "header_too_large")


@pytest.mark.parametrize("start", [b"2;extension=", b"2\r\n{}\r\n0\r\nTrailer: "])
def test_what_never_ends_between_the_parts_of_a_body_ends_the_connection(start: bytes) -> None:
    # More than the server reads at once: what comes in one piece with a part of the body is not counted.
    chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    with suppress(ConnectionError):  # the server closes before it has read all
        assert b"200 OK" not in sent(filled(chunked + start, 1_000_000))


def test_bodies_and_small_headers_are_not_counted_together() -> None:
    head = filled(b"POST / HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nOne: ", HEAD_BYTES - 4)
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    assert sent(head + b"\r\n\r\n", *[chunk] * 20, b"0\r\n\r\n").endswith(b"\r\n327680\r\n0\r\n\r\n")


def test_what_is_no_http_gets_a_problem_document() -> None:
    assert problem(sent(b"\x16\x03\x01 hello\r\n\r\n")) == (b"HTTP/1.1 400 Bad Request", "malformed_request")


@pytest.mark.parametrize("begun", [b"", b"GET / HTT", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n1234"])
def test_a_request_that_does_not_arrive_in_time_is_given_up(begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "ARRIVAL_SECONDS", 0.05)
    assert problem(sent(begun)) == (b"HTTP/1.1 408 Request Timeout", "request_timeout")


def test_a_body_that_comes_drop_by_drop_has_no_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "ARRIVAL_SECONDS", 0.2)
    drops = [b"1\r\nx\r\n"] * 1000
    answer = sent(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", *drops, pause=0.02)
    assert problem(answer) == (b"HTTP/1.1 408 Request Timeout", "request_timeout")


def test_a_client_that_takes_nothing_of_its_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "DEPARTURE_SECONDS", 0.3)

    async def ignore() -> None:
        async with serving(tell_much) as (address, state):
            with socket.create_connection(address) as client:
                client.sendall(b"GET / HTTP/1.1\r\n\r\n")
                while not state.connections:
                    await asyncio.sleep(0.01)
                while state.connections:
                    await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(ignore(), 20))


def test_a_second_request_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "ARRIVAL_SECONDS", 0.2)
    assert sent(b"GET / HTTP/1.1\r\n\r\nGET / HTT").count(b"HTTP/1.1 200") == 1


def test_a_large_body_has_more_time_as_long_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "ARRIVAL_SECONDS", 1.0)
    monkeypatch.setattr(protocol, "ARRIVAL_BYTES", 50)
    pieces = [b"x" * 20] * 25
    last = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"
    answer = sent(b"POST / HTTP/1.1\r\nContent-Length: 500\r\n\r\n", *pieces, last, pause=0.05)
    assert answer.count(b"HTTP/1.1 200") == 2
