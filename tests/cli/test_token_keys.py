"""`creditbank keys rotate tokens` and `keys retire tokens`, beside a server that goes on answering."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event
from time import monotonic
from urllib.parse import urlencode

from joserfc import jws

from tests.api.machines import basic
from tests.cli.conftest import Command
from tests.cli.program import Installation, Served, served

NOTICE_SECONDS = 10.0
GLANCE_SECONDS = 0.1


def token_of(server: Served, client: dict[str, str]) -> str:
    """A new token, fetched as a program does."""
    form = {"Content-Type": "application/x-www-form-urlencoded", **basic(client["client_id"], client["client_secret"])}
    answer, content = server.ask("POST", "/oauth/token", urlencode({"grant_type": "client_credentials"}).encode(), form)
    assert answer.status == 200, content
    return str(json.loads(content)["access_token"])


def kid_of(token: str) -> str:
    return str(jws.extract_compact(token.encode()).protected["kid"])


def status(server: Served, token: str) -> int:
    return server.ask("GET", "/v1/organisations", headers={"Authorization": f"Bearer {token}"})[0].status


def test_a_running_server_signs_with_the_new_key_and_takes_what_the_former_signed(
    sqlite_url: str, tmp_path: Path, creditbank: Command
) -> None:
    with served(Installation(sqlite_url, tmp_path / "data")) as server:
        for path, body in (
            ("/v1/organisations", {"code": "A", "name": "A", "roles": ["auditor"]}),
            ("/v1/organisations/A/clients", {"role": "auditor", "secret": True}),
        ):
            headers = {"Content-Type": "application/json", "Idempotency-Key": path}
            answer, content = server.ask("POST", path, json.dumps(body).encode(), headers)
            assert answer.status == 201, content
        client = json.loads(content)
        before = token_of(server, client)

        made = creditbank("keys", "rotate", "tokens", "--json").json
        assert made == {"key": "tokens", "kid": made["kid"]} and made["kid"] != kid_of(before)
        glance, until = Event(), monotonic() + NOTICE_SECONDS
        while kid_of(after := token_of(server, client)) != made["kid"]:
            assert monotonic() < until, "the server does not notice the new key"
            glance.wait(GLANCE_SECONDS)
        assert (status(server, before), status(server, after)) == (200, 200)
        assert len(json.loads(server.ask("GET", "/.well-known/jwks.json")[1])["keys"]) == 2

        assert creditbank("keys", "retire", "tokens", "--json").json == {"key": "tokens", "destroyed": [kid_of(before)]}
        while status(server, before) == 200:
            assert monotonic() < until, "the server does not notice that a key is gone"
            glance.wait(GLANCE_SECONDS)
        assert status(server, after) == 200


def test_what_was_done_is_said_in_words(creditbank: Command) -> None:
    assert creditbank("keys", "retire", "tokens").out == "there is no former key of access tokens\n"
    first = creditbank("keys", "rotate", "tokens")
    assert (first.code, first.err) == (0, "")
    assert "signed by" in first.out
    creditbank("keys", "rotate", "tokens")
    assert creditbank("keys", "retire", "tokens").out.startswith("destroyed: ")


def test_a_damaged_key_is_named(creditbank: Command) -> None:
    folder = Path("data/keys/tokens")
    folder.mkdir(parents=True)
    (folder / "broken.key").write_text("{}")
    refused = creditbank("keys", "rotate", "tokens")
    assert (refused.code, refused.out) == (1, "")
    assert "broken.key does not hold a token key" in refused.err
