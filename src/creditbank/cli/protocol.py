"""HTTP on one connection: uvicorn's parser, with bounds on what a client may send before its request is whole.

uvicorn alone keeps whatever arrives, for as long as it takes: headers without end fill the memory of the process,
requests that never end hold connections, and all of it before anybody was asked for a key.
"""

from __future__ import annotations

from asyncio import TimerHandle, Transport
from secrets import token_hex
from socket import IPPROTO_TCP, TCP_USER_TIMEOUT

from pydantic_core import to_json
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from creditbank.api import problems
from creditbank.api.heads import HEAD_BYTES
from creditbank.domain.errors import BankError

ARRIVAL_SECONDS = 120.0
ARRIVAL_BYTES = 8 * 1024 * 1024
"""In this time a request must have arrived, or this much more of its body. A batch has to come in time on a slow line,
and a file of 200 MB has longer."""

DEPARTURE_SECONDS = 60.0
"""For which a client may take nothing of its answer before the connection is cut."""


class Protocol(HttpToolsProtocol):
    """Closes connections that say too much or take too long; what is no HTTP gets a problem document."""

    _beside_bodies = 0
    _arrived = 0
    _is_arriving = True
    _deadline: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        super().connection_made(transport)
        # Counted by the operating system, also while the client says that it has room for nothing.
        transport.get_extra_info("socket").setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, int(DEPARTURE_SECONDS * 1000))
        self._start_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """As inherited. What is no body, heads, trailers and lengths of chunks, is counted until a body goes on."""
        self._beside_bodies += len(data)
        super().data_received(data)
        if self._beside_bodies > HEAD_BYTES:
            self._refuse(problems.HeaderTooLarge())
        elif not self._is_arriving:
            self._stop_waiting()
        elif self._deadline is None:
            self._start_waiting()

    def on_message_begin(self) -> None:
        self._is_arriving = True
        self._arrived = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._beside_bodies = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._beside_bodies = 0
        self._arrived += len(body)
        if self._arrived > ARRIVAL_BYTES:
            self._arrived = 0
            self._stop_waiting()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._beside_bodies = 0
        self._is_arriving = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 -- its words are for a log
        self._refuse(problems.RequestUnreadable())

    def _refuse(self, error: BankError) -> None:
        """Answer, unless another answer has begun on this connection, and close it."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_answer(error))
        self.transport.close()

    def _start_waiting(self) -> None:
        self._deadline = self.loop.call_later(ARRIVAL_SECONDS, self._refuse, problems.RequestTimeout())

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _answer(error: BankError) -> bytes:
    request_id = token_hex(8)
    body = to_json(problems.problem_body(error, request_id, "/"))
    headers = (
        f"content-type: {problems.MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nx-request-id: {request_id}\r\n"
        "cache-control: no-store\r\nconnection: close\r\n\r\n"
    )
    return STATUS_LINE[problems.status_of(error)] + headers.encode() + body
