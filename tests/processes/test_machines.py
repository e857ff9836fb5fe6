"""A program of an organisation against two processes of the bank, over sockets: from a key pair to a certificate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event
from time import monotonic, time
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from joserfc import jws
from joserfc.jwk import OKPKey

from creditbank.clock import clock
from creditbank.vault import signing
from tests.api.bank import STANDARD, certificate
from tests.api.machines import ASSERTION_TYPE, public, signed
from tests.cli.program import Installation, Served, served
from tests.database import Server

TWO_SECONDS = 2.0
GLANCE_SECONDS = 0.1
ASKED = 4
"""So many questions reach both processes, in turn."""

PUBLIC_URL = "http://bank.example"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two processes of one bank, which are asked in turn. They count no refusals."""

    servers: tuple[Served, Served]
    data_dir: Path
    _turns: Iterator[int] = field(default_factory=count)

    @property
    def server(self) -> Served:
        """The one whose turn it is."""
        return self.servers[next(self._turns) % 2]


@pytest.fixture(scope="module")
def pair(
    postgresql_server: Server, migrated_postgresql: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    data_dir = tmp_path_factory.mktemp("pair") / "data"
    with pytest.MonkeyPatch.context() as environment, postgresql_server.database(migrated_postgresql) as url:
        environment.setenv("CREDITBANK_REFUSALS_PER_MINUTE", "0")
        environment.setenv("CREDITBANK_PUBLIC_URL", PUBLIC_URL)
        with served(Installation(url, data_dir)) as one, served(Installation(url, data_dir)) as other:
            yield Pair((one, other), data_dir)
            for server in (one, other):
                assert server.stop() == (0, "", "")


def post(pair: Pair, path: str, body: object, token: str | None = None) -> tuple[int, dict[str, Any]]:
    """With a token, or with the authority's key."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
    own = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer, content = pair.server.ask("POST", path, json.dumps(body).encode(), headers | own)
    return answer.status, json.loads(content)


def register(pair: Pair, key: OKPKey, organisation: str) -> str:
    """The id of a client of a new organisation, which may award certificates of a standard of its own."""
    accreditation = {"standard": organisation, "levels": ["中级"], "valid_from": "2019-04-01"}
    client: dict[str, Any] = {}
    for path, body in (
        ("/v1/organisations", {"code": organisation, "name": "BIM", "roles": ["issuer"]}),
        ("/v1/standards", {**STANDARD, "code": organisation}),
        (f"/v1/organisations/{organisation}/accreditations", accreditation),
        (f"/v1/organisations/{organisation}/clients", {"role": "issuer", "jwks": {"keys": [public(key)]}}),
    ):
        status, client = post(pair, path, body)
        assert status == 201, client
    return str(client["client_id"])


def assertion(client_id: str, key: OKPKey) -> str:
    now = int(time())
    claims = {"iss": client_id, "sub": client_id, "aud": PUBLIC_URL, "jti": str(uuid4())}
    return signed(key, {**claims, "iat": now, "exp": now + 60})


def fetch(pair: Pair, signed_by_client: str) -> tuple[int, dict[str, Any]]:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": signed_by_client,
    }
    content = urlencode(form)
    request = (
        "POST /oauth/token HTTP/1.1\r\nHost: bank.example\r\nConnection: close\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(content)}\r\n\r\n{content}"
    )
    head, _, body = pair.server.send(request.encode()).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def status(pair: Pair, token: str) -> int:
    return pair.server.ask("GET", "/v1/organisations", headers={"Authorization": f"Bearer {token}"})[0].status


def wait_for_refusals(pair: Pair, *credentials: str) -> None:
    """Until both processes refuse each of them, or two seconds are over."""
    glance, until = Event(), monotonic() + TWO_SECONDS
    while monotonic() < until and {status(pair, one) for one in credentials for _ in range(ASKED)} != {401}:
        glance.wait(GLANCE_SECONDS)


def kid_of(answer: dict[str, Any]) -> str:
    return str(jws.extract_compact(answer["access_token"].encode()).protected["kid"])


def test_a_program_comes_from_a_key_pair_to_a_certificate_and_to_its_end(pair: Pair) -> None:
    key = OKPKey.generate_key("Ed25519")
    client_id = register(pair, key, "BIM-EVAL")

    once = assertion(client_id, key)
    fetched = [fetch(pair, once) for _ in range(ASKED)]
    assert sorted(status for status, _ in fetched) == [200] + [401] * (ASKED - 1), "used once, over both processes"
    [before] = [answer["access_token"] for status, answer in fetched if status == 200]
    assert post(pair, "/v1/certificates", certificate(standard="BIM-EVAL"), before)[0] == 201

    made = signing.rotate(pair.data_dir, clock())
    until = monotonic() + TWO_SECONDS * 2
    glance = Event()
    while made.kid not in {kid_of(fetch(pair, assertion(client_id, key))[1]) for _ in range(4)}:
        assert monotonic() < until, "nobody signs with the new key"
        glance.wait(GLANCE_SECONDS)
    after = fetch(pair, assertion(client_id, key))[1]["access_token"]
    for token in (before, after):
        assert {status(pair, token) for _ in range(ASKED)} == {200}, "both keys verify in both processes"

    pair.server.ask("DELETE", f"/v1/clients/{client_id}")
    wait_for_refusals(pair, before, after)
    assert {status(pair, token) for token in (before, after) for _ in range(ASKED)} == {401}
    assert fetch(pair, assertion(client_id, key))[0] == 401


def test_a_suspended_organisation_is_refused_in_both_processes_within_two_seconds(pair: Pair) -> None:
    key = OKPKey.generate_key("Ed25519")
    client_id = register(pair, key, "SUSPENDED")
    token = fetch(pair, assertion(client_id, key))[1]["access_token"]
    api_key = post(pair, "/v1/organisations/SUSPENDED/keys", {"role": "issuer"})[1]["key"]
    for credentials in (token, api_key):
        assert {status(pair, credentials) for _ in range(ASKED)} == {200}

    assert post(pair, "/v1/organisations/SUSPENDED/suspension", {"reason": "audit"})[0] == 200
    wait_for_refusals(pair, token, api_key)
    for credentials in (token, api_key):
        assert {status(pair, credentials) for _ in range(ASKED)} == {401}
