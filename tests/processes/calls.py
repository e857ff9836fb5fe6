"""HTTP calls of one client, over one connection; whether an answer came is part of the result."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from time import monotonic
from types import TracebackType
from typing import Any, Self

from tests.personal import WATCH

TIMEOUT = 30.0
IDLE_SECONDS = 3.0
"""After which a connection is not used again: the server closes one that has been idle for five."""


class Unanswered(Exception):
    """The connection ended before the answer: whether the request had its effect is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    body: bytes
    replayed: bool
    retry_after: str | None
    seconds: float

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def code(self) -> str:
        return str(self.content["code"])


class Caller:
    """A client of one server. Not for several threads."""

    def __init__(self, address: str) -> None:
        self._http = HTTPConnection(address, timeout=TIMEOUT)
        self._used = monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, token: str = "", purpose: str | None = None) -> Answer:
        return self._call("GET", path, token, more=None if purpose is None else {"Creditbank-Purpose": purpose})

    def delete(self, path: str, token: str) -> Answer:
        return self._call("DELETE", path, token)

    def post(self, path: str, token: str, body: Any, key: str) -> Answer:
        return self.send(path, token, json.dumps(body, ensure_ascii=False).encode(), key)

    def send(self, path: str, token: str, body: bytes, key: str) -> Answer:
        """Post a body of bytes as they are, under an idempotency key."""
        return self._call("POST", path, token, body, {"Content-Type": "application/json", "Idempotency-Key": key})

    def upload(self, path: str, token: str, body: bytes, media_type: str, key: str) -> Answer:
        """Post a file."""
        return self._call("POST", path, token, body, {"Content-Type": media_type, "Idempotency-Key": key})

    def _call(
        self, method: str, path: str, token: str, body: bytes | None = None, more: dict[str, str] | None = None
    ) -> Answer:
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **(more or {})}
        WATCH.remember_request({name.lower(): value for name, value in headers.items()}, body or b"")
        began = monotonic()
        if began - self._used > IDLE_SECONDS:
            self._http.close()
        try:
            self._http.request(method, path, body=body, headers=headers)
            response = self._http.getresponse()
            content = response.read()
        except (HTTPException, OSError) as error:
            self._http.close()
            raise Unanswered(type(error).__name__) from error
        self._used = monotonic()
        WATCH.search(f"the headers of {method} {path}", str(response.headers))
        if response.status >= 400:
            WATCH.search(f"the body of {method} {path}: {response.status}", content.decode())
        return Answer(
            status=response.status,
            body=content,
            replayed=response.getheader("Idempotency-Replayed") == "true",
            retry_after=response.getheader("Retry-After"),
            seconds=monotonic() - began,
        )
