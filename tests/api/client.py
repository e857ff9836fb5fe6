"""A client of an application in this process that goes to its event loop and back once for an answer.

Starlette's own goes there twice, and takes eight turns of the loop so that answers can be read in pieces: more than
twice the time of most answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import BaseTransport, Request, Response
from starlette.types import Message

PORTS = {"http": 80, "https": 443}


@contextmanager
def started(app: FastAPI, base_url: str) -> Iterator[TestClient]:
    """The application from its start to its stop."""
    client = TestClient(app, base_url=base_url)
    client._transport = transport = Whole(client)  # what it would be given, if it could be
    with client:
        assert client.portal is not None
        transport.loop = client.portal.call(_running_loop)
        yield client


async def _running_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


class Whole(BaseTransport):
    """Gives answers when they are complete. What the application raises is raised here."""

    loop: asyncio.AbstractEventLoop | None = None
    """That of the application, as long as it runs."""

    def __init__(self, client: TestClient) -> None:
        self._client = client

    def handle_request(self, request: Request) -> Response:
        url, body = request.url, request.read()
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "path": unquote(url.path),
            "raw_path": url.raw_path.partition(b"?")[0],
            "root_path": "",
            "scheme": url.scheme,
            "query_string": url.query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("testclient", 50_000),
            "server": [url.host, url.port or PORTS[url.scheme]],
            "state": self._client.app_state.copy(),
        }
        assert self.loop is not None, "the application has not been started"
        return asyncio.run_coroutine_threadsafe(self._answer(scope, body, request), self.loop).result()

    async def _answer(self, scope: dict[str, Any], body: bytes, request: Request) -> Response:
        start: Message = {}
        parts: list[bytes] = []
        is_read, is_complete = False, asyncio.Event()

        async def receive() -> Message:
            nonlocal is_read
            if is_read:
                await is_complete.wait()
                return {"type": "http.disconnect"}
            is_read = True
            return {"type": "http.request", "body": body}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                assert not start, "the answer has begun already"
                start.update(message)
                return
            assert start and not is_complete.is_set(), "there is no answer that this is a part of"
            parts.append(bytes(message.get("body", b"")))
            if not message.get("more_body", False):
                is_complete.set()

        await self._client.app(scope, receive, send)
        assert is_complete.is_set(), "the answer has no end"
        content = b"" if request.method == "HEAD" else b"".join(parts)
        return Response(start["status"], headers=start["headers"], content=content, request=request)
