"""What is counted about requests: how many, how long, by route template, never by path."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from prometheus_client import Counter, Histogram
from starlette.types import Scope

UNMATCHED = "unmatched"

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_requests = Counter("creditbank_http_requests", "Answers given.", ["method", "route", "status"])
_seconds = Histogram(
    "creditbank_http_request_seconds",
    "Time from the request's arrival to the end of the answer.",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)


def count(method: str, route: str, status: int, seconds: float) -> None:
    """Record one answer."""
    increment, observe = _recorders(method if method in _METHODS else "OTHER", route, status)
    increment()
    observe(seconds)


@cache
def _recorders(method: str, route: str, status: int) -> tuple[Callable[[], None], Callable[[float], None]]:
    """Looking the labels up costs more than counting; there are only so many combinations."""
    return _requests.labels(method, route, str(status)).inc, _seconds.labels(method, route).observe


def route_of(scope: Scope) -> str:
    """The template of the route that took the request, prefixes of its routers included."""
    selected = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    template = getattr(selected, "path_format", None)
    return template if isinstance(template, str) else UNMATCHED
