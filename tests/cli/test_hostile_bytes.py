"""Bytes as no client library would send them, over a real socket: refused in the bank's own words, or harmless."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import Installation, Served, served
from tests.database import copied

GET, POST = b"GET /v1/standards HTTP/1.1\r\n", b"POST /v1/standards HTTP/1.1\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def server(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("hostile")
    with served(Installation(copied(migrated_sqlite, directory), directory)) as running:
        yield running


def answer_to(server: Served, request: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers and body of the one answer to a request that comes with the authority's key."""
    line, _, rest = request.partition(b"\r\n")
    credentials = b"Host: bank\r\nConnection: close\r\nAuthorization: Bearer " + server.key.encode() + b"\r\n"
    head, _, body = server.send(line + b"\r\n" + credentials + rest).partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    named = dict(header.lower().split(b": ", 1) for header in headers)
    assert body.count(b"HTTP/1.1") == 0
    return int(status.split()[1]), named, body


REFUSED = {
    "folded header": (GET + b"X-Request-Id: a\r\n b\r\n\r\n", 400),
    "bare carriage return": (GET + b"X-Request-Id: a\r\rSet-Cookie: b\r\n\r\n", 400),
    "bare line feed": (GET + b"X-Request-Id: a\nSet-Cookie: b\r\n\r\n", 400),
    "NUL in a header": (GET + b"X-A: a\0b\r\n\r\n", 400),
    "space in a name": (GET + b"Bad Name: b\r\n\r\n", 400),
    "space before the colon": (GET + b"X-A : b\r\n\r\n", 400),
    "header without a name": (GET + b": b\r\n\r\n", 400),
    "two hosts": (GET + b"Host: other\r\n\r\n", 422),
    "two credentials": (GET + b"Authorization: Bearer cb_other\r\n\r\n", 422),
    "two hundred headers": (GET + b"".join(b"X-%d: 1\r\n" % number for number in range(200)) + b"\r\n", 431),
    "huge header": (GET + b"X-A: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    "two lengths": (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    "list of lengths": (POST + b"Content-Length: 2,2\r\n\r\n{}", 400),
    "length with a sign": (POST + b"Content-Length: +2\r\n\r\n{}", 400),
    "negative length": (POST + b"Content-Length: -1\r\n\r\n", 400),
    "length beyond numbers": (POST + b"Content-Length: 99999999999999999999999999\r\n\r\n", 400),
    "length beyond the limit": (POST + b"Content-Length: 999999999999\r\n\r\n", 413),
    "length and chunks": (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunked is not last": (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
    "compressed on the way": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 415),
    "compressed body": (POST + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b", 415),
    "negative chunk": (CHUNKED + b"-1\r\n\r\n", 400),
    "chunk beyond numbers": (CHUNKED + b"fffffffffffffffffffff\r\n\r\n", 400),
    "unknown method": (b"FOO / HTTP/1.1\r\n\r\n", 400),
    "method in small letters": (b"get / HTTP/1.1\r\n\r\n", 400),
    "trace": (b"TRACE /v1/standards HTTP/1.1\r\n\r\n", 405),
    "trace of nothing": (b"TRACE /nothing HTTP/1.1\r\n\r\n", 404),
    "connect": (b"CONNECT other:443 HTTP/1.1\r\n\r\n", 400),
    "asterisk": (b"OPTIONS * HTTP/1.1\r\n\r\n", 404),
    "raw bytes in a path": (b"GET /v1/\xe7\x8e\x8b HTTP/1.1\r\n\r\n", 400),
    "broken percents in a path": (b"GET /v1/%ff%fe%zz% HTTP/1.1\r\n\r\n", 404),
    "space in a path": (b"GET /v1/a b HTTP/1.1\r\n\r\n", 400),
    "path without a slash": (b"GET v1 HTTP/1.1\r\n\r\n", 400),
    "another authority": (b"GET //other/v1 HTTP/1.1\r\n\r\n", 404),
    "unknown version": (b"GET /v1/standards HTTP/9.9\r\n\r\n", 400),
    "another protocol": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
}


@pytest.mark.parametrize(("request_bytes", "status"), REFUSED.values(), ids=REFUSED)
def test_what_no_client_sends_is_refused_as_a_problem(server: Served, request_bytes: bytes, status: int) -> None:
    given, headers, body = answer_to(server, request_bytes)
    assert (given, headers[b"content-type"]) == (status, b"application/problem+json")
    assert json.loads(body)["status"] == status
    assert b"set-cookie" not in headers
    assert server.ask("GET", "/livez")[0].status == 200


HARMLESS = {
    "broken percents in a query": b"GET /v1/standards?%ff=%zz&;;&&= HTTP/1.1\r\n\r\n",
    "thousands of parameters": b"GET /v1/standards?" + b"a=1&" * 5000 + b" HTTP/1.1\r\n\r\n",
    "line breaks in a language": GET + b"Accept-Language: zh%0d%0aSet-Cookie: a=b\r\n\r\n",
    "web socket": GET + b"Upgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "another protocol offered": GET + b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", HARMLESS.values(), ids=HARMLESS)
def test_what_means_nothing_to_the_bank_changes_nothing(server: Served, request_bytes: bytes) -> None:
    status, headers, body = answer_to(server, request_bytes)
    assert (status, json.loads(body)) == (200, {"items": [], "next_cursor": None})
    assert b"set-cookie" not in headers


def test_line_breaks_in_a_path_stay_in_the_body(server: Served) -> None:
    status, headers, body = answer_to(server, b"GET /v1/%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\n\r\n")
    assert (status, b"set-cookie" in headers) == (404, False)
    assert json.loads(body)["instance"] == "/v1/%0D%0ASet-Cookie:%20a=b"


def test_who_may_not_write_is_told_so_instead_of_to_go_on(server: Served) -> None:
    answer = server.send(POST + b"Host: bank\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 401 ")
