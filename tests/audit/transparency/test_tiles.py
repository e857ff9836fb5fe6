"""Tiles: the paths and widths of the specification's own examples, and trees read back from their tiles."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditbank.audit.transparency import merkle, tiles
from creditbank.audit.transparency.merkle import leaf_hash
from creditbank.audit.transparency.tiles import Tile


def written(size: int) -> dict[Tile, bytes]:
    """The tiles of a tree, built from below upwards as a log does."""
    found: dict[Tile, bytes] = {}
    level = [leaf_hash(str(number).encode()) for number in range(size)]
    number = 0
    while level:
        for start in range(0, len(level), 256):
            part = level[start : start + 256]
            found[Tile(level=number, index=start // 256, width=len(part))] = b"".join(part)
        level = [tiles.subtree(level[start : start + 256]) for start in range(0, len(level) - 255, 256)]
        number += 1
    return found


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(level=0, index=1234067), "tile/0/x001/x234/067"),
        (Tile(level=1, index=0, width=17), "tile/1/000.p/17"),
        (Tile(level=None, index=999), "tile/entries/999"),
        (Tile(level=None, index=1000, width=1), "tile/entries/x001/000.p/1"),
        (Tile(level=63, index=0), "tile/63/000"),
    ],
)
def test_a_tile_stands_at_its_path(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert tiles.tile_at(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0", "tile/00/000", "tile/64/000", "tile/0/x000/001", "tile/0/001.p/256", "tile/0/001.p/0",
        "tile/0/x001", "tile/0/../000", "tile/entries/000.p/07", "tile/0/000/", "tile/x/000",
        "tile/0/\u0660\u0660\u0660", "",
    ],
)  # fmt: skip
def test_no_other_path_is_one_of_a_tile(path: str) -> None:
    with pytest.raises(ValueError, match=r"path|written"):
        tiles.tile_at(path)


def test_a_tree_of_70000_has_the_tiles_of_the_specification() -> None:
    found = Counter((tile.level, tile.width) for tile in tiles.tiles_of(70_000))

    assert found == {(0, 256): 273, (0, 112): 1, (1, 256): 1, (1, 17): 1, (2, 1): 1}


def test_a_tree_of_256_has_a_full_tile_and_one_above() -> None:
    assert list(tiles.tiles_of(256)) == [Tile(level=0, index=0), Tile(level=1, index=0, width=1)]


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 600])
def test_roots_and_proofs_come_out_of_the_tiles(size: int) -> None:
    stored = written(size)
    leaves = [leaf_hash(str(number).encode()) for number in range(size)]
    assert set(stored) == set(tiles.tiles_of(size))

    hashes = tiles.reader(size, stored.__getitem__)
    root = merkle.root(size, hashes)

    for index in {0, size // 2, size - 1}:
        merkle.check_inclusion(leaves[index], index, size, merkle.inclusion(index, size, hashes), root)


def test_a_large_tree_is_read_by_its_tiles_too() -> None:
    size = 66_000
    stored = written(size)
    hashes = tiles.reader(size, stored.__getitem__)

    proof = merkle.consistency(65_536, size, hashes)

    old = merkle.root(65_536, hashes)
    merkle.check_consistency(65_536, size, old, merkle.root(size, hashes), proof)


@given(st.integers(0, 70_000), st.integers(0, 3_000))
def test_growth_writes_what_is_new_and_nothing_twice(before: int, more: int) -> None:
    size = before + more
    new, had, has = (set(tiles.tiles_of(size, before)), set(tiles.tiles_of(before)), set(tiles.tiles_of(size)))

    assert new == has - had


def test_a_tile_of_another_length_is_refused() -> None:
    hashes = tiles.reader(3, lambda tile: b"x" * 64)

    with pytest.raises(ValueError, match="does not hold"):
        merkle.root(3, hashes)


@given(st.lists(st.binary(max_size=300), max_size=30))
def test_entries_come_back_out_of_their_bundle(entries: list[bytes]) -> None:
    assert tiles.unpack(tiles.pack(entries)) == entries


@given(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=5), st.data())
def test_a_bundle_cut_short_is_refused(entries: list[bytes], data: st.DataObject) -> None:
    bundle = tiles.pack(entries)
    lengths = {sum(len(entry) + 2 for entry in entries[:count]) for count in range(len(entries) + 1)}
    cut = data.draw(st.integers(0, len(bundle)).filter(lambda length: length not in lengths))

    with pytest.raises(ValueError, match="ends within"):
        tiles.unpack(bundle[:cut])


def test_an_entry_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        tiles.pack([b"x" * 65_536])
