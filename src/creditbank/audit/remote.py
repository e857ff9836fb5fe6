"""The log of another bank, over HTTP: followed, copied, and never believed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Protocol

import httpx

from creditbank.audit import checking
from creditbank.audit.transparency import merkle, tiles
from creditbank.audit.transparency.checkpoints import Checkpoint
from creditbank.audit.transparency.encoding import HASH_BYTES
from creditbank.audit.transparency.growth import root_of, tidy
from creditbank.audit.transparency.merkle import leaf_hash
from creditbank.audit.transparency.notes import MOST_NOTE_BYTES, VerifierKey
from creditbank.audit.transparency.shelf import CHECKPOINT, KEYS, Forked, Shelf
from creditbank.audit.transparency.tiles import WIDTH, Tile

TIMEOUT_SECONDS = 10.0
MOST_BYTES = WIDTH * (2 + tiles.MOST_ENTRY_BYTES)


class Unreachable(RuntimeError):
    """The other side does not answer, or answers with something else."""


class Missing(Unreachable):
    """The other side has no such file."""


class Source(Protocol):
    """Where files of a log come from."""

    def checkpoint(self) -> str: ...

    def read(self, tile: Tile) -> bytes: ...


@dataclass(frozen=True, slots=True)
class RemoteLog:
    """The files of a log below a URL. Raises Unreachable where they are not to be had."""

    client: httpx.Client
    url: str

    def checkpoint(self) -> str:
        return self._get(CHECKPOINT, MOST_NOTE_BYTES).decode("utf-8", "replace")

    def read(self, tile: Tile) -> bytes:
        """A partial tile may be gone since the full one stands: then it is the beginning of that one."""
        try:
            return self._get(tile.path, MOST_BYTES)
        except Missing:
            if tile.width == WIDTH:
                raise
        full = self._get(replace(tile, width=WIDTH).path, MOST_BYTES)
        if tile.level is None:
            return tiles.pack(tiles.unpack(full)[: tile.width])
        return full[: tile.width * HASH_BYTES]

    def _get(self, path: str, most: int) -> bytes:
        content = bytearray()
        try:
            with self.client.stream("GET", f"{self.url.rstrip('/')}/{path}") as answer:
                if answer.status_code == 404:
                    raise Missing(f"{path}: is not there")
                if answer.status_code != 200:
                    raise Unreachable(f"{path}: status {answer.status_code}")
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > most:
                        raise Unreachable(f"{path}: longer than any file of a log")
        except httpx.HTTPError as error:
            raise Unreachable(f"{path}: {type(error).__name__}") from None
        return bytes(content)


def client() -> httpx.Client:
    """One that gives up in time and follows nobody elsewhere."""
    return httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False)


def follow(source: Source, keys: Collection[VerifierKey], known: Checkpoint | None) -> tuple[Checkpoint, str]:
    """The head of a log and its note, where it goes on from the one that is known.

    Raises Forked where it does not: what was seen before is no longer part of the log. Raises Malformed or
    Unproven where the checkpoint is not signed.
    """
    note = source.checkpoint()
    head = checking.signed_checkpoint(note, keys)
    if known is None:
        return head, note
    if head.origin != known.origin:
        raise Forked(f"the log calls itself {head.origin}, and {known.origin} before")
    if head.size < known.size:
        raise Forked(f"the log has {head.size} leaves, and {known.size} before")
    hashes = tiles.reader(head.size, source.read)
    if merkle.root(head.size, hashes) != head.root or merkle.root(known.size, hashes) != known.root:
        raise Forked(f"the first {known.size} leaves of the log are no longer those that were seen before")
    return head, note


def copy(source: Source, keys: Collection[VerifierKey], shelf: Shelf, told: Callable[[int, int], None]) -> Checkpoint:
    """Bring a copy of a log up to its present head, and check every entry of it. Returns the head.

    Raises as `follow`; what was copied stays as it is then.
    """
    own = shelf.checkpoint()
    known = None if own is None else checking.signed_checkpoint(own, keys)
    head, note = follow(source, keys, known)
    before = known.size if known else 0
    for bundle in tiles.bundles_of(head.size, before):
        entries = tiles.unpack(content := source.read(bundle))
        if len(entries) != bundle.width:
            raise Forked(f"{bundle.path} does not hold {bundle.width} entries")
        shelf.write(Tile(level=0, index=bundle.index, width=bundle.width), b"".join(map(leaf_hash, entries)))
        shelf.write(bundle, content)
        told(bundle.index * WIDTH + bundle.width, head.size)
    for tile in tiles.tiles_of(head.size, before):
        if tile.level:
            below = [shelf.read(Tile(level=tile.level - 1, index=tile.index * WIDTH + at)) for at in range(tile.width)]
            shelf.write(tile, b"".join(tiles.subtree(tiles.split(part)) for part in below))
    if root_of(shelf, head.size) != head.root:
        raise Forked(f"the entries of the log do not give the root that it signed for {head.size} leaves")
    tidy(shelf, before, head.size)
    shelf.replace(KEYS, "".join(f"{key}\n" for key in keys))
    shelf.replace(CHECKPOINT, note)
    return head
