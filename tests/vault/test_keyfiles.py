"""The bank's own secrets: made once, the same for every process, and never those of another bank."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from creditbank.vault import keyfiles
from creditbank.vault.keyfiles import ForeignKeys, KeyFiles, Ring, Standing
from tests.vault.keys import KEYS


def secrets(keys: KeyFiles) -> list[bytes]:
    return [*(ring.of(1) for ring in keys.rings), keys.cursors, keys.fingerprints]


def test_keys_are_made_once_and_read_ever_after(tmp_path: Path) -> None:
    keys = keyfiles.load(tmp_path)
    assert secrets(keyfiles.load(tmp_path)) == secrets(keys)
    assert [ring.current for ring in keys.rings] == [1, 1, 1]
    assert len(set(secrets(keys))) == 5
    assert {len(secret) for secret in secrets(keys)} == {32}


def test_only_the_owner_may_read_them_and_nothing_else_is_left_behind(tmp_path: Path) -> None:
    keyfiles.load(tmp_path)
    folder = tmp_path / "keys"
    assert folder.stat().st_mode & 0o077 == 0
    names = ["api-keys.1.key", "blind-index.1.key", "cursors.key", "fingerprints.key", "wrapping.1.key"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_of_many_that_start_at_once_all_get_the_same_keys(tmp_path: Path) -> None:
    together = Barrier(8)

    def start(_: int) -> list[bytes]:
        together.wait()
        return secrets(keyfiles.load(tmp_path))

    with ThreadPoolExecutor(8) as starting:
        assert len({tuple(one) for one in starting.map(start, range(8))}) == 1


def test_two_processes_at_once_get_the_same_keys(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys; from creditbank.vault import keyfiles;"
        "print(keyfiles.load(pathlib.Path(sys.argv[1])).wrapping.of(1).hex())"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    said = [one.communicate()[0] for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert said[0] == said[1] == f"{keyfiles.load(tmp_path).wrapping.of(1).hex()}\n".encode()


@pytest.mark.parametrize("content", ["", "short", "zz" * 32, "ab" * 31, "ab" * 33, "ключ"])
def test_a_damaged_key_file_stops_the_bank(tmp_path: Path, content: str) -> None:
    keyfiles.load(tmp_path)
    (tmp_path / "keys" / "wrapping.1.key").write_text(content, "utf-8")
    with pytest.raises(ForeignKeys, match=r"wrapping\.1\.key"):
        keyfiles.load(tmp_path)


def test_a_ring_reads_every_generation_that_has_a_file_and_writes_the_newest(tmp_path: Path) -> None:
    first = keyfiles.load(tmp_path).wrapping.of(1)
    folder = keyfiles.folder_of(tmp_path)
    for name in ("wrapping.2.key", "wrapping.10.key", "wrapping.x.key", "wrapping.03.key"):
        keyfiles.write_new(folder / name, b"ab" * 32)
    ring = keyfiles.load(tmp_path).wrapping
    assert (ring.current, ring.on_disk) == (10, (1, 2, 10))
    assert (ring.of(1), ring.of(2)) == (first, bytes.fromhex("ab" * 32))


def test_a_generation_that_came_later_is_read_when_it_is_needed(tmp_path: Path) -> None:
    ring = keyfiles.load(tmp_path).blind_index
    with pytest.raises(ForeignKeys, match=r"blind-index\.2\.key is missing"):
        ring.of(2)
    keyfiles.write_new(keyfiles.folder_of(tmp_path) / "blind-index.2.key", b"ab" * 32)
    assert ring.of(2) == bytes.fromhex("ab" * 32)
    assert ring.current == 1, "it is for the database to say what is current"


def test_what_is_in_use_is_read_and_the_current_and_the_joining_one_are_written() -> None:
    ring = Ring("blind-index", {1: b"1" * 32, 2: b"2" * 32, 3: b"3" * 32})
    ring.stand(Standing(current=2, joining=3, former=(1,)))
    assert (ring.current, ring.written, ring.read) == (2, (2, 3), (2, 3, 1))
    ring.stand(Standing(current=3))
    assert (ring.current, ring.written, ring.read) == (3, (3,), (3,))
    with pytest.raises(ForeignKeys):
        ring.of(1)


def test_keys_are_not_shown_by_accident() -> None:
    assert "wwww" not in repr(KEYS) + repr(KEYS.rings)
