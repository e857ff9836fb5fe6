"""How the body of a request becomes data: strict JSON first, then strict models."""

from __future__ import annotations

import inspect
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterator
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


class Direct:
    """A dependency that can be had in two ways: solved by the framework, or `of` a request alone. Both are the same.

    The framework reads from `solve` what it rests on, for the description and for routes that ask for more besides.
    """

    def __init__(self, solve: Callable[..., Awaitable[Any]], of: Callable[[Request], Awaitable[Any]]) -> None:
        self.of = of
        self._solve = solve
        self.__signature__ = inspect.signature(solve, eval_str=True)

    async def __call__(self, **solved: Any) -> Any:
        return await self._solve(**solved)


class StrictRoute(APIRoute):
    """A route whose JSON bodies are read by `parse`, behind its gates, and where they are of that media type.

    Where all that it asks for is a body and something direct, nothing is solved: that is a third of the time that
    the framework takes for a request. What does not fit goes to the framework, which has the words for it.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None or isinstance(self.body_field.field_info, Form):
            return handle
        asked, call = list(gates(self.dependant)), _direct_call(self)

        async def handle_strictly(request: Request) -> Response:
            for gate in asked:
                await gate.ask(request)
            if not _is_json(request.headers.get("content-type")):
                await _refuse_media_type(request)
            body = await request.body()
            request.scope[RAW_BODY] = body
            if not body:
                return await handle(request)
            document = parse(body)
            answer = None if call is None else await call(request, document)
            return answer or await handle(_ParsedRequest(request, document))

        return handle_strictly


def _direct_call(route: APIRoute) -> Callable[[Request, Any], Awaitable[Response | None]] | None:
    """How to call a route of a body and a direct dependency, which answers with a response; None for any other.

    The call returns None, and has done nothing, where the document is not such a body.
    """
    wanted, answer = route.dependant, inspect.signature(route.endpoint, eval_str=True).return_annotation
    parameters = (*wanted.path_params, *wanted.query_params, *wanted.header_params, *wanted.cookie_params)
    others = (wanted.request_param_name, wanted.response_param_name, wanted.background_tasks_param_name)
    if len(wanted.body_params) != 1 or len(wanted.dependencies) != 1 or any((*parameters, *others)):
        return None
    (body,), (needed,) = wanted.body_params, wanted.dependencies
    direct = needed.call
    if answer is not Response or not isinstance(direct, Direct):
        return None

    async def call(request: Request, document: Any) -> Response | None:
        value, faults = body.validate(document, {}, loc=("body",))
        if faults:
            return None
        found: Response = await route.endpoint(**{body.name: value, str(needed.name): await direct.of(request)})
        return found

    return call


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
    written = to_json(document, inf_nan_mode="constants")
    if b"Infinity" in written and _has_infinity(document):
        raise Malformed
    if b"\\u0000" in body and (pointer := _pointer_to_nul(document, "")) is not None:
        detail = "Must not contain the NUL character."
        raise Invalid(faults=[Fault(code="nul_character", detail=detail, pointer=pointer)])
    if len(body) <= NAMES_CHECKED_UP_TO and not _says_as_much(body, written):
        json.loads(body, object_pairs_hook=_unique)
    return document


def _says_as_much(body: bytes, written: bytes) -> bool:
    """Whether a body has as many quotation marks as what was understood of it: then no name in it was repeated.

    A repeated name is gone from what was understood, with its two. Only \\u0022 becomes one without having been one.
    """
    return body.count(b'"') == written.count(b'"') and b"\\u0022" not in body


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
