"""The awarding of one import, chunk by chunk, wherever it stands."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from creditbank.commands import parts
from creditbank.commands.beside import Beside, Lost
from creditbank.commands.desk import Desk, Request
from creditbank.commands.ready_awards import Outdated
from creditbank.imports import awarding, chunks
from creditbank.imports.awarding import ImportChunk, ReadyRows, Rows
from creditbank.imports.intake import Detail, SettleReading, detail_of
from creditbank.imports.lines import Sheet
from creditbank.imports.tables import ATOMIC_ROWS
from creditbank.imports.task import Folder
from creditbank.ledger.imports import Import


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The next rows, and where those behind them begin."""

    begin: int
    number: int
    rows: Rows
    next_at: int

    @property
    def next_number(self) -> int:
        return self.number + len(self.rows)


@dataclass(slots=True)
class Work:
    """The awarding of one import, and where it stands."""

    desk: Desk
    beside: Beside
    one: Import
    folder: Folder
    resume_at: int
    done: int
    _ahead: tuple[int, Future[chunks.Made]] | None = None

    def step(self) -> bool:
        """Award the next chunk; whether there is more. Raises Unavailable.

        The chunk behind it is made ready while this one is settled.
        """
        chunk = self._ready() or self._plain()
        if not len(chunk.rows):
            lost = SettleReading(import_id=self.one.import_id, findings=refusal("source_lost"))
            self.desk.call(Request(command=lost, actor=self.one.created_by))
            return False
        settling = self.desk.submit(self._request(chunk))
        if self._is_long and chunk.next_number < self.one.rows:
            self._ahead = (chunk.next_at, self._asked(chunk.next_at))
        try:
            standing = from_json(settling.result().body)
        except Outdated:
            standing = from_json(self.desk.call(self._request(self._plain())).body)
        self.resume_at, self.done = standing["resume_at"], standing["done"]
        return bool(standing["state"] == "importing")

    @property
    def _is_long(self) -> bool:
        detail = detail_of(self.one)
        return detail.mode == "partial" and not detail.dry_run and self.one.rows > parts.FEW

    @property
    def _sheet(self) -> Sheet:
        return Sheet(issuer=self.one.organisation, headers=_headers(detail_of(self.one)))

    def _ready(self) -> _Chunk | None:
        """The next rows, made ready; None where they cannot be had in this way."""
        if not self._is_long:
            return None
        begin, ahead = self._ahead or (None, None)
        self._ahead = None
        try:
            made = (ahead if ahead is not None and begin == self.resume_at else self._asked(self.resume_at)).result()
        except Lost:
            return None
        return _Chunk(self.resume_at, self.done, ReadyRows(made.rows, self._sheet, made.made_by), made.next_at)

    def _asked(self, begin: int) -> Future[chunks.Made]:
        most = parts.length(self.desk)
        return self.beside.ask(chunks.Make(str(self.folder.rows), begin, most, self._sheet))

    def _plain(self) -> _Chunk:
        detail = detail_of(self.one)
        most = ATOMIC_ROWS if detail.mode == "atomic" else parts.length(self.desk)
        rows, next_at = chunks.read(self.folder.rows, self.resume_at, most)
        plain = awarding.plain(rows, self._sheet, detail.mode, dry_run=detail.dry_run)
        return _Chunk(self.resume_at, self.done, plain, next_at)

    def _request(self, chunk: _Chunk) -> Request:
        one = self.one
        command = ImportChunk(
            import_id=one.import_id,
            resume_at=chunk.begin,
            next_at=chunk.next_at,
            first=chunk.number,
            rows=chunk.rows,
            is_last=chunk.next_number >= one.rows,
        )
        return Request(command=command, actor=one.created_by, causation=one.import_id, is_bulk=True)


def _headers(detail: Detail) -> dict[str, str]:
    """The header of each column of the bank, as the file has it."""
    found = (detail.found or {}).get("columns", ())
    return {one["column"]: one["header"] for one in found if one["column"]}


def refusal(code: str) -> Mapping[str, Any]:
    return {"problem": {"code": code, "facts": {}}, "rows": 0}
