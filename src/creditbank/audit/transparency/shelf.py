"""The shelf: the published log as plain files, which any web server can serve.

A file is written whole under another name and then linked, once: whoever finds one with other bytes at its
place has found a fork and stops. Only the checkpoint is replaced.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from pathlib import Path

from creditbank.audit.transparency.tiles import WIDTH, Tile, beginning
from creditbank.vault.durable import make_folder, sync_file, sync_folder

CHECKPOINT, KEYS = "checkpoint", "log.vkey"


class Forked(RuntimeError):
    """What is published is not what the bank's history gives."""


class Shelf:
    """A folder that holds `checkpoint`, `log.vkey` and `tile/…`."""

    def __init__(self, folder: Path, *, is_durable: bool = True) -> None:
        """`is_durable` is False for what can be made anew at any time: it is not forced to the disk."""
        self.folder = folder
        self._is_durable = is_durable

    def read(self, tile: Tile) -> bytes:
        """A tile; a partial one out of the full one that has taken its place. Raises FileNotFoundError."""
        try:
            return (self.folder / tile.path).read_bytes()
        except FileNotFoundError:
            if tile.width == WIDTH:
                raise
        full = replace(tile, width=WIDTH)
        return beginning(tile, (self.folder / full.path).read_bytes())

    def write(self, tile: Tile, content: bytes) -> None:
        """Put a tile at its place. Raises Forked where one with other bytes stands there."""
        path = self.folder / tile.path
        if not path.exists():
            draft = self._draft(path, content)
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
            self._sync(path.parent)
        if path.read_bytes() != content:
            raise Forked(f"{tile.path} is published with other bytes")

    def drop_partial(self, tile: Tile) -> None:
        """Take away the partial forms of a tile that is full now."""
        folder = self.folder / f"{Tile(level=tile.level, index=tile.index, width=WIDTH).path}.p"
        if folder.is_dir():
            for part in folder.iterdir():
                part.unlink(missing_ok=True)
            folder.rmdir()

    def checkpoint(self) -> str | None:
        """The published checkpoint; None before the first."""
        return self.text(CHECKPOINT)

    def text(self, name: str) -> str | None:
        """`checkpoint` or `log.vkey`; None before it is there."""
        path = self.folder / name
        return path.read_text("utf-8", errors="replace") if path.exists() else None

    def replace(self, name: str, text: str) -> None:
        """Put `checkpoint` or `log.vkey` at its place."""
        path = self.folder / name
        self._draft(path, text.encode()).replace(path)
        self._sync(path.parent)

    def _draft(self, path: Path, content: bytes) -> Path:
        if self._is_durable:
            make_folder(path.parent, 0o777)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with draft.open("xb") as file:
            file.write(content)
            if self._is_durable:
                sync_file(file)
        return draft

    def _sync(self, folder: Path) -> None:
        if self._is_durable:
            sync_folder(folder)
