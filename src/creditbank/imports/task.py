"""What the reading process is told, and what it finds: files in the import's directory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from creditbank.vault import durable

RETURNED = ("import_status", "import_reason")
"""Members that stand for the two columns where NDJSON goes back; sent again, they say nothing about a certificate."""

RETURNED_HEADERS: Mapping[str, tuple[str, str]] = {"en": ("import status", "reason"), "zh-CN": ("导入结果", "原因")}
"""Headers of the two columns, in each language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """How a file is to be read. `standards` are folded names and codes, `names` those of the sender."""

    names: list[str]
    standards: dict[str, str]
    sheet: str | None = None
    columns: dict[str, str | None] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    atomic: bool = False


@dataclass(frozen=True, slots=True)
class Folder:
    """The directory of one import. All in it is personal data, and goes when its time is over."""

    path: Path

    @classmethod
    def of(cls, imports: Path, import_id: UUID) -> Folder:
        return cls(imports / str(import_id))

    @property
    def source(self) -> Path:
        """The file as it was sent."""
        return self.path / "source"

    @property
    def rows(self) -> Path:
        """One line a row: its number, what could be read, what is wrong."""
        return self.path / "rows"

    @property
    def cells(self) -> Path:
        """One line a row, and one for each row above them: the cells as they were sent."""
        return self.path / "cells"

    @property
    def findings(self) -> Path:
        """What was found out about the whole file; written last."""
        return self.path / "findings.json"

    @property
    def task(self) -> Path:
        return self.path / "task.json"

    def notes(self, returned: Path) -> Path:
        """What stands in the two columns that such a file adds: one line about them, then one a row."""
        return returned.with_name(f"{returned.name}.notes")

    @property
    def lock(self) -> Path:
        """Held by the one process that works on the import; given up when that process ends, in whatever way."""
        return self.path / "lock"

    @property
    def return_lock(self) -> Path:
        """Held by the one process that makes a file for the sender."""
        return self.path / "return.lock"

    def failed_times(self) -> int:
        """How often the import ended by a fault of ours."""
        failures = self._failures
        return failures.stat().st_size if failures.exists() else 0

    def add_failure(self) -> None:
        with self._failures.open("ab") as failures:
            failures.write(b"x")

    @property
    def _failures(self) -> Path:
        """One byte for each."""
        return self.path / "failures"

    def returned(self, kind: str, format_: str) -> Path:
        """A file that was made for the sender."""
        return self.path / f"{kind}.{format_}"

    def hold(self) -> IO[bytes] | None:
        """The lock of the import; None where another process has it, or where the folder is not here."""
        try:
            lock = self.lock.open("wb")
        except FileNotFoundError:
            return None
        if durable.try_lock(lock.fileno()):
            return lock
        lock.close()
        return None

    def is_whole(self, sha256: bytes, size: int) -> bool:
        """Whether the file is there as it was sent: a disk that was full or that failed may have cut it."""
        try:
            with self.source.open("rb") as file:
                return self.source.stat().st_size == size and hashlib.file_digest(file, "sha256").digest() == sha256
        except FileNotFoundError:
            return False

    def put_task(self, task: Task) -> None:
        self.task.write_text(json.dumps(asdict(task), ensure_ascii=False), "utf-8")

    def get_task(self) -> Task:
        return Task(**json.loads(self.task.read_text("utf-8")))

    def found(self) -> Mapping[str, Any] | None:
        """The findings; None while there are none."""
        try:
            content: Mapping[str, Any] = json.loads(self.findings.read_text("utf-8"))
        except FileNotFoundError:
            return None
        return content

    def all_cells(self) -> Iterator[list[str]]:
        """The rows as they were sent, those above the first certificate included."""
        with self.cells.open("rb") as lines:
            for line in lines:
                yield json.loads(line)
