"""The awarding of one import, chunk by chunk, wherever it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic_core import from_json

from creditbank.commands.desk import Desk, Request
from creditbank.imports import awarding
from creditbank.imports.awarding import ImportChunk
from creditbank.imports.intake import Detail, SettleReading, detail_of
from creditbank.imports.tables import ATOMIC_ROWS
from creditbank.imports.task import Folder
from creditbank.ledger.imports import Import

CHUNK = 250
"""Rows that share a transaction. Whoever awards a single certificate meanwhile waits for one chunk at most."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The next rows, ready to be asked for, and where those behind them begin."""

    request: Request
    next_at: int
    next_number: int


@dataclass(slots=True)
class Work:
    """The awarding of one import, and where it stands."""

    desk: Desk
    one: Import
    folder: Folder
    resume_at: int
    done: int
    _ready: _Chunk | None = None

    def step(self) -> bool:
        """Award the next chunk; whether there is more. Raises Unavailable.

        The chunk behind it is read while this one is settled.
        """
        chunk, self._ready = self._ready or self._chunk(self.resume_at, self.done), None
        if chunk.next_number == self.done:
            lost = SettleReading(import_id=self.one.import_id, findings=refusal("source_lost"))
            self.desk.call(Request(command=lost, actor=self.one.created_by))
            return False
        settling = self.desk.submit(chunk.request)
        ahead = self._chunk(chunk.next_at, chunk.next_number) if chunk.next_number < self.one.rows else None
        standing = from_json(settling.result().body)
        self.resume_at, self.done = standing["resume_at"], standing["done"]
        if self.resume_at == chunk.next_at:
            self._ready = ahead
        return bool(standing["state"] == "importing")

    def _chunk(self, begin: int, number: int) -> _Chunk:
        one, detail = self.one, detail_of(self.one)
        rows, next_at = self._rows(begin, ATOMIC_ROWS if detail.mode == "atomic" else CHUNK)
        batch = awarding.batch(rows, issuer=one.organisation, mode=detail.mode, dry_run=detail.dry_run)
        command = ImportChunk(
            import_id=one.import_id,
            resume_at=begin,
            next_at=next_at,
            first=number,
            rows=rows,
            is_last=number + len(rows) >= one.rows,
            headers=_headers(detail),
            issuer=one.organisation,
            batch=batch,
        )
        request = Request(command=command, actor=one.created_by, causation=one.import_id, is_bulk=True)
        return _Chunk(request, next_at, number + len(rows))

    def _rows(self, begin: int, most: int) -> tuple[list[awarding.Row], int]:
        rows, next_at = [], begin
        with self.folder.rows.open("rb") as lines:
            lines.seek(begin)
            for line in islice(lines, most):
                rows.append(awarding.row_of(line))
                next_at += len(line)
        return rows, next_at


def _headers(detail: Detail) -> dict[str, str]:
    """The header of each column of the bank, as the file has it."""
    found = (detail.found or {}).get("columns", ())
    return {one["column"]: one["header"] for one in found if one["column"]}


def refusal(code: str) -> Mapping[str, Any]:
    return {"problem": {"code": code, "facts": {}}, "rows": 0}
