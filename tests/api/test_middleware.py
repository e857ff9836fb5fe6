"""The one middleware: ids, sizes, HEAD, headers, counts, the access log, and the last resort."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY
from starlette.types import Message, Receive

from creditbank.api import problems
from creditbank.api.addresses import networks
from creditbank.api.body import Body, StrictRoute
from creditbank.api.heads import BATCH_BYTES, MOST_HEADERS, REQUEST_BYTES, limit_of
from creditbank.api.middleware import ANSWER_HEADERS, AnswerCutShort, Observability

NAME = "王小明"


class Thing(Body):
    text: str


def application(**options: Any) -> FastAPI:
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.add_middleware(Observability, **options)
    problems.install(app)
    router = APIRouter(prefix="/v1", route_class=StrictRoute)

    @router.post("/things")
    @router.post("/things:batch")
    async def take(body: Thing) -> int:
        return len(body.text)

    @router.post("/raw")
    async def raw(request: Request) -> int:
        return sum([len(chunk) async for chunk in request.stream()])

    @router.get("/things/{thing}")
    async def give(thing: str, request: Request) -> str:
        return request.state.request_id

    @router.get("/cached")
    async def cached(request: Request) -> Response:
        request.scope["state"].setdefault(ANSWER_HEADERS, []).append((b"link", b"<next>"))
        return Response(b"bytes", headers={"Cache-Control": "private", "ETag": '"7"'})

    @router.get("/endless")
    async def endless() -> StreamingResponse:
        async def numbers() -> AsyncIterator[str]:
            number = 0
            while True:
                yield f"{number}\n"
                number += 1
                await asyncio.sleep(0)

        return StreamingResponse(numbers())

    @router.get("/broken")
    async def broken() -> None:
        try:
            raise ValueError("王小明 11010519491231002X")
        except ValueError as error:
            raise LookupError("SELECT name FROM holders") from error

    @router.get("/cut")
    async def cut() -> StreamingResponse:
        def lines() -> Iterator[str]:
            yield "one\n"
            raise LookupError(NAME)

        return StreamingResponse(lines())

    @app.get("/livez")
    async def livez() -> str:
        return "ok"

    app.include_router(router)
    return app


def client(**options: Any) -> TestClient:
    return TestClient(application(**options))


@pytest.mark.parametrize("request_id", ["abc", "0b1f6c0e-8d3c", "a" * 64, "A_b.c"])
def test_a_sane_request_id_is_kept(request_id: str) -> None:
    answer = client().get("/v1/things/1", headers={"X-Request-Id": request_id})
    assert answer.headers.get_list("x-request-id") == [request_id]
    assert answer.json() == request_id


@pytest.mark.parametrize("request_id", [None, "", "a" * 65, "a b", "a\u00e9", '{"a":1}', "a;b"])
def test_another_one_is_replaced(request_id: str | None) -> None:
    headers = {} if request_id is None else {"X-Request-Id": request_id.encode("latin-1")}
    answer = client().get("/v1/nowhere", headers=headers)  # type: ignore[arg-type]
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/v1/certificates", 65_536), ("/v1/certificates:batch", 8_388_608), ("/v1/accounts:batch", 8_388_608),
        ("/v1/rulebooks:evaluate", 4_194_304), ("/v1/rulebooks/x/versions", 4_194_304),
        ("/:batch/x", 65_536), ("", 65_536),
    ],
)  # fmt: skip
def test_each_kind_of_path_has_its_size(path: str, limit: int) -> None:
    assert limit_of(path) == limit


def body_of(size: int) -> bytes:
    return b'{"text": "' + b"a" * (size - 12) + b'"}'


@pytest.mark.parametrize("path", ["/v1/things", "/v1/raw"])
def test_a_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(path: str) -> None:
    headers = {"Content-Type": "application/json"}
    assert client().post(path, content=body_of(REQUEST_BYTES), headers=headers).status_code == 200
    refused = client().post(path, content=body_of(REQUEST_BYTES + 1), headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["x-request-id"] == refused.json()["request_id"]


@pytest.mark.parametrize("path", ["/v1/things", "/v1/raw"])
def test_a_chunked_body_is_counted_as_it_comes(path: str) -> None:
    def chunks() -> Iterator[bytes]:
        yield from (body_of(REQUEST_BYTES + 1)[start : start + 1000] for start in range(0, REQUEST_BYTES + 1, 1000))

    refused = client().post(path, content=chunks(), headers={"Content-Type": "application/json"})
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")


def test_a_batch_may_be_larger() -> None:
    headers = {"Content-Type": "application/json"}
    assert client().post("/v1/things:batch", content=body_of(BATCH_BYTES), headers=headers).json() == BATCH_BYTES - 12


def test_an_announced_size_is_judged_before_anything_is_read() -> None:
    headers = [(b"content-length", b"9" * 30), (b"content-type", b"application/json")]
    assert asyncio.run(sent_unread(headers))["status"] == 413


async def sent_unread(headers: list[tuple[bytes, bytes]]) -> Message:
    """The start of the answer to a POST whose body nobody may read."""

    async def receive() -> Message:
        raise AssertionError("nothing is to be read")

    return await answered(application(), "/v1/things", receive, *headers)


async def answered(app: FastAPI, path: str, receive: Receive, *headers: tuple[bytes, bytes]) -> Message:
    """The start of the answer to a POST."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "method": "POST", "path": path, "query_string": b"",
        "headers": list(headers), "root_path": "", "scheme": "http", "server": ("bank", 80), "client": ("192.0.2.1", 1),
    }  # fmt: skip
    await app(scope, receive, send)
    return sent[0]


@pytest.mark.parametrize("path", ["/v1/things/1", "/v1/nowhere", "/v1/cached", "/v1/broken"])
def test_head_answers_like_get_without_a_body(path: str) -> None:
    ours = {"X-Request-Id": "same"}
    get, head = client().get(path, headers=ours), client().head(path, headers=ours)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers == get.headers


def test_nul_in_a_path_or_query_goes_no_further() -> None:
    assert client().get("/v1/things/a%00b").json()["code"] == "not_found"
    refused = client().get("/v1/things/a?name=b%00")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "nul_character")


def test_head_of_an_endless_stream_ends() -> None:
    answer = client().head("/v1/endless")
    assert (answer.status_code, answer.content) == (200, b"")


def test_head_of_a_path_without_get_is_not_allowed() -> None:
    answer = client().head("/v1/things")
    assert (answer.status_code, answer.content, answer.headers["allow"]) == (405, b"", "OPTIONS, POST")


def test_safe_headers_are_added_unless_the_route_has_its_own() -> None:
    plain, own = client().get("/v1/things/1").headers, client().get("/v1/cached").headers
    assert (plain["cache-control"], own["cache-control"]) == ("no-store", "private")
    assert own["etag"] == '"7"'
    for headers in (plain, own, client().get("/v1/nowhere").headers):
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in headers["content-security-policy"]
    assert client().get("/elsewhere").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity, gzip", "x"])
def test_a_body_that_is_compressed_is_never_read(encoding: str) -> None:
    answer = asyncio.run(
        sent_unread([(b"content-type", b"application/json"), (b"content-encoding", encoding.encode())])
    )
    assert (answer["status"], dict(answer["headers"])[b"accept-encoding"]) == (415, b"identity")
    refused = client().post("/v1/things", content=b"\x1f\x8b", headers={"Content-Encoding": encoding})
    assert (refused.status_code, refused.json()["code"]) == (415, "content_encoded")


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
def test_a_body_as_it_is_may_say_so(encoding: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    assert client().post("/v1/things", content=body_of(20), headers=headers).status_code == 200


def test_more_headers_than_anybody_needs_are_refused() -> None:
    few = len(client().build_request("GET", "/").headers)
    fit = {f"x-{number}": "1" for number in range(MOST_HEADERS - few)}
    assert client().get("/v1/things/1", headers=fit).status_code == 200
    refused = client().get("/v1/things/1", headers={**fit, "x-one-more": "1"})
    assert (refused.status_code, refused.json()["code"]) == (431, "header_too_large")


HSTS = "max-age=31536000"


@pytest.mark.parametrize(
    ("url", "headers", "expected"),
    [
        ("https://bank/v1/things/1", {}, HSTS),
        ("http://bank/v1/things/1", {}, None),
        ("http://bank/v1/things/1", {"X-Forwarded-Proto": "https"}, HSTS),
        ("http://bank/v1/things/1", {"X-Forwarded-Proto": "https, http"}, HSTS),
        ("http://bank/v1/things/1", {"X-Forwarded-Proto": "http"}, None),
        ("http://bank/v1/nowhere", {"X-Forwarded-Proto": "https"}, HSTS),
    ],
)
def test_who_came_over_tls_is_told_to_stay_there(url: str, headers: dict[str, str], expected: str | None) -> None:
    behind = TestClient(application(proxies=networks(["192.0.2.0/24"])), client=("192.0.2.1", 1))
    assert behind.get(url, headers=headers).headers.get("strict-transport-security") == expected


def test_a_stranger_is_not_believed_about_tls() -> None:
    stranger = TestClient(application(proxies=networks(["192.0.2.0/24"])), client=("198.51.100.1", 1))
    answer = stranger.get("/v1/things/1", headers={"X-Forwarded-Proto": "https"})
    assert "strict-transport-security" not in answer.headers


def test_beyond_so_many_requests_at_once_others_are_told_to_wait_except_those_who_watch() -> None:
    async def crowd() -> list[tuple[int, bool]]:
        app, sent = application(requests_at_once=2), asyncio.Event()

        async def ask(path: str, body: asyncio.Event | None = None) -> Message:
            async def receive() -> Message:
                if body is not None:
                    await body.wait()
                return {"type": "http.request", "body": b""}

            return await answered(app, path, receive)

        waiting = [asyncio.create_task(ask("/v1/raw", sent)) for _ in range(2)]
        await asyncio.sleep(0)
        answers = [await ask("/v1/raw"), await ask("/livez")]
        sent.set()
        answers += [await task for task in waiting] + [await ask("/v1/raw")]
        return [(answer["status"], b"retry-after" in dict(answer["headers"])) for answer in answers]

    assert asyncio.run(crowd()) == [(503, True), (405, False), (200, False), (200, False), (200, False)]


def test_headers_left_in_the_state_reach_any_answer() -> None:
    assert client().get("/v1/cached").headers["link"] == "<next>"


def test_requests_are_counted_by_route_template() -> None:
    def counted(route: str, status: str, method: str = "GET") -> float:
        labels = {"method": method, "route": route, "status": status}
        return REGISTRY.get_sample_value("creditbank_http_requests_total", labels) or 0.0

    before = counted("/v1/things/{thing}", "200"), counted("unmatched", "404"), counted("unmatched", "404", "OTHER")
    one = client()
    for number in range(3):
        one.get(f"/v1/things/{number}")
        one.get(f"/nowhere/{number}")
        one.request(f"METHOD{number}", "/nowhere")
    after = counted("/v1/things/{thing}", "200"), counted("unmatched", "404"), counted("unmatched", "404", "OTHER")
    assert [then - now for then, now in zip(after, before, strict=True)] == [3, 3, 3]
    labels = {"method": "GET", "route": "/v1/things/{thing}"}
    assert (REGISTRY.get_sample_value("creditbank_http_request_seconds_count", labels) or 0) >= 3


def test_the_access_log_is_one_line_of_json_without_path_query_or_credentials(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "creditbank.access"):
        client(access_log=True).get("/v1/things/secret?name=secret", headers={"Authorization": "Bearer secret"})
    lines = [record.getMessage() for record in caplog.records if record.name == "creditbank.access"]
    assert len(lines) == 1
    line = json.loads(lines[0])
    assert line.keys() == {"request_id", "method", "route", "status", "milliseconds"}
    assert (line["method"], line["route"], line["status"]) == ("GET", "/v1/things/{thing}", 200)
    assert "secret" not in lines[0]


def test_the_access_log_is_off_unless_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "creditbank.access"):
        client().get("/v1/things/1")
    assert not [record for record in caplog.records if record.name == "creditbank.access"]


def test_what_nobody_expected_is_an_internal_error_whose_words_stay_inside(caplog: pytest.LogCaptureFixture) -> None:
    answer = client().get("/v1/broken", headers={"Accept-Language": "zh-CN", "X-Request-Id": "abc"})
    assert (answer.status_code, answer.json()["code"], answer.json()["request_id"]) == (500, "internal_error", "abc")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    for told in (answer.text, caplog.text):
        assert "王小明" not in told
        assert "holders" not in told.replace('raise LookupError("SELECT name FROM holders")', "")
    assert "LookupError < ValueError" in caplog.text
    assert "test_middleware.py" in caplog.text


def test_an_answer_that_breaks_in_the_middle_is_not_made_to_look_complete() -> None:
    with pytest.raises(AnswerCutShort) as cut:
        client().get("/v1/cut")
    assert cut.value.__suppress_context__
