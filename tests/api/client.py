"""A client of an application in this process that asks in one turn of its event loop.

Starlette's own takes eight, so that answers can be read in pieces: twice the time of most answers.
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
    client._transport = Whole(client)  # what it would be given, if it could be
    with client:
        yield client


class Whole(BaseTransport):
    """Gives answers when they are complete. What the application raises is raised here."""

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
        assert self._client.portal is not None, "the application has not been started"
        return self._client.portal.call(self._answer, scope, body, request)

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
