"""How the body of a request becomes data: strict JSON first, then strict models."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError, from_json, to_json

from creditbank.api.messages import FAULTS
from creditbank.api.problems import UnsupportedMediaType
from creditbank.domain.errors import Fault, Invalid, Malformed

NAMES_CHECKED_UP_TO = 64 * 1024
"""Bytes. Repeated names are refused in bodies up to this size; in larger ones, batches, the last one counts."""

MOST_NAMES = 200
"""In one object with fields of its own."""

RAW_BODY = "creditbank.body"
"""Where in the scope the bytes of the body are kept: idempotency compares them."""


class Body(BaseModel):
    """What every request model inherits: no unknown fields, no coercion between JSON types, no infinities."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _of_bearable_size(cls, value: Any) -> Any:
        # Each unknown name costs an error of its own: a batch may hold half a million of them.
        if isinstance(value, dict) and len(value) > MOST_NAMES:
            raise PydanticCustomError("too_many", FAULTS["too_many"].en)
        return value


class Gate(ABC):
    """A dependency, its `ask`, that has its say before a body is read: who is refused by it is not read at all."""

    @abstractmethod
    async def ask(self, request: Request) -> Any:
        """What the dependency is. Asked twice about one request, it says the same again and does nothing more."""


class StrictRoute(APIRoute):
    """A route whose JSON bodies are read by `parse`, behind its gates, and where they are of that media type."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None or isinstance(self.body_field.field_info, Form):
            return handle
        asked = list(gates(self.dependant))

        async def handle_strictly(request: Request) -> Response:
            for gate in asked:
                await gate.ask(request)
            if not _is_json(request.headers.get("content-type")):
                await _refuse_media_type(request)
            body = await request.body()
            request.scope[RAW_BODY] = body
            return await handle(_ParsedRequest(request, parse(body)) if body else request)

        return handle_strictly


def gates(dependant: Dependant) -> Iterator[Gate]:
    """The gates among a route's dependencies, and theirs."""
    for one in dependant.dependencies:
        gate = getattr(one.call, "__self__", None)
        if isinstance(gate, Gate):
            yield gate
        yield from gates(one)


class _ParsedRequest(Request):
    """A request whose body has been read and parsed."""

    def __init__(self, request: Request, document: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._body = b"parsed"
        self._document = document

    async def json(self) -> Any:
        return self._document


def parse(body: bytes) -> Any:
    """One JSON document in UTF-8, nested at most 200 deep, with finite numbers.

    Raises Malformed for anything else and Invalid where a string holds NUL, which PostgreSQL cannot keep.
    """
    try:
        document = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise Malformed from None
    # 1e400 is well-formed and reads as infinity; writing it out again is the fastest way to find it.
    if b"Infinity" in to_json(document, inf_nan_mode="constants") and _has_infinity(document):
        raise Malformed
    if b"\\u0000" in body and (pointer := _pointer_to_nul(document, "")) is not None:
        detail = "Must not contain the NUL character."
        raise Invalid(faults=[Fault(code="nul_character", detail=detail, pointer=pointer)])
    if len(body) <= NAMES_CHECKED_UP_TO:
        json.loads(body, object_pairs_hook=_unique)
    return document


def _is_json(content_type: str | None) -> bool:
    if content_type is None:
        return False
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))


async def _refuse_media_type(request: Request) -> None:
    """A request without any body is judged by what it lacks, not by a header that describes nothing."""
    if request.headers.get("content-type") is not None or await request.body():
        raise UnsupportedMediaType


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise Malformed


def _has_infinity(value: Any) -> bool:
    match value:
        case dict():
            return any(map(_has_infinity, value.values()))
        case list():
            return any(map(_has_infinity, value))
        case float():
            return value in (float("inf"), float("-inf"))
        case _:
            return False


def _pointer_to_nul(value: Any, pointer: str) -> str | None:
    """Where the first string with NUL stands; a name with NUL is told by the object that holds it."""
    match value:
        case str():
            return pointer if "\0" in value else None
        case dict():
            if any("\0" in name for name in value):
                return pointer
            inner = ((str(name), item) for name, item in value.items())
        case list():
            inner = ((str(index), item) for index, item in enumerate(value))
        case _:
            return None
    found = (_pointer_to_nul(item, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}") for name, item in inner)
    return next((place for place in found if place is not None), None)
