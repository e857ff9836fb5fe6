"""The one middleware around the application: identity, size, headers and traces of every request.

Plain ASGI, because each framework middleware costs more than all of this together.
"""

from __future__ import annotations

import json
import logging
import traceback
from time import perf_counter

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from creditbank.api import heads, problems, traffic
from creditbank.api.addresses import Networks
from creditbank.domain.errors import BankError, Unavailable

OPERATIONS = frozenset({"/livez", "/readyz", "/metrics"})
"""Answered however many requests there are: whoever runs the bank must see that there are too many."""

ANSWER_HEADERS = "answer_headers"
"""Key in the request's state: headers, as pairs of bytes, that belong on the answer whatever it turns out to be."""

ASKED_METHOD = "creditbank.method"
"""Key in the scope of a HEAD request, which is worked on as a GET: the method that was asked for."""

_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
_SECURE_HEADERS = (*_DEFAULT_HEADERS, (b"strict-transport-security", b"max-age=31536000"))
"""Sent unless the route has its own word on them: always, and over TLS."""

_access = logging.getLogger("creditbank.access")
_failures = logging.getLogger("creditbank.api")


class AnswerCutShort(Exception):
    """Tells the server to drop a connection whose answer cannot be completed; the cause has been logged."""


class _HeadAnswered(Exception):
    """Ends the work on a HEAD request whose GET would stream on."""


class Observability:
    """Gives each request an id, refuses what is too much, answers HEAD, adds headers, counts and logs.

    Exceptions that nobody handles become a 500 here and are logged by type and place, without their words,
    which may hold personal data.
    """

    def __init__(
        self, app: ASGIApp, *, access_log: bool = False, proxies: Networks = (), requests_at_once: int = 500
    ) -> None:
        self.app = app
        self.access_log = access_log
        self._proxies = proxies
        self._most = requests_at_once
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._proxies)
        self._running += 1
        try:
            await exchange.run(self.app, is_crowded=self._running > self._most)
        finally:
            self._running -= 1
            seconds = perf_counter() - exchange.began
            route = traffic.route_of(exchange.scope)
            traffic.count(scope["method"], route, exchange.status, seconds)
            if self.access_log:
                _log_access(exchange, scope["method"], route, seconds)


class _Exchange:
    """One request and its answer."""

    __slots__ = ("_head", "_is_head", "_limit", "_receive", "_received", "_send", "began", "scope", "status")

    def __init__(self, scope: Scope, receive: Receive, send: Send, proxies: Networks) -> None:
        self.began = perf_counter()
        self._head = heads.read(scope, proxies)
        self._limit = heads.limit_of(scope["path"])
        self._receive = receive
        self._send = send
        self._received = 0
        self._is_head = scope["method"] == "HEAD"
        self.scope = {**scope, "method": "GET", ASKED_METHOD: "HEAD"} if self._is_head else scope
        self.scope.setdefault("state", {})["request_id"] = self.request_id
        self.status = 499
        """Of the answer; 499 while there is none, as when the client goes away."""

    @property
    def request_id(self) -> str:
        return self._head.request_id.decode()

    async def run(self, app: ASGIApp, *, is_crowded: bool) -> None:
        try:
            if is_crowded and self.scope["path"] not in OPERATIONS:
                await self._answer(Unavailable())
            elif self._head.refusal is not None:
                await self._answer(self._head.refusal)
            elif self._is_head:
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
        if self._received > self._limit:
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

    def _complete(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        own = {name for name, _ in headers}
        headers.append((b"x-request-id", self._head.request_id))
        headers.extend(self.scope["state"].get(ANSWER_HEADERS, ()))
        defaults = _SECURE_HEADERS if self._head.is_secure else _DEFAULT_HEADERS
        headers.extend(header for header in defaults if header[0] not in own)
        return headers

    async def _fail(self, error: Exception) -> None:
        kinds = " < ".join(type(each).__qualname__ for each in _causes(error))
        frames = "".join(traceback.format_tb(error.__traceback__))
        _failures.error("unexpected %s, request %s\n%s", kinds, self.request_id, frames)
        if self.status != 499:
            raise AnswerCutShort from None
        await self._answer(problems.InternalError())

    async def _answer(self, error: BankError) -> None:
        send = self._send_head if self._is_head else self.send
        await problems.response_to(self.scope, error)(self.scope, self._receive, send)


def _causes(error: BaseException | None) -> list[BaseException]:
    """The error and what led to it, nearest first, at most eight."""
    chain: list[BaseException] = []
    while error is not None and len(chain) < 8:
        chain.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return chain


def _log_access(exchange: _Exchange, method: str, route: str, seconds: float) -> None:
    line = {
        "request_id": exchange.request_id,
        "method": method if method.isalpha() and len(method) < 10 else "OTHER",
        "route": route,
        "status": exchange.status,
        "milliseconds": round(seconds * 1000, 3),
    }
    _access.info(json.dumps(line))
