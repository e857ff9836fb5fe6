"""`creditbank serve` on a socket: it says when it answers, answers as HTTP wants it, and stops when it is told to."""

from __future__ import annotations

import json
import re
import signal
import socket
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.cli.program import Installation, Served, served
from tests.database import Server, copied


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests that only ask it something."""
    directory = tmp_path_factory.mktemp("served")
    if request.param == "sqlite":
        url = copied(request.getfixturevalue("migrated_sqlite"), directory)
        with served(Installation(url, directory)) as running:
            yield running
        return
    postgresql: Server = request.getfixturevalue("postgresql_server")
    template = request.getfixturevalue("migrated_postgresql")
    with postgresql.database(template) as url, served(Installation(url, directory)) as running:
        yield running


def test_the_ready_line_names_the_address_that_answers(server: Served) -> None:
    assert re.fullmatch(r"creditbank serves http://127\.0\.0\.1:[1-9][0-9]*\n", server.line)
    assert server.ask("GET", "/readyz")[1] == b"ok"


def test_a_key_opens_the_bank_and_anything_else_does_not(server: Served) -> None:
    response, content = server.ask("GET", "/v1/organisations")
    assert (response.status, json.loads(content)) == (200, {"items": [], "next_cursor": None})
    assert response.headers["Server"] is None
    assert server.ask("GET", "/v1/organisations", headers={"Authorization": "Bearer cb_x"})[0].status == 401


def test_head_answers_as_get_without_the_body(server: Served) -> None:
    got, content = server.ask("GET", "/v1/organisations")
    head, nothing = server.ask("HEAD", "/v1/organisations")
    assert (head.status, nothing) == (200, b"")
    assert head.headers["Content-Length"] == got.headers["Content-Length"] == str(len(content))


def test_options_and_405_name_the_methods_that_a_path_knows(server: Served) -> None:
    options, _ = server.ask("OPTIONS", "/v1/organisations")
    refused, problem = server.ask("DELETE", "/v1/organisations")
    assert options.status in (200, 204)
    assert options.headers["Allow"] == refused.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert (refused.status, json.loads(problem)["code"]) == (405, "method_not_allowed")


def test_an_unknown_path_is_a_problem_document(server: Served) -> None:
    response, problem = server.ask("GET", "/v1/nothing")
    assert (response.status, json.loads(problem)["code"]) == (404, "not_found")
    assert response.headers["Content-Type"].startswith("application/problem+json")


def test_a_body_that_is_no_json_is_a_problem_document(server: Served) -> None:
    body = b'{"code": "BIM-EVAL", '
    answer = server.send(
        b"POST /v1/organisations HTTP/1.1\r\nHost: bank\r\nConnection: close\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer " + server.key.encode() + b"\r\nIdempotency-Key: one\r\n"
        b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
    )
    head, _, problem = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(problem)["code"] == "malformed_json"


def test_bytes_that_are_no_http_are_refused_and_the_server_lives(server: Served) -> None:
    assert server.send(b"\x16\x03\x01 hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert server.ask("GET", "/livez")[0].status == 200


def follow(running: Served) -> tuple[HTTPConnection, HTTPResponse]:
    """A connection that follows the feed, and its answer, of which the first line has come."""
    connection = HTTPConnection(*running.address, timeout=10)
    headers = {"Authorization": f"Bearer {running.key}", "Accept": "text/event-stream"}
    connection.request("GET", "/v1/events", headers=headers)
    response = connection.getresponse()
    assert response.readline() == b": keep-alive\n"
    return connection, response


def test_the_server_stops_at_once_though_a_stream_is_open(database_url: str, tmp_path: Path) -> None:
    with served(Installation(database_url, tmp_path)) as running:
        connection, stream = follow(running)
        assert running.stop(signal.SIGTERM) == (0, "", "")
        assert stream.read() == b"\n"
        connection.close()


def test_several_workers_share_the_address_and_stop_together(postgresql_url: str, tmp_path: Path) -> None:
    with served(Installation(postgresql_url, tmp_path), "--workers", "2", "--json") as running:
        assert json.loads(running.line) == {"address": "http://{}:{}".format(*running.address)}
        connection, stream = follow(running)
        assert running.stop(signal.SIGINT) == (0, "", "")
        assert stream.read() == b"\n"
        connection.close()


def test_the_access_log_goes_to_standard_output_when_it_is_asked_for(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDITBANK_ACCESS_LOG", "true")
    with served(Installation(sqlite_url, tmp_path)) as running:
        running.ask("GET", "/v1/standards/WANGXIAOMING?name=WANGXIAOMING")
        code, lines, _ = running.stop()
    assert code == 0
    logged = json.loads(lines)
    assert (logged["method"], logged["route"], logged["status"]) == ("GET", "/v1/standards/{code}", 404)
    assert "WANGXIAOMING" not in lines


def test_an_sqlite_file_is_served_by_one_process(sqlite_url: str, creditbank: Command) -> None:
    refused = creditbank("serve", "--workers", "2", url=sqlite_url)
    assert refused.code == 2
    assert refused.err == "an SQLite file is served by one process: leave out --workers, or use PostgreSQL\n"


def test_a_port_that_is_taken_is_refused_in_a_sentence(sqlite_url: str, creditbank: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = creditbank("serve", "--port", str(port), url=sqlite_url)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == f"cannot listen on 127.0.0.1, port {port}: Address already in use\n"


def test_a_server_does_not_start_with_the_keys_of_another_bank(
    sqlite_url: str, creditbank: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert creditbank("keys", "create", "--role", "authority", url=sqlite_url).code == 0
    monkeypatch.setenv("CREDITBANK_DATA_DIR", "elsewhere")
    refused = creditbank("serve", "--port", "0")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("the key file wrapping.1.key is not the one ")
