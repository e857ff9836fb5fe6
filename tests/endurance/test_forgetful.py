"""What a disk keeps when the power is cut: what was synced, and of the rest any sectors; names like content."""

from __future__ import annotations

import stat
from collections.abc import Callable
from random import Random

import pytest

from tests.endurance.forgetful import ROOT, SECTOR, Directory, File, Tree


def never() -> bool:
    return False


def always() -> bool:
    return True


def file() -> File:
    return File(mode=stat.S_IFREG | 0o600, uid=0, gid=0, modified=0)


@pytest.fixture
def tree() -> Tree:
    return Tree()


def test_what_was_written_since_the_last_sync_is_forgotten(tree: Tree) -> None:
    one = file()
    number = tree.add(ROOT, b"one", one)
    one.write(0, b"synced")
    tree.sync()
    one.write(0, b"SYNC")
    one.write(6, b" and more")
    tree.cut(never)
    assert tree.file(number).content == b"synced"


def test_what_reached_the_disk_unasked_may_be_there(tree: Tree) -> None:
    one = file()
    tree.add(ROOT, b"one", one)
    one.write(0, b"never synced")
    tree.cut(always)
    assert [(name, tree.file(number).content) for name, number in tree.directory(ROOT).names.items()] == [
        (b"one", b"never synced")
    ]


def test_a_name_that_was_not_synced_is_gone_although_its_file_was(tree: Tree) -> None:
    folder = Directory(mode=stat.S_IFDIR | 0o700, uid=0, gid=0, modified=0)
    number = tree.add(ROOT, b"folder", folder)
    one = file()
    tree.add(number, b"one", one)
    one.write(0, b"x")
    one.sync()
    folder.sync()
    tree.cut(never)
    assert tree.directory(ROOT).names == {}
    assert list(tree.nodes) == [ROOT]


def test_a_rename_that_was_not_synced_did_not_happen(tree: Tree) -> None:
    tree.add(ROOT, b"draft", file())
    tree.sync()
    tree.rename(ROOT, b"draft", ROOT, b"final")
    tree.cut(never)
    assert list(tree.directory(ROOT).names) == [b"draft"]


@pytest.mark.parametrize("survives", [never, always])
def test_a_file_that_was_cut_short_and_synced_holds_nothing_of_before(survives: Callable[[], bool]) -> None:
    one = file()
    one.write(0, b"x" * 100)
    one.sync()
    one.resize(10)
    one.write(50, b"end")
    one.sync()
    one.forget(survives)
    assert one.content == b"x" * 10 + bytes(40) + b"end"


def test_each_sector_survives_or_not_and_nothing_between() -> None:
    drawn = Random(20261124)
    one = file()
    one.write(0, b"a" * SECTOR * 100)
    one.sync()
    one.write(SECTOR // 2, b"b" * SECTOR * 50)
    one.forget(lambda: drawn.random() < 0.5)
    sectors = {bytes(one.content[start : start + SECTOR]) for start in range(0, one.size, SECTOR)}
    half = SECTOR // 2
    assert {b"a" * SECTOR, b"b" * SECTOR} <= sectors
    assert sectors <= {b"a" * SECTOR, b"b" * SECTOR, b"a" * half + b"b" * half, b"b" * half + b"a" * half}
