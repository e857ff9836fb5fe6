"""What lasts: folders with all that is missing above them, files replaced whole, a folder that one process holds."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from creditbank.vault.durable import Held, held, make_folder, replace_file


@pytest.fixture(autouse=True)
def _usual_mask() -> Iterator[None]:
    former = os.umask(0o022)
    yield
    os.umask(former)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_missing_above_is_made_too_and_is_its_owners_alone(tmp_path: Path) -> None:
    make_folder(tmp_path / "data" / "keys")
    assert [mode(tmp_path / one) for one in ("data", "data/keys")] == [0o700, 0o700]


def test_what_is_published_may_be_read_by_everybody(tmp_path: Path) -> None:
    make_folder(tmp_path / "log" / "tile", 0o777)
    assert [mode(tmp_path / one) for one in ("log", "log/tile")] == [0o755, 0o755]


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    make_folder(tmp_path)
    assert mode(tmp_path) == 0o750


def test_a_file_is_replaced_once_the_new_one_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, sync, seen = tmp_path / "state", os.fsync, []

    def note(descriptor: int) -> None:
        seen.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), path.read_text()))
        sync(descriptor)

    path.write_text("old")
    monkeypatch.setattr(os, "fsync", note)
    replace_file(path, "new")

    assert seen == [(False, "old"), (True, "new")]
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(Held), held(tmp_path):
        pass
    with held(tmp_path):
        pass
