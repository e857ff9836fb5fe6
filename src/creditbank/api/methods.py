"""Which methods a path knows, gathered over all routes that share it."""

from __future__ import annotations

from fastapi.routing import iter_route_contexts
from starlette.types import Scope


def allowed_methods(scope: Scope) -> list[str]:
    """The methods for an Allow header, in order of the alphabet. Slow: for answers of 405 and to OPTIONS only."""
    methods: set[str] = {"OPTIONS"}
    for context in iter_route_contexts(scope["app"].routes):
        pattern = getattr(context, "path_regex", None)
        if pattern is not None and pattern.match(scope["path"]):
            methods |= context.methods or set()
    if "GET" in methods:
        methods.add("HEAD")
    return sorted(methods)
