"""The list of erased accounts, kept apart from the database: what was erased stays so when an old backup is restored.

A line is `<account> <receipt> <instant>`, and says nothing about the person. Lines are only ever appended, by each host
to a file of its own below `erased`, so that several hosts can share that directory over a network.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from socket import gethostname
from uuid import UUID

from creditbank.domain.instants import instant_text, microseconds_of
from creditbank.vault.durable import make_folder, sync_folder

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_LINE = re.compile(rf"({_UUID}) ({_UUID}) (\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{6}}Z)", re.ASCII)
_LENGTH = 36 + 1 + 36 + 1 + 27


class ListDamaged(RuntimeError):
    """A line of the list cannot be read, so that somebody who was erased might come back unnoticed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """An account whose person was erased, with the receipt that was given, at a moment in microseconds."""

    account_id: UUID
    receipt: UUID
    erased_at: int

    def __str__(self) -> str:
        return f"{self.account_id} {self.receipt} {instant_text(self.erased_at)}"


@dataclass(frozen=True, slots=True)
class ErasedList:
    """The list below a data directory."""

    data_dir: Path

    @property
    def folder(self) -> Path:
        return self.data_dir / "erased"

    def read(self) -> dict[UUID, Erased]:
        """Every account on the list, by its id, with what was said about it first. Raises ListDamaged."""
        found: dict[UUID, Erased] = {}
        for path in sorted(self.folder.glob("*.list")):
            for one in _lines(path):
                known = found.get(one.account_id)
                if known is None or one.erased_at < known.erased_at:
                    found[one.account_id] = one
        return found

    def append(self, erased: Collection[Erased]) -> None:
        """Add lines; they are on disk when this returns. A line twice is as good as once. Raises OSError."""
        if not erased:
            return
        make_folder(self.folder)
        path = self.folder / f"{re.sub('[^A-Za-z0-9.-]', '-', gethostname())}.list"
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            # What a crash has torn off stays a line of its own.
            start = b"" if _ends_a_line(descriptor) else b"\n"
            content = start + "".join(f"{one}\n" for one in erased).encode()
            if os.write(descriptor, content) != len(content):
                raise OSError(f"{path} took only a part of what was to be appended")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        # Whether it is new or a crash came before this the last time.
        sync_folder(self.folder)


def _ends_a_line(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"


def _lines(path: Path) -> Iterator[Erased]:
    for number, line in enumerate(path.read_text("ascii", errors="replace").split("\n"), 1):
        if len(line) < _LENGTH:
            continue  # torn off by a crash, and never acknowledged
        try:
            yield _erased(line)
        except ValueError:
            raise ListDamaged(f"line {number} of {path} cannot be read") from None


def _erased(line: str) -> Erased:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError
    erased_at = microseconds_of(datetime.fromisoformat(match[3]))
    return Erased(account_id=UUID(match[1]), receipt=UUID(match[2]), erased_at=erased_at)
