"""Bound tokens (DPoP): of no use without their key, and each proof is for one request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from tests.api.bank import ReadyBank, certificate, on_one_database, open_app
from tests.api.machines import ISSUER, Machine, machine, public, signed

PATH = "/v1/organisations"


@pytest.fixture(scope="module")
def one(bank: ReadyBank) -> Machine:
    """A client that many tests share."""
    return machine(bank)


def _bound(one: Machine) -> str:
    """A token that is bound to the client's key."""
    answer = one.ask(headers={"DPoP": one.proof("POST", "/oauth/token")})
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP"), answer.text
    return str(answer.json()["access_token"])


def _status(one: Machine, token: str, proof: str | None, scheme: str = "DPoP", path: str = PATH) -> int:
    headers = {"Authorization": f"{scheme} {token}"} | ({"DPoP": proof} if proof is not None else {})
    return int(one.bank.client.get(path, headers=headers).status_code)


def test_a_bound_token_opens_with_a_proof_for_each_request(bank: ReadyBank, one: Machine) -> None:
    token = _bound(one)

    assert json.loads(jws.extract_compact(token.encode()).payload)["cnf"] == {"jkt": one.key.thumbprint()}
    assert _status(one, token, one.proof("GET", PATH, token)) == 200
    headers = {
        "Authorization": f"DPoP {token}",
        "DPoP": one.proof("POST", "/v1/certificates", token),
        "Idempotency-Key": "with-a-proof",
    }
    assert bank.client.post("/v1/certificates", json=certificate(), headers=headers).status_code == 201


@on_one_database
def test_a_bound_token_is_of_no_use_without_its_key(one: Machine) -> None:
    token, thief = _bound(one), Machine(bank=one.bank, client_id=one.client_id)

    assert _status(one, token, None) == 401
    assert _status(one, token, None, "Bearer") == 401
    assert _status(one, token, one.proof("GET", PATH, token), "Bearer") == 401
    assert _status(one, token, thief.proof("GET", PATH, token)) == 401
    assert _status(one, token, one.proof("GET", PATH, token)) == 200


@on_one_database
def test_a_token_that_is_not_bound_is_no_bound_one(one: Machine) -> None:
    token = one.ask().json()["access_token"]
    assert _status(one, token, one.proof("GET", PATH, token)) == 401
    assert _status(one, token, one.proof("GET", PATH, token), "Bearer") == 200


def test_a_proof_is_used_once_over_all_processes(own_bank: ReadyBank, database_url: str, tmp_path: Path) -> None:
    client = machine(own_bank)
    token = _bound(client)
    with open_app(database_url, tmp_path, own_bank.clock) as other:
        headers = {"Authorization": f"DPoP {token}", "DPoP": client.proof("GET", PATH, token)}
        statuses = [process.get(PATH, headers=headers).status_code for process in (own_bank.client, other, other)]
    assert statuses == [200, 401, 401]


@on_one_database
@pytest.mark.parametrize(
    "changes",
    [
        {"htm": "POST"},
        {"htm": "get"},
        {"htm": None},
        {"htu": ISSUER + "/v1/standards"},
        {"htu": "https://127.0.0.1:8000" + PATH},
        {"htu": "http://elsewhere.example:8000" + PATH},
        {"htu": ISSUER + PATH + "/"},
        {"htu": PATH},
        {"htu": "http://[" + PATH},
        {"htu": "http://127.0.0.1:port" + PATH},
        {"htu": None},
        {"ath": None},
        {"ath": "x"},
        {"ath": "é"},
        {"ath": 5},
        {"jti": None},
        {"jti": ""},
        {"iat": None},
        {"iat": 1},
        {"iat": 4_000_000_000},
        {"iat": "now"},
        {"iat": 1e300},
    ],
    ids=str,
)
def test_a_proof_is_for_this_request_and_now(one: Machine, changes: dict[str, Any]) -> None:
    token = _bound(one)
    assert _status(one, token, one.proof("GET", PATH, token, **changes)) == 401


@on_one_database
@pytest.mark.parametrize(("seconds", "status"), [(0, 200), (-59, 200), (-60, 401), (9, 200), (30, 401)])
def test_a_proof_is_taken_for_a_minute(one: Machine, seconds: int, status: int) -> None:
    token = _bound(one)
    made = one.bank.clock() // 1_000_000 + seconds
    assert _status(one, token, one.proof("GET", PATH, token, iat=made)) == status


@on_one_database
def test_the_url_of_a_proof_may_have_a_query_or_not(one: Machine) -> None:
    token, path = _bound(one), PATH + "?limit=1"
    assert _status(one, token, one.proof("GET", path, token), path=path) == 200
    assert _status(one, token, one.proof("GET", PATH, token), path=path) == 200
    assert _status(one, token, one.proof("GET", PATH, token, htu="HTTP://127.0.0.1:8000" + PATH)) == 200


@on_one_database
def test_a_head_request_is_proved_as_such(one: Machine) -> None:
    token = _bound(one)

    def head(method: str) -> int:
        headers = {"Authorization": f"DPoP {token}", "DPoP": one.proof(method, PATH, token)}
        return int(one.bank.client.head(PATH, headers=headers).status_code)

    assert (head("HEAD"), head("GET")) == (200, 401)


@on_one_database
def test_a_proof_shows_the_public_key_that_made_it(one: Machine) -> None:
    token = _bound(one)
    claims = json.loads(jws.extract_compact(one.proof("GET", PATH, token).encode()).payload)

    def status(key: Any, algorithm: str = "Ed25519", **header: Any) -> int:
        return _status(one, token, signed(key, claims, algorithm, **{"typ": "dpop+jwt", "kid": None, **header}))

    stranger = OKPKey.generate_key("Ed25519")
    assert status(stranger, jwk=public(one.key)) == 401
    assert status(one.key, jwk=public(stranger)) == 401
    assert status(one.key, jwk=one.key.as_dict(private=True)) == 401
    assert status(one.key) == 401
    assert status(one.key, jwk=public(one.key), typ="JWT") == 401
    assert status(one.key, jwk=public(one.key), typ=None) == 401
    secret = OctKey.import_key("0123456789abcdef0123456789abcdef")
    assert status(secret, "HS256", jwk=secret.as_dict()) == 401
    assert status(one.key, jwk=public(one.key)) == 200


@on_one_database
def test_two_proofs_are_none(one: Machine) -> None:
    token = _bound(one)
    headers = [("Authorization", f"DPoP {token}"), *(("DPoP", one.proof("GET", PATH, token)) for _ in range(2))]
    assert one.bank.client.get(PATH, headers=headers).json()["errors"][0]["code"] == "header_repeated"
    assert _status(one, token, "x") == 401
    assert _status(one, token, "") == 401


@pytest.mark.parametrize(
    ("key", "algorithm"), [(ECKey.generate_key("P-256"), "ES256"), (RSAKey.generate_key(2048), "PS256")]
)
def test_other_kinds_of_keys_prove_as_well(bank: ReadyBank, one: Machine, key: Any, algorithm: str) -> None:
    proof = jws.extract_compact(one.proof("POST", "/oauth/token").encode())
    made = signed(key, json.loads(proof.payload), algorithm, typ="dpop+jwt", kid=None, jwk=public(key))

    assert one.ask(headers={"DPoP": made}).json()["token_type"] == "DPoP"


# At the token endpoint


@on_one_database
def test_a_client_that_is_always_bound_gets_no_other_tokens(bank: ReadyBank) -> None:
    client = machine(bank, dpop_bound=True)

    refused = client.ask()
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")
    token = _bound(client)
    assert _status(client, token, client.proof("GET", PATH, token)) == 200


@on_one_database
def test_a_bad_proof_gets_no_token(one: Machine) -> None:
    good = one.proof("POST", "/oauth/token")
    assert one.ask(headers={"DPoP": good}).status_code == 200
    for proof in (
        good,
        "x",
        one.proof("GET", "/oauth/token"),
        one.proof("POST", PATH),
        one.proof("POST", "/oauth/token", iat=1),
    ):
        refused = one.ask(headers={"DPoP": proof})
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")
