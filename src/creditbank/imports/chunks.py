"""The next rows of a file that was read, as they lie there, or made ready in the process beside the server."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from creditbank.commands.beside import Room
from creditbank.commands.ready import ReadyLine, Stamp
from creditbank.domain import errors
from creditbank.imports.lines import Row, Sheet, award_line, row_of
from creditbank.imports.texts import Said


class Made(NamedTuple):
    """Rows that were made ready, by what, and where those behind them begin."""

    made_by: Stamp
    rows: list[tuple[int, ReadyLine | tuple[Said, ...]]]
    next_at: int


@dataclass(frozen=True, slots=True)
class Make:
    """Question: rows of a file, from a place in it on, made ready."""

    path: str
    begin: int
    most: int
    sheet: Sheet

    def answer(self, room: Room) -> Made:
        rows, next_at = read(Path(self.path), self.begin, self.most)
        return Made(room.maker.knowledge.stamp, [(row.row, self._made(room, row)) for row in rows], next_at)

    def _made(self, room: Room, row: Row) -> ReadyLine | tuple[Said, ...]:
        sheet, known = self.sheet, room.maker.knowledge
        made = errors.Invalid() if row.faults else room.maker.line(award_line(row.values, sheet.issuer))
        if isinstance(made, errors.BankError):
            return sheet.faults(row, made.code, known.catalogue, known.today)
        return made


def read(path: Path, begin: int, most: int) -> tuple[list[Row], int]:
    """At most so many rows from a place in the file on, and the place behind them."""
    rows, next_at = [], begin
    with path.open("rb") as lines:
        lines.seek(begin)
        for line in islice(lines, most):
            rows.append(row_of(line))
            next_at += len(line)
    return rows, next_at
