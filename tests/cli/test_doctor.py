"""`creditbank doctor` says what is wrong with an installation, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from creditbank.domain.events import AccountErased, AccountOpened
from creditbank.ledger.database import writing
from creditbank.vault import generations, keyfiles
from creditbank.vault.erased import Erased, ErasedList
from tests.cli.conftest import Command, Result
from tests.cli.history import ACCOUNT, OPENED_AT, append


def failed(ended: Result) -> dict[str, Any]:
    """The checks that failed, with their fixes."""
    return {one["check"]: one["fix"] for one in ended.json["checks"] if not one["ok"]}


def test_a_bank_that_has_started_is_sound(sqlite_url: str, creditbank: Command) -> None:
    assert creditbank("keys", "create", "--role", "authority", url=sqlite_url).code == 0
    ended = creditbank("doctor")
    assert (ended.code, ended.err) == (0, "")
    assert "ok    durability     journal wal, synchronous full\n" in ended.out
    assert "ok    keys           belong to this database\n" in ended.out


def test_the_clock_of_a_database_server_is_compared(postgresql_url: str, creditbank: Command) -> None:
    assert creditbank("keys", "create", "--role", "authority", url=postgresql_url).code == 0
    ended = creditbank("doctor", "--json")
    assert "clock" in {one["check"] for one in ended.json["checks"]}
    # The server of these tests writes nothing safely to disk, and the doctor sees it.
    assert set(failed(ended)) <= {"durability"}


def test_a_directory_without_a_bank_stays_one(creditbank: Command, tmp_path: Path) -> None:
    ended = creditbank("doctor", "--json", url="sqlite:///bank.db")
    assert ended.code == 1
    assert set(failed(ended)) == {"key files", "database"}
    assert failed(ended)["database"] == "`creditbank migrate` makes it"
    assert list(tmp_path.iterdir()) == []


def test_keys_that_others_can_read_are_named(sqlite_url: str, creditbank: Command, tmp_path: Path) -> None:
    assert creditbank("keys", "create", "--role", "authority", url=sqlite_url).code == 0
    (tmp_path / "data" / "keys" / "wrapping.1.key").chmod(0o644)
    ended = creditbank("doctor")
    assert ended.code == 1
    assert "FAIL  key files      others can read them → chmod 600 " in ended.out


def test_a_rotation_that_was_left_half_done_is_named(
    sqlite_url: str, sqlite_engine: Engine, creditbank: Command, tmp_path: Path
) -> None:
    assert creditbank("keys", "rotate", "wrapping", url=sqlite_url).code == 0
    assert (
        "ok    rotation       in use: wrapping 2 (before it 1), blind-index 1, api-keys 1\n" in creditbank("doctor").out
    )
    with writing(sqlite_engine) as connection:
        generations.enter(connection, "blind-index", 2, b"x" * 32)
    assert failed(creditbank("doctor", "--json")) == {
        "rotation": "`creditbank keys rotate blind-index` goes on with it"
    }
    assert creditbank("keys", "rotate", "blind-index").code == 0
    assert failed(creditbank("doctor", "--json")) == {}


def test_a_retired_key_that_came_back_is_named(sqlite_url: str, creditbank: Command, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "keys"
    assert creditbank("keys", "rotate", "wrapping", url=sqlite_url).code == 0
    kept = (folder / "wrapping.1.key").read_bytes()
    assert creditbank("keys", "retire", "wrapping").code == 0
    keyfiles.write_new(folder / "wrapping.1.key", kept)
    assert failed(creditbank("doctor", "--json")) == {"rotation": "delete these files"}


def test_a_list_of_erased_accounts_that_disagrees_is_named(
    sqlite_url: str, sqlite_engine: Engine, creditbank: Command, tmp_path: Path
) -> None:
    assert creditbank("keys", "create", "--role", "authority", url=sqlite_url).code == 0
    assert "ok    erased list    agrees with the database\n" in creditbank("doctor").out
    append(sqlite_engine, ACCOUNT, 1, AccountOpened(opened_by="HBVTC"), OPENED_AT)
    assert creditbank("rebuild").code == 0
    listed = ErasedList(tmp_path / "data")
    listed.append([Erased(account_id=ACCOUNT, receipt=ACCOUNT, erased_at=OPENED_AT)])
    assert "erases them again" in failed(creditbank("doctor", "--json"))["erased list"]
    append(sqlite_engine, ACCOUNT, 2, AccountErased(reason="asked", receipt=ACCOUNT), OPENED_AT)
    assert creditbank("rebuild").code == 0
    assert failed(creditbank("doctor", "--json")) == {}
    [path] = listed.folder.iterdir()
    path.unlink()
    assert "writes them down" in failed(creditbank("doctor", "--json"))["erased list"]
    path.write_text("x" * 101)
    assert "put back the line" in failed(creditbank("doctor", "--json"))["erased list"]


def test_keys_of_another_bank_and_missing_migrations_are_named(
    sqlite_url: str, sqlite_engine: Engine, creditbank: Command, tmp_path: Path
) -> None:
    assert creditbank("keys", "create", "--role", "authority", url=sqlite_url).code == 0
    (tmp_path / "data" / "keys" / "wrapping.1.key").write_text("00" * 32)
    assert set(failed(creditbank("doctor", "--json"))) == {"keys"}
    with sqlite_engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM alembic_version")
    assert failed(creditbank("doctor", "--json")) == {"migrations": "`creditbank migrate`"}


def test_a_ledger_from_the_future_is_named(sqlite_url: str, sqlite_engine: Engine, creditbank: Command) -> None:
    assert creditbank("keys", "create", "--role", "authority", url=sqlite_url).code == 0
    with sqlite_engine.begin() as connection:
        connection.exec_driver_sql("UPDATE log_partition SET recorded_at = 4102444800000000 WHERE partition_id = 3")
    assert failed(creditbank("doctor", "--json")) == {"ledger": "set this machine's clock by NTP"}


def test_a_database_that_does_not_answer_is_named(creditbank: Command) -> None:
    ended = creditbank("doctor", "--json", url="postgresql://127.0.0.1:1/bank")
    assert failed(ended)["database"] == "start it, or correct CREDITBANK_DATABASE_URL"


def test_a_history_or_a_record_of_accesses_without_its_end_is_named(
    sqlite_url: str, sqlite_engine: Engine, creditbank: Command
) -> None:
    assert creditbank("keys", "create", "--role", "authority", url=sqlite_url).code == 0
    for counters in ("log_partition", "access_partition"):
        with sqlite_engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE {counters} SET head = 1 WHERE partition_id IN (3, 40)")
    ended = creditbank("doctor")
    assert "FAIL  events         the last are missing in partitions 3, 40 → " in ended.out
    assert "FAIL  accesses       the last are missing in partitions 3, 40 → " in ended.out
