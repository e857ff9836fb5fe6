"""How a published tree grows: new entries become bundles and tiles, each written once, and read back."""

from __future__ import annotations

from collections.abc import Sequence

from creditbank.audit.transparency import merkle, tiles
from creditbank.audit.transparency.merkle import leaf_hash
from creditbank.audit.transparency.shelf import Forked, Shelf
from creditbank.audit.transparency.tiles import WIDTH, Tile, subtree


def grow(shelf: Shelf, size: int, root: bytes, entries: Sequence[bytes]) -> bytes:
    """Put entries behind the first `size` leaves, and return the new root, as it reads from what is written.

    Doing it again with the same entries changes nothing. Raises Forked where the files do not give the root that
    was signed for `size`, or where other entries are published behind it.
    """
    if root_of(shelf, size) != root:
        raise Forked(f"the published files do not give the root that was signed for {size} leaves")
    _add_entries(shelf, size, entries)
    hashes = [leaf_hash(entry) for entry in entries]
    level = 0
    while hashes:
        hashes = _add_hashes(shelf, level, size >> (tiles.HEIGHT * level), hashes)
        level += 1
    total = size + len(entries)
    new_root = root_of(shelf, total)
    tidy(shelf, size, total)
    return new_root


def root_of(shelf: Shelf, size: int) -> bytes:
    """The root over the first leaves, computed from the files alone."""
    return merkle.root(size, tiles.reader(size, shelf.read))


def _add_entries(shelf: Shelf, size: int, entries: Sequence[bytes]) -> None:
    for tile, part in _filled(None, size, entries, _entries_before(shelf, size)):
        shelf.write(tile, tiles.pack(part))


def _entries_before(shelf: Shelf, size: int) -> list[bytes]:
    """The entries of the last bundle, which have to be those that its tile of hashes names."""
    index, width = divmod(size, WIDTH)
    if not width:
        return []
    entries = tiles.unpack(shelf.read(Tile(level=None, index=index, width=width)))
    if b"".join(map(leaf_hash, entries)) != shelf.read(Tile(level=0, index=index, width=width)):
        raise Forked(f"the last bundle of {size} leaves does not hold the entries that its tile names")
    return entries


def _add_hashes(shelf: Shelf, level: int, before: int, hashes: Sequence[bytes]) -> list[bytes]:
    """Write the tiles of one level, and return the hashes that the level above gets."""
    index, width = divmod(before, WIDTH)
    old: list[bytes] = []
    if width:
        content = shelf.read(Tile(level=level, index=index, width=width))
        old = tiles.split(content)
    above = []
    for tile, part in _filled(level, before, hashes, old):
        shelf.write(tile, b"".join(part))
        if tile.width == WIDTH:
            above.append(subtree(part))
    return above


def _filled(
    level: int | None, before: int, new: Sequence[bytes], old: list[bytes]
) -> list[tuple[Tile, Sequence[bytes]]]:
    """The tiles that `new` items fill behind the `before` that are there, the last `old` of them in a partial one."""
    if len(old) != before % WIDTH:
        raise Forked(f"the last tile of level {level} does not hold what its width says")
    items = [*old, *new]
    first = before // WIDTH
    return [
        (Tile(level=level, index=first + start // WIDTH, width=len(part)), part)
        for start in range(0, len(items), WIDTH)
        if (part := items[start : start + WIDTH])
    ]


def tidy(shelf: Shelf, before: int, size: int) -> None:
    """Partial tiles are of no use once the full one stands."""
    for tile in [*tiles.tiles_of(size, before), *tiles.bundles_of(size, before)]:
        if tile.width == WIDTH:
            shelf.drop_partial(tile)
