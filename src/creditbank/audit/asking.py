"""Asking witnesses: all at once, for so long and no longer, and no more of an answer than one can have to say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic
from typing import TypeVar

import httpx

from creditbank.audit.transparency.encoding import Malformed
from creditbank.audit.transparency.merkle import Unproven

DEADLINE_SECONDS = 4.0
"""How long all of them together keep whoever asks, be it a round of the publisher or the start of a server."""

GLANCE_SECONDS = 0.1
MOST_ANSWER_BYTES = 64 * 1024

T = TypeVar("T")


class Unanswered(RuntimeError):
    """There is no answer, or one that nobody should read to its end."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status of HTTP and the text with it."""

    status: int
    text: str


def ask(client: httpx.Client, method: str, url: str, content: bytes | None = None) -> Answer:
    """The answer of one server. Raises Unanswered."""
    until, body = monotonic() + DEADLINE_SECONDS, bytearray()
    try:
        with client.stream(method, url, content=content, headers={"Accept-Encoding": "identity"}) as answer:
            if "Content-Encoding" in answer.headers:
                raise Unanswered("compressed")  # a few bytes may be any length then
            for part in answer.iter_bytes():
                body += part
                if len(body) > MOST_ANSWER_BYTES:
                    raise Unanswered("longer than any answer")
                if monotonic() > until:
                    raise Unanswered("slower than any answer")
            return Answer(answer.status_code, body.decode("utf-8", "replace"))
    except (httpx.HTTPError, httpx.StreamError) as error:
        raise Unanswered(type(error).__name__) from None


def at_once(work: Mapping[str, Callable[[], T]], stopping: Event, seconds: float) -> dict[str, Future[T]]:
    """Start all of it, and wait until it is done, the time is over, or `stopping` is set.

    What is not done by then goes on in a thread that keeps no process from its end.
    """
    futures = {name: _started(name, one) for name, one in work.items()}
    until, pending = monotonic() + seconds, set(futures.values())
    while pending and (left := until - monotonic()) > 0 and not stopping.is_set():
        _, pending = wait(pending, timeout=min(left, GLANCE_SECONDS))
    return futures


def _started(name: str, work: Callable[[], T]) -> Future[T]:
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except (Malformed, Unproven, OSError) as error:
            future.set_exception(error)

    Thread(target=run, name=f"publisher asks {name}", daemon=True).start()
    return future
