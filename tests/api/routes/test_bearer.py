"""Access tokens as credentials: only this bank's own, while they last, and not beyond their client."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64encode
from prometheus_client import REGISTRY

from creditbank.api.freshness import FRESH_MICROSECONDS
from creditbank.api.tokens.office import TokenOffice
from creditbank.vault import signing
from tests.api.bank import Caller, ReadyBank, certificate, on_one_database, open_app
from tests.api.machines import ISSUER, Machine, machine, public, signed

SECOND = 1_000_000


@pytest.fixture(scope="module")
def one(bank: ReadyBank) -> Machine:
    """A client that many tests share."""
    return machine(bank)


def _office(bank: ReadyBank) -> TokenOffice:
    found: TokenOffice = bank.client.app.state.authenticator.tokens
    return found


def _status(bank: ReadyBank, token: str, scheme: str = "Bearer") -> int:
    return int(bank.client.get("/v1/organisations", headers={"Authorization": f"{scheme} {token}"}).status_code)


def _forged(one: Machine, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
    """A token as the bank makes it, with changes, signed by the bank's own key or another one. None leaves out."""
    token = jws.extract_compact(one.ask().json()["access_token"].encode())
    said = {**json.loads(token.payload), **claims}
    kept = {name: value for name, value in said.items() if value is not None}
    own = _office(one.bank).keys.current().pair
    return signed(key or own, kept, **{**token.protected, **(header or {})})


@on_one_database
def test_what_is_forged_here_would_be_taken_without_the_change(one: Machine) -> None:
    assert _status(one.bank, _forged(one)) == 200


@on_one_database
@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://elsewhere.example"},
        {"aud": [ISSUER, "https://elsewhere.example"]},
        {"aud": None},
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": 4_000_000_000, "exp": 4_000_000_900},
        {"client_id": "cbc_0123456789abcdef"},
        {"client_id": "a\0b"},
        {"client_id": None},
        {"role": "king"},
        {"scope": None},
        {"scope": ["certificates:award"]},
        {"cnf": {"jkt": "somebody's"}},
        {"cnf": {}},
    ],
    ids=str,
)
def test_a_token_must_be_this_banks_for_this_bank_and_now(one: Machine, claims: dict[str, Any]) -> None:
    assert _status(one.bank, _forged(one, **claims)) == 401


@on_one_database
@pytest.mark.parametrize(
    "header",
    [{"typ": "JWT"}, {"typ": None}, {"typ": "dpop+jwt"}, {"kid": "unknown"}, {"kid": None}, {"cty": "JWT"}],
    ids=str,
)
def test_the_header_names_the_kind_and_the_key(one: Machine, header: dict[str, Any]) -> None:
    assert _status(one.bank, _forged(one, header)) == 401


@on_one_database
def test_another_key_signs_no_token_of_the_bank(one: Machine) -> None:
    stranger = OKPKey.generate_key("Ed25519")
    assert _status(one.bank, _forged(one, key=stranger)) == 401
    assert _status(one.bank, _forged(one, {"kid": stranger.thumbprint(), "jwk": public(stranger)}, key=stranger)) == 401
    assert _status(one.bank, one.assertion()) == 401, "what a client signs is no access token"


@on_one_database
@pytest.mark.parametrize("algorithm", ["none", "EdDSA", "HS256", "ES256", "ed25519"])
def test_the_algorithm_is_that_of_the_key(one: Machine, algorithm: str) -> None:
    token = one.ask().json()["access_token"]
    header = {**jws.extract_compact(token.encode()).protected, "alg": algorithm}
    message = urlsafe_b64encode(json.dumps(header).encode()) + b"." + token.split(".")[1].encode()
    signature = urlsafe_b64encode(_office(one.bank).keys.current().pair.private_key.sign(message))
    assert _status(one.bank, (message + b"." + signature).decode()) == 401
    assert _status(one.bank, message.decode() + ".") == 401


@on_one_database
def test_a_token_with_one_sign_changed_is_none(one: Machine) -> None:
    token = one.ask().json()["access_token"]
    assert _status(one.bank, token) == 200
    for place in (5, len(token) // 2, len(token) - 1):
        assert _status(one.bank, token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]) == 401
    for text in (token + ".", token + "=", "." + token, token.replace(".", "..", 1), token + "A" * 9000):
        assert _status(one.bank, text) == 401


@on_one_database
def test_bad_tokens_and_bad_keys_are_refused_alike(one: Machine) -> None:
    sent = ("Bearer eyJ", "Bearer cb_nobody", "Basic x", f"Bearer {_forged(one, exp=1)}", "DPoP eyJ")
    answers = [one.bank.client.get("/v1/organisations", headers={"Authorization": header}) for header in sent]

    assert {answer.status_code for answer in answers} == {401}
    assert len({json.dumps({**answer.json(), "request_id": ""}) for answer in answers}) == 1
    assert len({answer.headers["WWW-Authenticate"] for answer in answers}) == 1


@on_one_database
def test_refused_tokens_are_counted_by_their_reason(one: Machine) -> None:
    def counted(reason: str) -> float:
        labels = {"kind": "access_token", "reason": reason}
        return REGISTRY.get_sample_value("creditbank_credentials_refused_total", labels) or 0.0

    sent = {
        "malformed": "eyJ",
        "audience": _forged(one, aud="https://elsewhere.example"),
        "expired": _forged(one, exp=1),
        "early": _forged(one, iat=4_000_000_000, exp=4_000_000_900),
        "signature": _forged(one, key=OKPKey.generate_key("Ed25519")),
        "unknown": _forged(one, {"kid": "unknown"}),
    }
    for reason, token in sent.items():
        before = counted(reason)
        assert _status(one.bank, token) == 401
        assert counted(reason) == before + 1, reason


def test_a_token_ends_with_its_time_also_when_it_is_remembered(own_bank: ReadyBank) -> None:
    token = machine(own_bank).ask().json()["access_token"]
    assert _status(own_bank, token) == 200
    own_bank.clock.pass_by(899 * SECOND)
    assert _status(own_bank, token) == 200
    own_bank.clock.pass_by(2 * SECOND)
    assert _status(own_bank, token) == 401


def test_a_revoked_client_is_refused_at_once_here_and_soon_elsewhere(
    own_bank: ReadyBank, database_url: str, tmp_path: Path
) -> None:
    client = machine(own_bank)
    token = client.ask().json()["access_token"]
    with open_app(database_url, tmp_path, own_bank.clock) as other:
        there = Caller(other, token)
        assert (_status(own_bank, token), there.get("/v1/organisations").status_code) == (200, 200)

        own_bank.authority.delete(f"/v1/clients/{client.client_id}")

        assert _status(own_bank, token) == 401
        own_bank.clock.pass_by(FRESH_MICROSECONDS)
        assert there.get("/v1/organisations").status_code == 401
        assert client.ask().status_code == 401


def test_a_suspended_organisation_is_refused_whatever_its_credentials(
    own_bank: ReadyBank, database_url: str, tmp_path: Path
) -> None:
    client, other_client = machine(own_bank), machine(own_bank, "OTHER-EVAL")
    token, other_token = (one.ask().json()["access_token"] for one in (client, other_client))
    with open_app(database_url, tmp_path, own_bank.clock) as other:
        there = Caller(other, token)
        assert (_status(own_bank, token), there.get("/v1/organisations").status_code) == (200, 200)

        own_bank.authority.post("/v1/organisations/BIM-EVAL/suspension", {"reason": "audit"})
        assert (_status(own_bank, token), _status(own_bank, other_token)) == (401, 200)
        assert client.ask().status_code == 401
        own_bank.clock.pass_by(FRESH_MICROSECONDS)
        assert there.get("/v1/organisations").status_code == 401

        own_bank.authority.post("/v1/organisations/BIM-EVAL/reinstatement", {"reason": "passed"})
        assert (_status(own_bank, token), client.ask().status_code) == (200, 200)
        own_bank.clock.pass_by(FRESH_MICROSECONDS)
        assert there.get("/v1/organisations").status_code == 200


def test_tokens_of_one_process_open_another(own_bank: ReadyBank, database_url: str, tmp_path: Path) -> None:
    token = machine(own_bank).ask().json()["access_token"]
    with open_app(database_url, tmp_path, own_bank.clock) as other:
        assert Caller(other, token).get("/v1/organisations").status_code == 200


def test_a_rotation_of_the_signing_key_leaves_tokens_valid(
    own_bank: ReadyBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "LOOK_SECONDS", 0.0)
    own_bank.clock.set(date(2100, 1, 1))  # after the first key, which was made when the bank was opened
    client = machine(own_bank)
    before = client.ask().json()["access_token"]

    made = signing.rotate(tmp_path, own_bank.clock())

    after = client.ask().json()["access_token"]
    assert jws.extract_compact(after.encode()).protected["kid"] == made.kid
    assert (_status(own_bank, before), _status(own_bank, after)) == (200, 200)
    assert len(own_bank.public.get("/.well-known/jwks.json").json()["keys"]) == 2
    own_bank.clock.pass_by((signing.TOKEN_SECONDS + signing.NOTICE_SECONDS + 1) * SECOND)
    assert [key["kid"] for key in own_bank.public.get("/.well-known/jwks.json").json()["keys"]] == [made.kid]


def test_a_signing_key_that_got_out_ends_with_all_its_tokens(
    own_bank: ReadyBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "LOOK_SECONDS", 0.0)
    client = machine(own_bank)
    before = client.ask().json()["access_token"]
    assert _status(own_bank, before) == 200

    signing.rotate(tmp_path, own_bank.clock())
    signing.retire(tmp_path)

    assert (_status(own_bank, before), _status(own_bank, client.ask().json()["access_token"])) == (401, 200)


def test_a_token_is_verified_once_and_remembered_in_bounds(
    own_bank: ReadyBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("creditbank.api.tokens.reader.REMEMBERED", 3)
    client, reader = machine(own_bank), _office(own_bank).reader
    tokens = [client.ask().json()["access_token"] for _ in range(5)]
    for token in (*tokens, tokens[3], tokens[0]):
        assert _status(own_bank, token) == 200
    assert len(reader._grants) == 3


@on_one_database
def test_a_header_that_claims_a_client_certificate_changes_nothing(bank: ReadyBank, one: Machine) -> None:
    claimed = {
        "X-Client-Cert": "-----BEGIN CERTIFICATE-----",
        "X-Forwarded-Client-Cert": "Subject=CN=BIM-EVAL",
        "X-SSL-Client-Verify": "SUCCESS",
        "X-SSL-Client-S-DN": f"CN={one.client_id}",
        "Client-Cert": ":MIIB:",
    }
    assert bank.client.get("/v1/organisations", headers=claimed).status_code == 401
    form = {"grant_type": "client_credentials", "client_id": one.client_id}
    assert bank.client.post("/oauth/token", data=form, headers=claimed).status_code == 401
    narrow = one.caller(scope="catalogue:read")
    assert narrow.post("/v1/certificates", certificate(), headers=claimed).status_code == 403
