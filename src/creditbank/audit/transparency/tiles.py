"""Tiles and entry bundles as static files: c2sp.org/tlog-tiles (v0.1.0 and what followed), hashed by RFC 6962.

A tile of level l holds up to 256 hashes of subtrees over `256**l` leaves each; entries stand in bundles beside
the tiles of level 0, each with its length before it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from creditbank.audit.transparency.encoding import HASH_BYTES
from creditbank.audit.transparency.merkle import Hashes, node_hash

WIDTH = 256
HEIGHT = 8
MOST_ENTRY_BYTES = 65_535

_PATH = re.compile(
    r"tile/(?P<level>entries|[1-5]?[0-9]|6[0-3])/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """Where a tile stands: level (None for a bundle of entries), index, and how many of its 256 places are filled."""

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Its path below the log's prefix: `tile/0/x001/234` or `tile/entries/000.p/7`."""
        groups = []
        rest = self.index
        while True:
            rest, group = divmod(rest, 1000)
            groups.append(f"{group:03d}")
            if not rest:
                break
        name = "/".join([f"x{group}" for group in reversed(groups[1:])] + [groups[0]])
        suffix = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{'entries' if self.level is None else self.level}/{name}{suffix}"


def tile_at(path: str) -> Tile:
    """The tile that a path names. Raises ValueError for any path that no log writes."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise ValueError(f"{path!r} is not the path of a tile")
    level = found["level"]
    tile = Tile(
        level=None if level == "entries" else int(level),
        index=int(found["index"].replace("x", "").replace("/", "")),
        width=int(found["width"] or WIDTH),
    )
    if tile.path != path:
        raise ValueError(f"{path!r} is not how this tile is written")
    return tile


def tiles_of(size: int, before: int = 0) -> Iterator[Tile]:
    """Every tile of hashes that a tree of `size` leaves has and one of `before` leaves had not, from below upwards."""
    level = 0
    while (full := size >> (HEIGHT * level)) > 0:
        had = before >> (HEIGHT * level)
        if full > had:
            yield from (Tile(level=level, index=index) for index in range(had // WIDTH, full // WIDTH))
            if full % WIDTH:
                yield Tile(level=level, index=full // WIDTH, width=full % WIDTH)
        level += 1


def bundles_of(size: int, before: int = 0) -> Iterator[Tile]:
    """The bundles of entries beside the tiles of level 0."""
    for tile in tiles_of(size, before):
        if tile.level == 0:
            yield Tile(level=None, index=tile.index, width=tile.width)


def pack(entries: Sequence[bytes]) -> bytes:
    """A bundle. Raises ValueError for an entry of more than 65,535 bytes."""
    if any(len(entry) > MOST_ENTRY_BYTES for entry in entries):
        raise ValueError("an entry is too long for the log")
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def unpack(bundle: bytes) -> list[bytes]:
    """The entries of a bundle. Raises ValueError where it ends in the middle of one."""
    entries, offset = [], 0
    while offset < len(bundle):
        if offset + 2 > len(bundle):
            raise ValueError("a bundle ends within the length of an entry")
        (length,) = struct.unpack_from(">H", bundle, offset)
        offset += 2
        if offset + length > len(bundle):
            raise ValueError("a bundle ends within an entry")
        entries.append(bundle[offset : offset + length])
        offset += length
    return entries


def split(content: bytes) -> list[bytes]:
    """The hashes that a tile holds."""
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


def subtree(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of hashes."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(level[one], level[one + 1]) for one in range(0, len(level), 2)]
    return level[0]


def reader(size: int, read: Callable[[Tile], bytes]) -> Hashes:
    """The hashes of a tree of `size` leaves, taken from its tiles. `read` is asked for each tile at most once.

    Raises ValueError where a tile has not the length that its width asks for.
    """
    known: dict[Tile, bytes] = {}

    def content(level: int, index: int) -> bytes:
        filled = (size >> (HEIGHT * level)) - index * WIDTH
        tile = Tile(level=level, index=index, width=min(filled, WIDTH))
        if tile not in known:
            known[tile] = read(tile)
            if len(known[tile]) != tile.width * HASH_BYTES:
                raise ValueError(f"{tile.path} does not hold {tile.width} hashes")
        return known[tile]

    def hashes(level: int, index: int) -> bytes:
        tile_level, inner = divmod(level, HEIGHT)
        first = index << inner
        body = content(tile_level, first // WIDTH)
        start = (first % WIDTH) * HASH_BYTES
        part = body[start : start + (HASH_BYTES << inner)]
        return subtree(split(part))

    return hashes
