"""Lists are walked by opaque cursors, which open nothing but the list that issued them."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from creditbank.api import problems
from creditbank.api.cursors import Cursors, PageAsked
from creditbank.api.middleware import Observability
from creditbank.domain.errors import CursorInvalid


def client() -> TestClient:
    """A list of the numbers below ten."""
    app = FastAPI(openapi_url=None)
    app.state.cursors = Cursors(b"secret")
    app.add_middleware(Observability)
    problems.install(app)

    @app.get("/numbers/{kind}")
    async def numbers(page: PageAsked, kind: str, text: str = "") -> dict[str, Any]:
        first = page.after[0] + 1 if page.after else 0
        rows, cursor = page.cut(range(first, 10), lambda number: [number])
        return {"items": rows, "next_cursor": cursor}

    return TestClient(app)


def test_a_list_is_walked_to_its_end_by_cursor() -> None:
    one, seen, cursor = client(), [], ""
    while cursor is not None:
        answer = one.get("/numbers/all", params={"limit": 4} | ({"cursor": cursor} if cursor else {})).json()
        seen.append(answer["items"])
        cursor = answer["next_cursor"]
    assert seen == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_a_list_is_walked_to_its_end_by_link() -> None:
    one, url, seen = client(), "/numbers/学?limit=5&text=%E7%8E%8B+%26", []
    while url:
        answer = one.get(url)
        seen += answer.json()["items"]
        url = answer.links.get("next", {}).get("url", "")
    assert seen == list(range(10))
    assert "link" not in answer.headers


def test_a_full_last_page_is_followed_by_nothing() -> None:
    assert client().get("/numbers/all?limit=10").json()["next_cursor"] is None


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "many", "1e2", "9" * 5000, ""])
def test_a_limit_out_of_range_is_refused(limit: str) -> None:
    answer = client().get("/numbers/all", params={"limit": limit})
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "limit")


@pytest.mark.parametrize("cursor", ["", "x", "é", "!!!!", "AAAA", "a" * 10_000, "\u0001", "=", "Zm9vYmFyYmF6cXV4WzFd"])
def test_what_is_no_cursor_is_invalid(cursor: str) -> None:
    answer = client().get("/numbers/all", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid")


def test_a_cursor_is_bound_to_its_list_and_filters_and_not_to_the_size_of_the_page() -> None:
    one = client()
    cursor = one.get("/numbers/all?limit=2&text=a").json()["next_cursor"]
    assert one.get("/numbers/all", params={"cursor": cursor, "text": "a", "limit": 9}).json()["items"][0] == 2
    for path, text in (("/numbers/all", "b"), ("/numbers/all", ""), ("/numbers/other", "a")):
        assert one.get(path, params={"cursor": cursor, "text": text}).status_code == 400


def test_a_cursor_cannot_be_forged() -> None:
    cursors = Cursors(b"secret")
    cursor = cursors.encode(["2026-07-01", 7, None], "f")
    assert cursors.decode(cursor, "f") == ["2026-07-01", 7, None]
    signed = bytearray(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    for place in range(len(signed)):
        forged = bytes(signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1 :])
        with pytest.raises(CursorInvalid):
            cursors.decode(urlsafe_b64encode(forged).decode().rstrip("="), "f")
    with pytest.raises(CursorInvalid):
        Cursors(b"another").decode(cursor, "f")
