"""How often: what one address, or one set of credentials, may ask in a minute. Counted per process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from math import ceil
from time import monotonic
from typing import Literal

from fastapi import Request
from limits import RateLimitItemPerMinute
from limits.strategies import FixedWindowRateLimiter
from prometheus_client import Counter
from starlette.types import Scope

from creditbank.api.addresses import Address, Networks, client_address
from creditbank.api.counters import CAPACITY, RecentCounters
from creditbank.api.middleware import ANSWER_HEADERS
from creditbank.domain.errors import RateLimited

Name = Literal["requests", "look-ups", "refusals", "verify", "sign-ins"]

_limited = Counter("creditbank_rate_limited", "Requests refused because there were too many, by limit.", ["limit"])


class Rate:
    """At most so many in a minute for one who asks; the minute begins with the first. Zero means no limit."""

    def __init__(self, name: Name, per_minute: int, clock: Callable[[], float] = monotonic) -> None:
        self._item = RateLimitItemPerMinute(per_minute, namespace=name)
        self._window = FixedWindowRateLimiter(RecentCounters(clock=clock))
        self._clock = clock
        self._count_refusal = _limited.labels(name).inc

    def take(self, scope: Scope, who: str) -> None:
        """Count one. Raises RateLimited, with the seconds to wait, where that is one too many."""
        if self._item.amount and not self._window.hit(self._item, who):
            raise self._refused(scope, who)

    def require(self, scope: Scope, who: str) -> None:
        """Raise RateLimited where nothing is left. Counts nothing."""
        if self._item.amount and not self._window.test(self._item, who):
            raise self._refused(scope, who)

    def count(self, who: str, amount: int = 1) -> None:
        """Count so many, which may be more than are left."""
        self._window.hit(self._item, who, cost=amount)

    def announce(self, scope: Scope, who: str) -> None:
        """Tell in the answer what there is and what is left of it (draft-ietf-httpapi-ratelimit-headers-10)."""
        name, left = self._item.namespace, self._window.get_window_stats(self._item, who).remaining
        policy = f'"{name}";q={self._item.amount};w={self._item.get_expiry()}'
        scope["state"].setdefault(ANSWER_HEADERS, []).extend(
            (
                (b"ratelimit-policy", policy.encode()),
                (b"ratelimit", f'"{name}";r={left};t={self._seconds_left(who)}'.encode()),
            )
        )

    def _refused(self, scope: Scope, who: str) -> RateLimited:
        self._count_refusal()
        self.announce(scope, who)
        return RateLimited(self._seconds_left(who))

    def _seconds_left(self, who: str) -> int:
        """Until the minute is over, rounded up; of a whole one where none has begun."""
        end = self._window.get_window_stats(self._item, who).reset_time
        return ceil(end - self._clock()) or self._item.get_expiry()


class Guesses:
    """Counts refused credentials by address: from one that sent too many, unknown ones are not even looked at.

    Credentials that were good before are: else a guesser could shut out all who share an address with it, or with
    a proxy that nobody listed.
    """

    def __init__(self, rate: Rate, proxies: Networks) -> None:
        self._rate = rate
        self._proxies = proxies
        self._good: dict[int, None] = {}

    def require(self, scope: Scope, credentials: str | None) -> None:
        """Raise RateLimited for unknown credentials of an address that sent too many refused ones."""
        if credentials is not None and hash(credentials) not in self._good:
            self._rate.require(scope, self._address(scope))

    def refused(self, scope: Scope, credentials: str) -> None:
        self._good.pop(hash(credentials), None)
        self._rate.count(self._address(scope))

    def accepted(self, credentials: str | None) -> None:
        """Only hashes are kept, of a kind that is another in every process."""
        if credentials is not None:
            if len(self._good) >= CAPACITY:
                self._good.clear()
            self._good[hash(credentials)] = None

    def _address(self, scope: Scope) -> str:
        return bucket_of(client_address(scope, self._proxies))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The limits of one process."""

    requests: Rate
    """Per credentials."""
    look_ups: Rate
    """Of persons by their documents, per organisation."""
    guesses: Guesses
    verifications: Rate
    """Per address."""
    sign_ins: Rate
    """Begun, per address."""
    proxies: Networks


def rates_of(request: Request) -> Rates:
    found: Rates = request.app.state.rates
    return found


async def limit_verification(request: Request) -> None:
    """Dependency of the public verification, which always tells what is left."""
    rates = rates_of(request)
    address = bucket_of(client_address(request.scope, rates.proxies))
    rates.verifications.take(request.scope, address)
    rates.verifications.announce(request.scope, address)


def bucket_of(address: Address | None) -> str:
    """What is counted together: an IPv4 address, an IPv6 network of 64 bits, all that cannot be told."""
    if address is None:
        return ""
    if isinstance(address, IPv4Address):
        return str(address)
    return address.exploded[:19]
