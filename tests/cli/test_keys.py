"""`creditbank keys` makes keys that the server knows, only for owners that are there, and ends them."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from creditbank.cli import installation
from creditbank.ledger.database import open_engine
from creditbank.vault import apikeys
from tests.cli.conftest import Command
from tests.cli.history import ACCOUNT, open_account, register

NOBODY = "00000000-0000-0000-0000-0000000000ff"


@pytest.fixture
def bank(database_url: str, engine: Engine, creditbank: Command) -> Command:
    """The command line on a bank with an issuer and an account."""
    register(engine, "BIM-EVAL", "issuer", "auditor")
    open_account(engine)
    assert creditbank("rebuild", url=database_url).code == 0
    return creditbank


def test_the_key_stands_alone_and_is_one_that_the_server_knows(sqlite_url: str, creditbank: Command) -> None:
    made = creditbank("keys", "create", "--role", "authority", url=sqlite_url)
    key = made.out.removesuffix("\n")
    key_id = apikeys.id_of(key)
    assert key_id is not None
    chosen = installation.settings()
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        stored = apikeys.find(connection, key_id)
    assert stored is not None
    assert apikeys.opens(installation.bound_keys(chosen, engine), stored, key)
    assert (stored.role, stored.organisation, stored.expires_at) == ("authority", None, None)
    engine.dispose()


def test_a_key_belongs_to_an_organisation_or_a_learner(bank: Command) -> None:
    assert bank("keys", "create", "--role", "issuer", "--organisation", "BIM-EVAL").code == 0
    assert bank("keys", "create", "--role", "learner", "--account", str(ACCOUNT)).code == 0
    listed = {one["role"]: one for one in bank("keys", "list", "--json").json}
    assert listed["issuer"]["organisation"] == "BIM-EVAL"
    assert listed["learner"]["account_id"] == str(ACCOUNT)
    assert listed["learner"]["status"] == "valid"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["issuer", "--organisation", "GHOST"], "there is no organisation GHOST\n"),
        (["institution", "--organisation", "BIM-EVAL"], "the organisation BIM-EVAL is no institution: it is issuer, "),
        (["authority", "--organisation", "BIM-EVAL"], "the organisation BIM-EVAL is no authority: it is issuer, "),
        (["learner", "--account", NOBODY], f"there is no account {NOBODY}\n"),
    ],
)
def test_no_key_is_made_for_an_owner_that_is_not_there(options: list[str], sentence: str, bank: Command) -> None:
    refused = bank("keys", "create", "--role", *options)
    assert refused.code == 1
    assert refused.err.startswith(sentence)
    assert bank("keys", "list", "--json").json == []


@pytest.mark.parametrize(
    "options",
    [
        ["issuer"],
        ["learner"],
        ["auditor", "--account", NOBODY],
        ["learner", "--account", NOBODY, "--organisation", "BIM-EVAL"],
        ["janitor"],
        ["authority", "--expires-at", "tomorrow"],
        ["authority", "--expires-at", "2027-01-31T00:00:00"],
    ],
)
def test_options_that_do_not_fit_are_a_matter_of_usage(options: list[str], creditbank: Command) -> None:
    assert creditbank("keys", "create", "--role", *options, url="sqlite:///bank.db").code == 2


def test_a_key_ends_when_it_is_revoked_or_expires(database_url: str, creditbank: Command) -> None:
    first = creditbank("keys", "create", "--role", "authority", "--json", url=database_url).json["key_id"]
    assert creditbank("keys", "create", "--role", "authority", "--expires-at", "2020-01-01T08:00:00+08:00").code == 0
    assert creditbank("keys", "revoke", first).out == f"key {first} is revoked\n"
    listed = creditbank("keys", "list", "--json").json
    assert sorted(one["status"] for one in listed) == ["expired", "revoked"]
    assert {one["expires_at"] for one in listed} == {None, "2020-01-01T00:00:00.000000Z"}
    assert f"{first}  revoked  authority" in creditbank("keys", "list").out


def test_the_key_of_an_auditor_ends_in_any_case(bank: Command) -> None:
    auditor = ["keys", "create", "--role", "auditor", "--organisation", "BIM-EVAL"]
    assert bank(*auditor).code == 0
    [listed] = bank("keys", "list", "--json").json
    assert listed["expires_at"] is not None
    refused = bank(*auditor, "--expires-at", "2199-01-01T00:00:00Z")
    assert (refused.code, refused.err) == (1, "What lets an auditor in ends within 366 days.\n")


def test_a_key_that_is_not_there_cannot_be_revoked(sqlite_url: str, creditbank: Command) -> None:
    refused = creditbank("keys", "revoke", "ghost", url=sqlite_url)
    assert (refused.code, refused.err) == (1, "there is no key ghost: `creditbank keys list` shows them\n")


def test_keys_are_not_made_with_the_secrets_of_another_bank(
    sqlite_url: str, creditbank: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert creditbank("keys", "create", "--role", "authority", url=sqlite_url).code == 0
    monkeypatch.setenv("CREDITBANK_DATA_DIR", "elsewhere")
    refused = creditbank("keys", "create", "--role", "authority")
    assert refused.code == 1
    assert "is not the one that this database was installed with" in refused.err
