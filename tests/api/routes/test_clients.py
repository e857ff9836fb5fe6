"""OAuth clients: registered with public keys or a secret, rotated with two valid at once, listed, revoked."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from creditbank.commands import clients
from tests.api.bank import ReadyBank, on_one_database
from tests.api.machines import Machine, basic, machine, public, register, signed

KEY, OTHER = OKPKey.generate_key("Ed25519"), ECKey.generate_key("P-256")
PATH = "/v1/organisations/BIM-EVAL/clients"


def _ask(bank: ReadyBank, client_id: str, secret: str) -> int:
    form = {"grant_type": "client_credentials"}
    return int(bank.client.post("/oauth/token", data=form, headers=basic(client_id, secret)).status_code)


def test_a_client_is_registered_with_its_public_keys(bank: ReadyBank) -> None:
    made = register(bank, jwks={"keys": [public(KEY), public(OTHER, note="left out")]}, scopes=["certificates:award"])

    assert made.status_code == 201
    client = made.json()
    assert client["jwks"]["keys"] == [public(KEY), public(OTHER)]
    assert (client["authentication"], client["scopes"], client["status"]) == (
        "private_key_jwt",
        ["certificates:award"],
        "valid",
    )
    assert "client_secret" not in client


def test_a_secret_is_shown_once(bank: ReadyBank) -> None:
    body = {"role": "issuer", "secret": True}
    first = bank.authority.post(PATH, body, key="client-with-secret").json()
    again = bank.authority.post(PATH, body, key="client-with-secret").json()

    assert first["client_secret"].startswith("cbs_")
    assert again == {name: value for name, value in first.items() if name != "client_secret"}
    assert (first["authentication"], first["jwks"]) == ("client_secret", None)
    assert first["client_secret"] not in bank.authority.get(f"{PATH}?limit=1000").text


@on_one_database
@pytest.mark.parametrize(
    ("jwk", "code"),
    [
        (KEY.as_dict(private=True), "key_not_public"),
        (RSAKey.generate_key(2048).as_dict(private=True), "key_not_public"),
        (OctKey.import_key("a secret that two share").as_dict(), "key_not_public"),
        ({"kty": "oct"}, "key_not_public"),
        (public(ECKey.generate_key("P-384")), "key_unsupported"),
        (public(KEY, alg="HS256"), "key_unsupported"),
        (public(KEY, x="AA"), "key_malformed"),
        ({**public(RSAKey.generate_key(2048)), "n": "AQAB"}, "key_too_weak"),
        ("key", "wrong_type"),
    ],
)
def test_other_than_fit_public_keys_are_refused(bank: ReadyBank, jwk: Any, code: str) -> None:
    refused = register(bank, jwks={"keys": [public(OTHER), jwk]})

    assert refused.status_code == 422
    assert [(fault["pointer"], fault["code"]) for fault in refused.json()["errors"]] == [("/jwks/keys/1", code)]


@on_one_database
@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "", "jwks_or_secret"),
        ({"jwks": {"keys": [public(KEY)]}, "secret": True}, "", "jwks_or_secret"),
        ({"jwks": {"keys": []}}, "/jwks/keys", "too_few"),
        ({"jwks": {"keys": [public(KEY)] * 11}}, "/jwks/keys", "too_many"),
        ({"jwks": {"keys": [public(KEY, kid="1"), public(OTHER, kid="1")]}}, "/jwks/keys", "kid_repeated"),
        ({"secret": True, "role": "institution"}, "/role", "role_not_held"),
        ({"secret": True, "role": "learner"}, "/role", "value_unknown"),
        ({"secret": True, "scopes": ["accounts:erase"]}, "/scopes", "scope_not_held"),
        ({"secret": "mine"}, "/secret", "wrong_type"),
    ],
)
def test_each_field_at_fault_is_pointed_at(bank: ReadyBank, body: dict[str, Any], pointer: str, code: str) -> None:
    refused = register(bank, **body)

    assert refused.status_code == 422
    assert [(fault["pointer"], fault["code"]) for fault in refused.json()["errors"]] == [(pointer, code)]


def test_keys_overlap_while_a_client_changes_over(bank: ReadyBank) -> None:
    old = machine(bank, key=KEY)
    new = Machine(bank=bank, client_id=old.client_id, key=OTHER)
    path = f"/v1/clients/{old.client_id}/jwks"

    def statuses() -> list[int]:
        return [old.ask().status_code, new.ask(signed(OTHER, new.claims(), "ES256")).status_code]

    assert statuses() == [200, 401]
    assert bank.authority.post(path, {"keys": [public(KEY), public(OTHER)]}).status_code == 200
    assert statuses() == [200, 200]
    changed = bank.authority.post(path, {"keys": [public(OTHER)]})
    assert changed.json()["jwks"]["keys"] == [public(OTHER)]
    assert statuses() == [401, 200]


def test_a_secret_is_rotated_with_two_valid_at_once(own_bank: ReadyBank) -> None:
    made = register(own_bank, secret=True).json()
    path = f"/v1/clients/{made['client_id']}/secret"

    rotated = own_bank.authority.post(path, {"former_expires_at": "2026-11-24T12:30:00Z"}).json()

    first, second = made["client_secret"], rotated["client_secret"]
    assert rotated["former_secret_expires_at"] == "2026-11-24T12:30:00.000000Z"
    assert [_ask(own_bank, made["client_id"], secret) for secret in (first, second)] == [200, 200]
    own_bank.clock.pass_by(1800 * 1_000_000)
    assert [_ask(own_bank, made["client_id"], secret) for secret in (first, second)] == [401, 200]

    third = own_bank.authority.post(path, {}).json()
    assert third["former_secret_expires_at"].startswith("2026-12-01")
    assert [_ask(own_bank, made["client_id"], each) for each in (second, third["client_secret"])] == [200, 200]


def test_a_client_moves_from_a_secret_to_keys_and_not_back(bank: ReadyBank) -> None:
    made = register(bank, secret=True).json()
    path = f"/v1/clients/{made['client_id']}"

    moved = bank.authority.post(f"{path}/jwks", {"keys": [public(KEY)]})
    back = bank.authority.post(f"{path}/secret", {})

    assert (moved.status_code, moved.json()["authentication"]) == (200, "private_key_jwt")
    assert _ask(bank, made["client_id"], made["client_secret"]) == 401
    assert Machine(bank=bank, client_id=made["client_id"], key=KEY).ask().status_code == 200
    assert (back.status_code, back.json()["code"]) == (409, "wrong_state")


def test_clients_are_listed_page_by_page_with_what_became_of_them(own_bank: ReadyBank) -> None:
    made = [register(own_bank, secret=True, **more).json()["client_id"] for more in ({}, {}, {"dpop_bound": True})]
    assert own_bank.authority.delete(f"/v1/clients/{made[1]}").status_code == 204

    first = own_bank.authority.get(f"{PATH}?limit=2").json()
    rest = own_bank.authority.get(f"{PATH}?limit=2&cursor={first['next_cursor']}").json()

    items = [*first["items"], *rest["items"]]
    assert [item["client_id"] for item in items] == made
    assert [item["status"] for item in items] == ["valid", "revoked", "valid"]
    assert [item["dpop_bound"] for item in items] == [False, False, True]
    assert rest["next_cursor"] is None
    assert own_bank.authority.get("/v1/organisations/NOBODY/clients").status_code == 404


def test_a_revoked_client_stays_revoked(bank: ReadyBank) -> None:
    one = machine(bank)
    assert bank.authority.delete(f"/v1/clients/{one.client_id}").status_code == 204
    assert bank.authority.delete(f"/v1/clients/{one.client_id}").status_code == 204
    refused = bank.authority.post(f"/v1/clients/{one.client_id}/jwks", {"keys": [public(KEY)]})

    assert (refused.status_code, refused.json()["current_status"]) == (409, "revoked")
    assert one.ask().status_code == 401


def test_a_client_that_is_not_there_is_not_found(bank: ReadyBank) -> None:
    for client_id in ("cbc_0123456789abcdef", "é", "c" * 500, "cb_0123456789"):
        path = f"/v1/clients/{client_id}"
        assert bank.authority.delete(path).json()["code"] == "not_found"
        assert bank.authority.post(f"{path}/jwks", {"keys": [public(KEY)]}).json()["code"] == "not_found"
        assert bank.authority.post(f"{path}/secret", {}).json()["code"] == "not_found"


def test_an_organisation_has_so_many_live_clients_and_no_more(
    own_bank: ReadyBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "LIVE_CLIENTS", 2)
    first = machine(own_bank)
    machine(own_bank)

    refused = register(own_bank, secret=True)
    assert (refused.status_code, refused.json()["code"]) == (409, "keys_exhausted")
    own_bank.authority.delete(f"/v1/clients/{first.client_id}")
    machine(own_bank)
