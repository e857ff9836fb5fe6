"""Bodies are strict JSON and strict models; nothing that can be sent makes the bank stumble."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.testclient import TestClient

from creditbank.api import problems
from creditbank.api.body import NAMES_CHECKED_UP_TO, Body, Direct, StrictRoute, parse
from creditbank.domain.errors import Malformed


class Anything(Body):
    text: str | None = None
    whole: int | None = None
    fraction: float | None = None
    truth: bool | None = None
    given: Any = None


def client() -> TestClient:
    app, router = FastAPI(openapi_url=None), APIRouter(route_class=StrictRoute)
    problems.install(app)

    @router.post("/things")
    async def things(body: Anything) -> Any:
        return body.model_dump(exclude_none=True)

    @router.post("/perhaps")
    async def perhaps(body: Anything | None = None) -> bool:
        return body is not None

    @router.post("/nothing")
    async def nothing() -> str:
        return "done"

    app.include_router(router, prefix="/v1")
    return TestClient(app)


def post(body: bytes | str, content_type: str | None = "application/json", path: str = "/v1/things") -> Any:
    headers = {} if content_type is None else {"Content-Type": content_type}
    return client().post(path, content=body, headers=headers)


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"nul", b"[1,]", b'{"given": 1} x', b"   ", b"'text'", b'{"given": 01}', b"/**/{}",
        b'{"given": NaN}', b'{"given": Infinity}', b'{"given": -Infinity}', b'{"given": 1e400}', b'{"given": [-1e999]}',
        b'{"text": "\xff"}', b'{"text": "\xed\xa0\x80"}', b'{"text": "\\ud800"}', b'{"text": "\\udc00\\ud800"}',
        b'{"text": "\x00"}', b"\xef\xbb\xbf{}", '{"text": "é"}'.encode("utf-16"),
        b"[" * 60_000, b'{"given":' + b"[" * 1000 + b"]" * 1000 + b"}", b'{"given":' * 5000 + b"1" + b"}" * 5000,
        b'{"given": ' + b"1" * 50_000 + b"}", b'{"text": "a", "text": "b"}', b'{"given": [{"a": 1, "\\u0061": 2}]}',
    ],
    ids=lambda body: repr(body[:24]),
)  # fmt: skip
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    answer = post(body)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")


def test_a_word_in_a_string_is_no_infinity() -> None:
    assert post('{"text": "Infinity", "given": {"-Infinity": [1e300, 0.5, -0, true, null]}}').status_code == 200


def test_repeated_names_are_refused_up_to_the_size_of_a_request_and_the_last_counts_beyond() -> None:
    with pytest.raises(Malformed):
        parse(b'{"a": 1, "a": 2}')
    assert parse(b'{"a": 1, "a": 2}' + b" " * NAMES_CHECKED_UP_TO) == {"a": 2}


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"text": "a\0b"}, "/text"),
        ({"given": {"deep": ["fine", {"a/b~c": "\0"}]}}, "/given/deep/1/a~1b~0c"),
        ({"given": {"na\0me": 1}}, "/given"),
    ],
)
def test_nul_is_refused_where_it_stands(document: Any, pointer: str) -> None:
    answer = post(json.dumps(document))
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [(pointer, "nul_character")]


@pytest.mark.parametrize("text", ['{"text": "\\"quoted\\""}', '{"text": "\\u0022quoted\\u0022"}', '{"text": "\\\\"}'])
def test_quotation_marks_in_a_text_are_no_repeated_name(text: str) -> None:
    assert post(text).json() == json.loads(text)


@pytest.mark.parametrize("text", ['{"text": "\\u0022", "text": "b"}', '{"given": {"": 1, "": 2}, "text": "\\u0022"}'])
def test_a_repeated_name_is_refused_also_beside_quotation_marks(text: str) -> None:
    assert (post(text).status_code, post(text).json()["code"]) == (400, "malformed_json")


def test_a_direct_dependency_is_had_of_the_request_and_a_body_that_does_not_fit_is_told_as_ever() -> None:
    ways: list[str] = []

    async def solved(request: Request) -> str:
        ways.append("solved")
        return request.headers["x-caller"]

    async def had(request: Request) -> str:
        ways.append("direct")
        return request.headers["x-caller"]

    app, router = FastAPI(openapi_url=None), APIRouter(route_class=StrictRoute)
    problems.install(app)

    @router.post("/direct")
    async def direct(body: Anything, caller: str = Depends(Direct(solved, had))) -> Response:
        return Response(f"{caller} {body.text}")

    @router.post("/with-a-query")
    async def with_a_query(body: Anything, more: int, caller: str = Depends(Direct(solved, had))) -> Response:
        return Response(f"{caller} {body.text} {more}")

    app.include_router(router)
    asked, headers = TestClient(app), {"X-Caller": "Li", "Content-Type": "application/json"}
    assert asked.post("/direct", content=b'{"text": "a"}', headers=headers).text == "Li a"
    assert asked.post("/with-a-query?more=2", content=b'{"text": "a"}', headers=headers).text == "Li a 2"
    assert ways == ["direct", "solved"]
    for body in (b"", b"[]", b'{"text": 1}', b'{"other": 1}'):
        answers = [
            asked.post(path, content=body, headers=headers).json() for path in ("/direct", "/with-a-query?more=2")
        ]
        assert answers[0]["status"] == 422
        assert answers[0]["errors"] == answers[1]["errors"]


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert post(rb'{"text": "\\u0000"}').json() == {"text": "\\u0000"}


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "json", "", "\u00ff/"]
)
def test_another_media_type_is_refused(content_type: str | None) -> None:
    answer = post(b"{}", None if content_type is None else content_type.encode("latin-1"))  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", "application/ld+json"])
def test_json_is_known_by_any_of_its_names(content_type: str) -> None:
    assert post(b"{}", content_type).status_code == 200


@pytest.mark.parametrize("content_type", [None, "application/json"])
def test_a_missing_body_is_told(content_type: str | None) -> None:
    answer = post(b"", content_type)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"pointer": "", "code": "body_missing", "detail": "A JSON body is needed."}]


def test_a_body_may_be_optional_and_a_route_without_body_takes_none() -> None:
    assert post(b"", None, "/v1/perhaps").json() is False
    assert post(b"{}", "application/json", "/v1/perhaps").json() is True
    assert post(b"", None, "/v1/nothing").json() == "done"


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"true"])
def test_json_that_is_no_object_is_of_the_wrong_type(body: bytes) -> None:
    answer = post(body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "wrong_type")
    assert answer.json()["errors"][0]["pointer"] == ""


@pytest.mark.parametrize(
    "document",
    [{"text": 1}, {"whole": "1"}, {"whole": 1.0}, {"whole": True}, {"fraction": "1"}, {"truth": 1}, {"truth": "true"}],
    ids=json.dumps,
)
def test_nothing_is_coerced_from_one_json_type_to_another(document: dict[str, Any]) -> None:
    answer = post(json.dumps(document))
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"pointer": f"/{next(iter(document))}", "code": "wrong_type", "detail": "Is of the wrong JSON type."}
    ]


def test_null_bodies_and_whole_numbers_beyond_64_bits_are_judged_like_any_other() -> None:
    assert post(b"null").status_code == 422
    assert post(b'{"given": ' + b"9" * 40 + b"}").json() == {"given": int("9" * 40)}
