"""API keys: told from typing errors by their check digits, kept only as a keyed hash, and ended by time or word."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sqlalchemy import Engine, select

from creditbank.ledger.database import writing
from creditbank.vault import apikeys
from creditbank.vault.apikeys import ApiKey
from creditbank.vault.tables import api_key
from tests.vault.keys import KEYS, key_files

NOW = 1_795_000_000_000_000
WELL_FORMED = "cb_0123456789_" + "a" * 32


def made(engine: Engine, expires_at: int | None = None) -> tuple[str, str]:
    with writing(engine) as connection:
        return apikeys.make(
            connection,
            KEYS,
            role="issuer",
            organisation="BIM-EVAL",
            account_id=None,
            created_by="authority",
            now=NOW,
            expires_at=expires_at,
        )


def stored(engine: Engine, key_id: str) -> ApiKey | None:
    with engine.connect() as connection, connection.begin():
        return apikeys.find(connection, key_id)


def test_a_key_finds_its_row_and_its_hash(engine: Engine) -> None:
    key_id, key = made(engine)
    found = stored(engine, key_id)
    assert apikeys.id_of(key) == key_id
    assert found is not None
    assert (found.role, found.organisation, found.scopes) == ("issuer", "BIM-EVAL", None)
    assert apikeys.opens(KEYS, found, key)
    assert not apikeys.opens(KEYS, found, made(engine)[1])
    assert stored(engine, "no-such-id") is None


def test_at_rest_there_is_no_secret(engine: Engine) -> None:
    _, key = made(engine)
    secret = key.split("_")[2]
    with engine.connect() as connection, connection.begin():
        row = connection.execute(select(api_key)).one()
    assert secret not in repr(tuple(row))
    assert len(row.digest) == 32


def test_the_hash_depends_on_a_key_outside_the_database() -> None:
    assert apikeys.digest(KEYS, "k", 1) != apikeys.digest(key_files(api_keys=b"x"), "k", 1)


def test_two_keys_are_never_the_same(engine: Engine) -> None:
    assert len({made(engine)[1] for _ in range(20)}) == 20


@settings(max_examples=60, derandomize=True, deadline=None)
@given(place=some.integers(0, 51), sign=some.sampled_from("0123456789ABCXYZabcxyz_-é"))
def test_one_wrong_sign_is_a_typing_error(place: int, sign: str) -> None:
    key = WELL_FORMED + apikeys._check(WELL_FORMED)
    assert apikeys.id_of(key) == "0123456789"
    mistyped = key[:place] + sign + key[place + 1 :]
    assert mistyped == key or apikeys.id_of(mistyped) is None


@pytest.mark.parametrize(
    "text", ["", "cb", "cb__", "cb_0123456789_", WELL_FORMED, "Bearer x", "cb_0123456789_" + "é" * 38]
)
def test_anything_else_names_no_key(text: str) -> None:
    assert apikeys.id_of(text) is None


def test_a_key_ends_at_its_last_moment(engine: Engine) -> None:
    key_id, _ = made(engine, expires_at=NOW + 10)
    found = stored(engine, key_id)
    assert found is not None
    assert (found.is_valid(NOW + 9), found.is_valid(NOW + 10)) == (True, False)


def test_a_key_without_an_end_goes_on_until_it_is_revoked(engine: Engine) -> None:
    key_id, _ = made(engine)
    for moment in (NOW + 5, NOW + 8):
        with writing(engine) as connection:
            apikeys.revoke(connection, key_id, moment)
    found = stored(engine, key_id)
    assert found is not None
    assert not found.is_valid(NOW)
    assert found.revoked_at == NOW + 5, "the first revocation counts"
