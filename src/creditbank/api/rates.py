"""How often one address may ask for what needs no credentials."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address
from math import ceil
from time import monotonic

from fastapi import Request
from starlette.types import Scope

from creditbank.api.addresses import Address, Networks, client_address
from creditbank.api.middleware import ANSWER_HEADERS
from creditbank.domain.errors import RateLimited

WINDOW_SECONDS = 60.0


class RateLimit:
    """At most so many requests per address in any sixty seconds.

    A sliding window over two counters, this minute's and the last one's, the latter weighted by what of it the
    window still covers. Both are dropped whole when their time is over, so that addresses cannot pile up.
    Counted per process.
    """

    def __init__(
        self, name: str, per_minute: int, proxies: Networks = (), clock: Callable[[], float] = monotonic
    ) -> None:
        self._name = name
        self._per_minute = per_minute
        self._proxies = proxies
        self._clock = clock
        self._minute = 0
        self._last: dict[str, int] = {}
        self._this: dict[str, int] = {}

    def check(self, scope: Scope) -> None:
        """Count a request and announce what remains. Raises RateLimited, with the seconds to wait."""
        headers = scope["state"].setdefault(ANSWER_HEADERS, [])
        headers.append((b"ratelimit-policy", f'"{self._name}";q={self._per_minute};w={WINDOW_SECONDS:.0f}'.encode()))
        try:
            remaining, reset = self.hit(bucket_of(client_address(scope, self._proxies)))
        except RateLimited as refused:
            remaining, reset = 0, refused.retry_after
            raise
        finally:
            headers.append((b"ratelimit", f'"{self._name}";r={remaining};t={reset}'.encode()))

    def hit(self, bucket: str) -> tuple[int, int]:
        """Count one request. Returns what remains and the seconds until all of it is back, or raises RateLimited."""
        elapsed = self._turn(self._clock())
        before, now = self._last.get(bucket, 0), self._this.get(bucket, 0)
        left = 1 - elapsed / WINDOW_SECONDS
        if before * left + now + 1 > self._per_minute:
            raise RateLimited(self._wait(before, now, elapsed))
        self._this[bucket] = now + 1
        return int(self._per_minute - before * left - now - 1), ceil(2 * WINDOW_SECONDS - elapsed)

    def _turn(self, now: float) -> float:
        """Begin a new minute when the old one is over; returns the seconds since it began."""
        minute, elapsed = divmod(now, WINDOW_SECONDS)
        if int(minute) != self._minute:
            self._last = self._this if int(minute) == self._minute + 1 else {}
            self._this = {}
            self._minute = int(minute)
        return elapsed

    def _wait(self, before: int, now: int, elapsed: float) -> int:
        """Seconds until one more request fits."""
        room = self._per_minute - 1
        if now <= room:  # fits as soon as the last minute weighs little enough
            return max(1, ceil(WINDOW_SECONDS * (1 - (room - now) / before) - elapsed))
        return max(1, ceil(2 * WINDOW_SECONDS - elapsed - WINDOW_SECONDS * room / now))


async def limit_verification(request: Request) -> None:
    """Dependency of the public verification, whose limit the application keeps in its state."""
    limit: RateLimit = request.app.state.verification_limit
    limit.check(request.scope)


def bucket_of(address: Address | None) -> str:
    """What is counted together: an IPv4 address, an IPv6 network of 64 bits, all that cannot be told."""
    if address is None:
        return ""
    if isinstance(address, IPv4Address):
        return str(address)
    return address.exploded[:19]
