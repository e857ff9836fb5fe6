"""The one middleware around the application: identity, size, headers and traces of every request.

Plain ASGI, because each framework middleware costs more than all of this together.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from itertools import count
from secrets import token_hex
from time import perf_counter

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from creditbank.api import problems, traffic
from creditbank.domain.errors import BankError, Fault, Invalid, NotFound

KILOBYTE, MEGABYTE = 1024, 1024 * 1024
REQUEST_BYTES = 64 * KILOBYTE
BATCH_BYTES = 8 * MEGABYTE
RULEBOOK_BYTES = 4 * MEGABYTE
IMPORT_BYTES = 200 * MEGABYTE + REQUEST_BYTES
"""A file, and around it a form."""

ANSWER_HEADERS = "answer_headers"
"""Key in the request's state: headers, as pairs of bytes, that belong on the answer whatever it turns out to be."""

_PROCESS = token_hex(4).encode()
_numbers = count()
"""A request's own id is the process's and a number: random ones would ask the operating system each time."""

_SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_API_HEADERS = (*_DEFAULT_HEADERS, (b"cache-control", b"no-store"))
"""Sent unless the route has its own word on them."""

_access = logging.getLogger("creditbank.access")
_failures = logging.getLogger("creditbank.api")


class AnswerCutShort(Exception):
    """Tells the server to drop a connection whose answer cannot be completed; the cause has been logged."""


class _HeadAnswered(Exception):
    """Ends the work on a HEAD request whose GET would stream on."""


class Observability:
    """Gives each request an id, refuses bodies that are too large, answers HEAD, adds headers, counts and logs.

    Exceptions that nobody handles become a 500 here and are logged by type and place, without their words,
    which may hold personal data.
    """

    def __init__(self, app: ASGIApp, *, access_log: bool = False) -> None:
        self.app = app
        self.access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        try:
            await exchange.run(self.app)
        finally:
            seconds = perf_counter() - exchange.began
            route = traffic.route_of(exchange.scope)
            traffic.count(scope["method"], route, exchange.status, seconds)
            if self.access_log:
                _log_access(exchange, scope["method"], route, seconds)


class _Exchange:
    """One request and its answer."""

    __slots__ = (
        "_head",
        "_receive",
        "_received",
        "_repeated",
        "_send",
        "began",
        "limit",
        "request_id",
        "scope",
        "status",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.began = perf_counter()
        self._receive = receive
        self._send = send
        self._received = 0
        self._head = scope["method"] == "HEAD"
        self._repeated: str | None = None
        self.scope = dict(scope, method="GET") if self._head else scope
        self.limit = limit_of(scope["path"])
        self.status = 499
        """Of the answer; 499 while there is none, as when the client goes away."""
        self.request_id = b""

    async def run(self, app: ASGIApp) -> None:
        length = self._read_headers()
        try:
            if (refusal := self._refusal(length)) is not None:
                await self._answer(refusal)
            elif self._head:
                await self._run_head(app)
            else:
                receive = self._receive if self.scope["method"] in _WITHOUT_BODY else self.receive
                await app(self.scope, receive, self.send)
        except Exception as error:  # noqa: BLE001 -- the last resort; nothing above it could answer in our format
            await self._fail(error)

    async def receive(self) -> Message:
        """Counts what arrives: a chunked body has no length to be judged by beforehand."""
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received > self.limit:
            raise HTTPException(413)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._complete(list(message.get("headers", ())))
        await self._send(message)

    async def _run_head(self, app: ASGIApp) -> None:
        try:
            await app(self.scope, self._receive, self._send_head)
        except* _HeadAnswered:
            pass

    async def _send_head(self, message: Message) -> None:
        if message["type"] != "http.response.body":
            await self.send(message)
            return
        await self._send({"type": "http.response.body", "body": b""})
        if message.get("more_body", False):
            raise _HeadAnswered

    def _read_headers(self) -> int:
        """Settle the request id, note a repeated header, and return the announced length of the body."""
        length = credentials = keys = 0
        for name, value in self.scope["headers"]:
            if name == b"x-request-id" and _SANE_ID.fullmatch(value):
                self.request_id = value
            elif name == b"content-length" and value.isdigit():
                length = int(value[:20])
            elif name == b"authorization":
                credentials += 1
            elif name == b"idempotency-key":
                keys += 1
        if credentials > 1 or keys > 1:
            self._repeated = "Authorization" if credentials > 1 else "Idempotency-Key"
        if not self.request_id:
            self.request_id = b"%s%08x" % (_PROCESS, next(_numbers))
        self.scope.setdefault("state", {})["request_id"] = self.request_id.decode()
        return length

    def _refusal(self, length: int) -> BankError | None:
        """What can be refused unread. No text in the database holds NUL, and PostgreSQL cannot even compare with it."""
        if length > self.limit:
            return problems.BodyTooLarge()
        if self._repeated is not None:  # which one counts would be a guess
            fault = Fault(code="header_repeated", detail="May be sent only once.", parameter=self._repeated)
            return Invalid(faults=[fault])
        if "\0" in self.scope["path"]:
            return NotFound()
        if b"%00" in self.scope["query_string"]:
            return Invalid(faults=[Fault(code="nul_character", detail="Must not contain the NUL character.")])
        return None

    def _complete(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        own = {name for name, _ in headers}
        defaults = _API_HEADERS if self.scope["path"].startswith("/v1") else _DEFAULT_HEADERS
        headers.append((b"x-request-id", self.request_id))
        headers.extend(self.scope["state"].get(ANSWER_HEADERS, ()))
        headers.extend(header for header in defaults if header[0] not in own)
        return headers

    async def _fail(self, error: Exception) -> None:
        kinds = " < ".join(type(each).__qualname__ for each in _causes(error))
        frames = "".join(traceback.format_tb(error.__traceback__))
        _failures.error("unexpected %s, request %s\n%s", kinds, self.request_id.decode(), frames)
        if self.status != 499:
            raise AnswerCutShort from None
        await self._answer(problems.InternalError())

    async def _answer(self, error: BankError) -> None:
        send = self._send_head if self._head else self.send
        await problems.response_to(self.scope, error)(self.scope, self._receive, send)


def limit_of(path: str) -> int:
    """The most bytes that a body sent to this path may have."""
    if path.endswith(":batch"):
        return BATCH_BYTES
    if path == "/v1/imports":
        return IMPORT_BYTES
    if path.startswith("/v1/rulebooks"):
        return RULEBOOK_BYTES
    return REQUEST_BYTES


def _causes(error: BaseException | None) -> list[BaseException]:
    """The error and what led to it, nearest first, at most eight."""
    chain: list[BaseException] = []
    while error is not None and len(chain) < 8:
        chain.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return chain


def _log_access(exchange: _Exchange, method: str, route: str, seconds: float) -> None:
    line = {
        "request_id": exchange.request_id.decode(),
        "method": method if method.isalpha() and len(method) < 10 else "OTHER",
        "route": route,
        "status": exchange.status,
        "milliseconds": round(seconds * 1000, 3),
    }
    _access.info(json.dumps(line))
