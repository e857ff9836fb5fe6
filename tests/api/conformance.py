"""Holds what the API answers in tests against what its description says that it answers."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from functools import cache
from typing import Any

from httpx2 import RequestNotRead, Response
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from creditbank.app import create_app
from creditbank.settings import Settings
from tests.personal import WATCH

LOOKED_AT = 3
"""Of the answers of one operation with one status: looking at each of thousands would take longer than the tests."""

_seen: Counter[tuple[str, str, int]] = Counter()
_searched: set[str] = set()
"""Lines of headers. Most answers have the same ones: what stood there before anybody was known names nobody."""


@cache
def description() -> dict[str, Any]:
    """The description of the API, which no setting changes: putting it together takes longer than starting a bank."""
    return create_app(Settings()).openapi()


@cache
def conformance() -> Conformance:
    """The same for all applications of a process."""
    return Conformance(description())


class Conformance:
    """Called with every answer that a client gets. Raises AssertionError for one that is described otherwise."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        described = Resource(contents=self._document, specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource("urn:api", described)
        paths = sorted(self._document["paths"], key=lambda path: path.count("{"))
        self._paths = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in paths]

    def __call__(self, answer: Response) -> None:
        _search(answer)
        method, status = answer.request.method.lower(), answer.status_code
        if (path := self._path_of(answer, method)) is None:
            return
        _seen[method, path, status] += 1
        if _seen[method, path, status] > LOOKED_AT:
            return
        place = f"{method.upper()} {path}: {status}"
        responses = self._document["paths"][path][method]["responses"]
        assert str(status) in responses, f"{place} is not described"
        content = responses[str(status)].get("content", {})
        media_type = answer.headers.get("Content-Type", "").partition(";")[0]
        assert media_type in content or not (media_type or content), f"{place} has another type: {media_type}"
        if media_type in ("application/json", "application/problem+json"):
            steps = ("paths", path, method, "responses", str(status), "content", media_type, "schema")
            self._check_body(steps, answer, place)

    def _path_of(self, answer: Response, method: str) -> str | None:
        """The template of the described operation that answered; None for what is described nowhere."""
        called = answer.request.url.raw_path.partition(b"?")[0].decode()
        matching = (path for pattern, path in self._paths if pattern.fullmatch(called))
        return next((path for path in matching if method in self._document["paths"][path]), None)

    def _check_body(self, steps: tuple[str, ...], answer: Response, place: str) -> None:
        answer.read()
        pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
        reference = "urn:api#" + pointer.replace("{", "%7B").replace("}", "%7D")
        validator = Draft202012Validator({"$ref": reference}, registry=self._registry)
        faults = [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(answer.json())]
        assert not faults, f"{place} is described otherwise: {faults}"


def _search(answer: Response) -> None:
    """For what only an answer to a person may hold. Cookies are secrets by nature, and a path is the caller's own."""
    request = answer.request
    with suppress(RequestNotRead):  # a body that comes in pieces is sent to be refused
        WATCH.remember_request(request.headers, request.content)
    place = f"{request.method} {request.url.path}: {answer.status_code}"
    headers = {f"{name}: {value}" for name, value in answer.headers.items() if name != "set-cookie"} - _searched
    WATCH.search(f"the headers of {place}", "\n".join(headers))
    _searched.update(headers)
    if answer.status_code >= 400 or answer.status_code == 207:
        answer.read()
        WATCH.search(f"the body of {place}", re.sub(r'"instance":"[^"]*"', "", answer.text))
