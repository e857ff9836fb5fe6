"""Which keys a database is tied to: the ones that it was installed with, generation by generation, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Engine, insert, select, update

from creditbank.ledger.database import writing
from creditbank.vault import generations, keyfiles
from creditbank.vault.keyfiles import RINGS, ForeignKeys, KeyFiles, Ring
from creditbank.vault.tables import installation
from tests.vault.keys import KEYS, key_files

FIRST, SECOND = b"w" * 32, b"2" * 32


def bind(engine: Engine, keys: KeyFiles) -> None:
    with writing(engine) as connection:
        generations.bind(connection, keys)


def wrapping(keys: Mapping[int, bytes]) -> KeyFiles:
    return replace(key_files(), wrapping=Ring("wrapping", keys))


def enter(engine: Engine, state: str, *, before: str = "current") -> None:
    """A second generation of the wrapping key, in this state; the first one is then `before`."""
    second = {"name": "wrapping", "generation": 2, "fingerprint": keyfiles.fingerprint(SECOND), "state": state}
    with writing(engine) as connection:
        connection.execute(update(installation).where(installation.c.name == "wrapping").values(state=before))
        connection.execute(insert(installation).values(second))


@pytest.mark.parametrize("name", ["wrapping", "blind_index", "api_keys"])
def test_a_database_is_served_with_the_keys_it_was_installed_with_and_no_others(engine: Engine, name: str) -> None:
    bind(engine, KEYS)
    bind(engine, KEYS)
    with pytest.raises(ForeignKeys, match=rf"{name.replace('_', '-')}\.1\.key is not the one"):
        bind(engine, key_files(**{name: b"x"}))


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
        rows = connection.execute(select(installation)).all()
    assert {(row.name, row.generation, row.state) for row in rows} == {(name, 1, "current") for name in RINGS}
    assert not {bytes(row.fingerprint) for row in rows} & {ring.of(1) for ring in KEYS.rings}


def test_what_is_current_is_written_and_what_was_is_read(engine: Engine) -> None:
    bind(engine, KEYS)
    enter(engine, "current", before="former")
    both = wrapping({1: FIRST, 2: SECOND})
    bind(engine, both)
    assert (both.wrapping.current, both.wrapping.read) == (2, (2, 1))


def test_a_process_that_runs_follows_what_others_have_made_current(engine: Engine, tmp_path: Path) -> None:
    keys = keyfiles.load(tmp_path)
    bind(engine, keys)
    keyfiles.write_new(keyfiles.folder_of(tmp_path) / "wrapping.2.key", SECOND.hex().encode())
    enter(engine, "current", before="former")
    with engine.connect() as connection, connection.begin():
        generations.follow(connection, keys)
    assert (keys.wrapping.current, keys.wrapping.of(2)) == (2, SECOND)


@pytest.mark.parametrize("state", ["current", "joining", "former"])
def test_a_generation_in_use_must_have_its_own_file(engine: Engine, state: str) -> None:
    bind(engine, KEYS)
    enter(engine, state, before="former" if state == "current" else "current")
    with pytest.raises(ForeignKeys, match=r"wrapping\.2\.key is missing"):
        bind(engine, KEYS)
    with pytest.raises(ForeignKeys, match=r"wrapping\.2\.key is not the one"):
        bind(engine, wrapping({1: FIRST, 2: b"x" * 32}))
    with pytest.raises(ForeignKeys, match=r"wrapping\.1\.key is missing"):
        bind(engine, wrapping({2: SECOND}))


@pytest.mark.parametrize("state", ["made", "destroyed"])
def test_a_generation_that_is_not_in_use_needs_no_file(engine: Engine, state: str) -> None:
    bind(engine, KEYS)
    enter(engine, state)
    keys = key_files()
    bind(engine, keys)
    assert keys.wrapping.read == (1,)


def test_a_database_says_that_it_knows_no_such_generation(engine: Engine) -> None:
    with pytest.raises(ForeignKeys, match=r"knows no generation 2 of the key wrapping: .* restored from before"):
        bind(engine, wrapping({1: FIRST, 2: SECOND}))
    with pytest.raises(ForeignKeys, match="knows no generation 2"):
        bind(engine, wrapping({2: SECOND}))


def test_a_process_tells_what_it_can_read_by_its_own_files(engine: Engine) -> None:
    bind(engine, KEYS)
    enter(engine, "made")
    told = []
    with engine.connect() as connection, connection.begin():
        for keys in (KEYS, wrapping({1: FIRST, 2: SECOND}), wrapping({1: FIRST, 2: b"x" * 32})):
            told.append(generations.readable(connection, keys)["wrapping"])
    assert told == [[1], [1, 2], [1]]
