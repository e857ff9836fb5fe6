"""The bank's own secrets: made once, the same for every process, and never those of another bank."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Engine

from creditbank.ledger.database import writing
from creditbank.vault import keyfiles
from creditbank.vault.keyfiles import ForeignKeys, KeyFiles
from tests.vault.keys import KEYS


def bind(engine: Engine, keys: KeyFiles) -> None:
    with writing(engine) as connection:
        keyfiles.bind(connection, keys)


def test_keys_are_made_once_and_read_ever_after(tmp_path: Path) -> None:
    keys = keyfiles.load(tmp_path)
    assert keyfiles.load(tmp_path) == keys
    secrets = (keys.wrapping, keys.blind_index, keys.api_keys, keys.cursors)
    assert len(set(secrets)) == 4
    assert {len(secret) for secret in secrets} == {32}


def test_only_the_owner_may_read_them_and_nothing_else_is_left_behind(tmp_path: Path) -> None:
    keyfiles.load(tmp_path)
    folder = tmp_path / "keys"
    assert folder.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{name}.key" for name in keyfiles.NAMES)
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_of_many_that_start_at_once_all_get_the_same_keys(tmp_path: Path) -> None:
    together = Barrier(8)

    def start(_: int) -> KeyFiles:
        together.wait()
        return keyfiles.load(tmp_path)

    with ThreadPoolExecutor(8) as starting:
        assert len(set(starting.map(start, range(8)))) == 1


def test_two_processes_at_once_get_the_same_keys(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys; from creditbank.vault import keyfiles;"
        "print(keyfiles.load(pathlib.Path(sys.argv[1])).wrapping.hex())"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    said = [one.communicate()[0] for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert said[0] == said[1] == f"{keyfiles.load(tmp_path).wrapping.hex()}\n".encode()


@pytest.mark.parametrize("content", ["", "short", "zz" * 32, "ab" * 31, "ab" * 33, "ключ"])
def test_a_damaged_key_file_stops_the_bank(tmp_path: Path, content: str) -> None:
    keyfiles.load(tmp_path)
    (tmp_path / "keys" / "wrapping.key").write_text(content, "utf-8")
    with pytest.raises(ForeignKeys, match=r"wrapping\.key"):
        keyfiles.load(tmp_path)


@pytest.mark.parametrize("name", ["wrapping", "blind_index", "api_keys"])
def test_a_database_is_served_with_the_keys_it_was_installed_with_and_no_others(engine: Engine, name: str) -> None:
    bind(engine, KEYS)
    bind(engine, KEYS)
    with pytest.raises(ForeignKeys, match=name.replace("_", "-")):
        bind(engine, replace(KEYS, **{name: b"x" * 32}))


def test_cursors_may_be_keyed_anew(engine: Engine) -> None:
    bind(engine, KEYS)
    bind(engine, replace(KEYS, cursors=b"x" * 32))


def test_of_many_that_start_a_new_bank_at_once_all_may_serve(engine: Engine) -> None:
    together = Barrier(4)

    def start(_: int) -> None:
        together.wait()
        bind(engine, KEYS)

    with ThreadPoolExecutor(4) as starting:
        assert list(starting.map(start, range(4))) == [None] * 4


def test_the_database_keeps_no_key(engine: Engine) -> None:
    bind(engine, KEYS)
    with engine.connect() as connection, connection.begin():
        rows = connection.exec_driver_sql("SELECT name, value FROM installation").all()
    assert len(rows) == 3
    assert not {bytes(row.value) for row in rows} & {KEYS.wrapping, KEYS.blind_index, KEYS.api_keys}


def test_keys_are_not_shown_by_accident() -> None:
    assert "wwww" not in repr(KEYS)
