"""What every route says about access, read from the routes themselves: no second list can contradict them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from creditbank.api.access import Operation
from creditbank.api.body import gates
from creditbank.api.dependencies import Permit


@dataclass(frozen=True, slots=True, order=True)
class Declared:
    """A route with the operation that it asks the matrix about; None where it needs no credentials."""

    path: str
    method: str
    operation: Operation | None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def declared(app: FastAPI) -> list[Declared]:
    """All routes of the application, those that the description leaves out included, in the order of their paths."""
    return sorted(_declared(app), key=lambda one: (one.path, one.method))


def _declared(app: FastAPI) -> Iterator[Declared]:
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        asked = (
            {one.operation for one in gates(route.dependant) if isinstance(one, Permit)}
            if isinstance(route, APIRoute)
            else set()
        )
        assert len(asked) <= 1, f"{context.path_format} asks for more than one operation"
        for method in sorted(set(context.methods or ()) - {"HEAD"}):
            yield Declared(str(context.path_format), method, next(iter(asked), None))
