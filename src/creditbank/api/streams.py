"""Streams that stay open: how many one set of credentials may keep, and whether it is still let in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Request

from creditbank.api.access import Operation
from creditbank.api.dependencies import principal_of
from creditbank.domain import errors

MOST_STREAMS = 20
"""That one set of credentials keeps open at once in a process: each takes one of the requests that it works on."""

STREAM_WAIT_SECONDS = 15
"""When one who keeps too many may ask again."""


def require_room(request: Request, credential: str) -> None:
    """Raise RateLimited where these credentials keep as many streams as they may."""
    if request.app.state.streams[credential] >= MOST_STREAMS:
        raise errors.RateLimited(STREAM_WAIT_SECONDS)


@contextmanager
def kept(request: Request, credential: str) -> Iterator[None]:
    """Counts a stream while it is open."""
    streams: Counter[str] = request.app.state.streams
    streams[credential] += 1
    try:
        yield
    finally:
        streams[credential] -= 1


async def still_knows(request: Request, operation: Operation) -> bool:
    """Whether the credentials are as good as they were when the stream began."""
    try:
        await principal_of(request, operation)
    except (errors.Unauthenticated, errors.RateLimited):
        return False
    return True
