"""API keys of organisations: narrowed by scopes, listed without their secret, bounded, of no use in a dump."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import MetaData, select

from creditbank.api import last_uses
from creditbank.commands import keys
from tests.api.bank import TODAY, Caller, ReadyBank, certificate, on_one_database

PATH = "/v1/organisations/BIM-EVAL/keys"


def _made(bank: ReadyBank, path: str = PATH, **body: object) -> tuple[str, Caller]:
    made = bank.authority.post(path, {"role": "issuer", **body})
    assert made.status_code == 201, made.text
    return made.json()["key_id"], Caller(bank.client, made.json()["key"])


def _listed(bank: ReadyBank, key_id: str) -> dict[str, object]:
    items = bank.authority.get(f"{PATH}?limit=1000").json()["items"]
    return next(item for item in items if item["key_id"] == key_id)


def test_a_key_with_scopes_may_do_no_more_than_they_say(bank: ReadyBank) -> None:
    _, caller = _made(bank, scopes=["certificates:read", "catalogue:read"])

    assert caller.get("/v1/organisations").status_code == 200
    refused = caller.post("/v1/certificates", certificate())
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


@on_one_database
@pytest.mark.parametrize(
    ("scopes", "pointer", "code"),
    [
        (["accounts:erase"], "/scopes", "scope_not_held"),
        (["certificates:award", "exemptions:decide"], "/scopes", "scope_not_held"),
        (["certificates:*"], "/scopes/0", "value_unknown"),
        ([], "/scopes", "too_few"),
        ("certificates:read", "/scopes", "wrong_type"),
    ],
)
def test_scopes_are_some_of_those_of_the_role(bank: ReadyBank, scopes: object, pointer: str, code: str) -> None:
    refused = bank.authority.post(PATH, {"role": "issuer", "scopes": scopes})

    assert refused.status_code == 422
    assert [(fault["pointer"], fault["code"]) for fault in refused.json()["errors"]] == [(pointer, code)]


def test_two_keys_are_valid_at_once_so_that_one_takes_the_place_of_the_other(bank: ReadyBank) -> None:
    old_id, old = _made(bank)
    _, new = _made(bank)
    assert [caller.get("/v1/organisations").status_code for caller in (old, new)] == [200, 200]

    bank.authority.delete(f"/v1/keys/{old_id}")

    assert [caller.get("/v1/organisations").status_code for caller in (old, new)] == [401, 200]


def test_keys_are_listed_without_their_secrets(bank: ReadyBank) -> None:
    key_id, caller = _made(bank, scopes=["certificates:read"], expires_at="2027-01-01T00:00:00Z")

    item = _listed(bank, key_id)

    assert item.pop("created_at")
    assert str(item.pop("created_by")).startswith("authority:")
    assert item == {
        "key_id": key_id,
        "organisation": "BIM-EVAL",
        "role": "issuer",
        "scopes": ["certificates:read"],
        "status": "valid",
        "expires_at": "2027-01-01T00:00:00.000000Z",
        "last_used_at": None,
        "revoked_at": None,
    }
    assert caller.token is not None
    assert caller.token[14:] not in json.dumps(bank.authority.get(f"{PATH}?limit=1000").json())
    assert bank.authority.get("/v1/organisations/NOBODY/keys").status_code == 404


def test_keys_are_listed_page_by_page_with_what_became_of_them(own_bank: ReadyBank) -> None:
    ended, _ = _made(own_bank, expires_at="2026-11-24T12:00:01Z")
    revoked, _ = _made(own_bank)
    own_bank.authority.delete(f"/v1/keys/{revoked}")
    own_bank.clock.pass_by(5_000_000)

    first = own_bank.authority.get(f"{PATH}?limit=2").json()
    rest = own_bank.authority.get(f"{PATH}?limit=2&cursor={first['next_cursor']}").json()

    items = [*first["items"], *rest["items"]]
    assert [item["status"] for item in items] == ["valid", "expired", "revoked"]
    assert [item["key_id"] for item in items[1:]] == [ended, revoked]
    assert rest["next_cursor"] is None


def test_the_key_of_an_auditor_ends(own_bank: ReadyBank) -> None:
    made = own_bank.authority.post("/v1/organisations/AUDIT/keys", {"role": "auditor", "expires_at": None}).json()
    caller = Caller(own_bank.client, made["key"])

    assert made["expires_at"].startswith("2027-02-22T12:00:00")
    assert caller.get("/v1/events").status_code == 200
    own_bank.clock.set(TODAY + timedelta(days=91))
    assert caller.get("/v1/events").status_code == 401


def test_the_key_of_an_auditor_ends_within_a_year(bank: ReadyBank) -> None:
    body = {"role": "auditor", "expires_at": "2027-11-26T12:00:00Z"}

    refused = bank.authority.post("/v1/organisations/AUDIT/keys", body)

    assert refused.status_code == 422
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [("/expires_at", "term_too_long")]


def test_the_last_use_is_written_at_most_once_a_minute(own_bank: ReadyBank) -> None:
    key_id, caller = _made(own_bank)
    uses: last_uses.LastUses = own_bank.client.app.state.authenticator.keys._uses

    def use_and_write() -> object:
        assert caller.get("/v1/organisations").status_code == 200
        uses.write()
        return _listed(own_bank, key_id)["last_used_at"]

    first = use_and_write()
    own_bank.clock.pass_by(30_000_000)
    second = use_and_write()
    own_bank.clock.pass_by(31_000_000)
    third = use_and_write()

    assert first is not None
    assert first == second
    assert third is not None and str(third) > str(second)


def test_a_read_writes_nothing_by_itself(own_bank: ReadyBank) -> None:
    key_id, caller = _made(own_bank)
    for _ in range(5):
        assert caller.get("/v1/organisations").status_code == 200

    assert _listed(own_bank, key_id)["last_used_at"] is None


def test_an_organisation_has_so_many_live_keys_in_a_role_and_no_more(
    own_bank: ReadyBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "LIVE_KEYS", 3)  # the bank was set up with one
    second, _ = _made(own_bank)
    _made(own_bank, expires_at="2026-11-24T12:00:01Z")

    refused = own_bank.authority.post(PATH, {"role": "issuer"})
    assert (refused.status_code, refused.json()["code"], refused.json()["limit"]) == (409, "keys_exhausted", 3)
    _made(own_bank, "/v1/organisations/OTHER-EVAL/keys")

    own_bank.authority.delete(f"/v1/keys/{second}")
    _made(own_bank)
    own_bank.clock.pass_by(5_000_000)  # the third one has expired by now
    _made(own_bank)


def test_a_dump_of_the_database_holds_no_key_that_works(own_bank: ReadyBank) -> None:
    _, caller = _made(own_bank)
    tables = MetaData()
    with own_bank.core.engine.connect() as connection, connection.begin():
        tables.reflect(connection)
        rows = [tuple(row) for table in tables.sorted_tables for row in connection.execute(select(table))]
    [stored] = [row for row in rows if caller.token is not None and caller.token[3:13] in row]

    words = {word for row in rows for word in _texts(row)}
    assert caller.token not in words
    assert not any(caller.token[14:46] in word for word in words)
    digest = next(value for value in stored if isinstance(value, bytes))
    for text in (digest.hex(), f"cb_{caller.token[3:13]}_{digest.hex()[:38]}", digest.decode("latin-1")):
        tried = own_bank.client.get("/v1/organisations", headers={"Authorization": b"Bearer " + text.encode()})
        assert tried.status_code == 401


def _texts(row: tuple[object, ...]) -> list[str]:
    return [value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in row]
