"""`creditbank keys rotate` and `keys retire`, as an operator uses them beside the servers."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from creditbank.ledger.database import writing
from creditbank.vault import generations
from creditbank.vault.keyfiles import RINGS
from tests.cli.conftest import Command


@pytest.mark.parametrize("name", RINGS)
def test_a_secret_is_rotated_and_the_old_one_retired(database_url: str, creditbank: Command, name: str) -> None:
    done = creditbank("keys", "rotate", name, "--json", url=database_url)
    assert (done.code, done.err) == (0, "")
    assert {field: done.json[field] for field in ("key", "generation", "changed", "resumed")} == {
        "key": name,
        "generation": 2,
        "changed": 0,
        "resumed": False,
    }
    assert creditbank("keys", "retire", name, "--json").json == {"key": name, "destroyed": [1]}
    assert [path.name for path in Path("data/keys").glob(f"{name}.*")] == [f"{name}.2.key"]
    assert creditbank("keys", "create", "--role", "authority").code == 0


def test_what_was_done_is_said_in_words(sqlite_url: str, creditbank: Command) -> None:
    said = creditbank("keys", "rotate", "wrapping", url=sqlite_url).out
    assert said.startswith("done: generation 2 of wrapping is current, 0 values made anew, in ")
    assert "`creditbank keys retire wrapping`" in said
    assert creditbank("keys", "retire", "wrapping").out == "destroyed: generation 1 of wrapping\n"
    assert creditbank("keys", "retire", "wrapping").out == "there is no generation of wrapping before the current one\n"


def test_a_pepper_that_keys_need_is_not_destroyed(sqlite_url: str, creditbank: Command) -> None:
    made = creditbank("keys", "create", "--role", "authority", "--json", url=sqlite_url).json
    assert creditbank("keys", "rotate", "api-keys").code == 0
    refused = creditbank("keys", "retire", "api-keys")
    assert refused.code == 1
    assert refused.err.startswith("1 stored values need generation 1 of the key api-keys: ")
    assert Path("data/keys/api-keys.1.key").exists()
    assert creditbank("keys", "revoke", made["key_id"]).code == 0
    assert creditbank("keys", "retire", "api-keys").code == 0


def test_cursors_and_others_are_not_rotated_here(creditbank: Command) -> None:
    assert creditbank("keys", "rotate", "cursors", url="sqlite:///bank.db").code == 2


def test_a_database_from_before_a_rotation_is_not_used_with_the_files_from_after(
    sqlite_url: str, sqlite_engine: Engine, creditbank: Command
) -> None:
    assert creditbank("keys", "rotate", "wrapping", url=sqlite_url).code == 0
    with writing(sqlite_engine) as connection:  # as it stood before
        generations.advance(connection, "wrapping", 2, "made")
        generations.withdraw(connection, "wrapping", 2)
        generations.advance(connection, "wrapping", 1, "current")
    refused = creditbank("keys", "create", "--role", "authority")
    assert refused.code == 1
    assert refused.err.startswith("this database knows no generation 2 of the key wrapping: ")
    Path("data/keys/wrapping.2.key").rename("wrapping.2.key")
    assert creditbank("keys", "create", "--role", "authority").code == 0


def test_a_file_that_was_retired_is_missed_by_a_database_from_before(
    sqlite_url: str, sqlite_engine: Engine, creditbank: Command
) -> None:
    assert creditbank("keys", "rotate", "wrapping", url=sqlite_url).code == 0
    assert creditbank("keys", "retire", "wrapping").code == 0
    with writing(sqlite_engine) as connection:
        generations.advance(connection, "wrapping", 1, "current")
    refused = creditbank("keys", "create", "--role", "authority")
    assert refused.err.startswith("the key file wrapping.1.key is missing")
