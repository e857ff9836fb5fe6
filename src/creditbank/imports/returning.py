"""`python -m creditbank.imports.returning DIRECTORY KIND FORMAT LANGUAGE`: the sender's own file with two more columns.

`result` holds all rows, `error` those that were refused, ready to be mended and sent again. Reads the cells as they
were sent and, beside them, what is to stand in the two columns.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Protocol, cast

import xlsxwriter  # type: ignore[import-untyped]

from creditbank.imports import limits
from creditbank.imports.task import RETURNED, Folder
from creditbank.vault.durable import is_disk_full, sync_file

LONGEST_CELL = 32_767
"""What a spreadsheet takes."""

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_WIDTH = 20


class Writer(Protocol):
    def write(self, cells: list[str]) -> None: ...

    def close(self) -> None: ...


def main() -> None:
    limits.take()
    folder, kind, format_, language = Folder(Path(sys.argv[1])), sys.argv[2], sys.argv[3], sys.argv[4]
    try:
        _make(folder, kind, format_, folder.returned(f"{kind}-{language}", format_))
    except OSError as error:
        sys.exit(limits.OUT_OF_ROOM if is_disk_full(error) else 1)


def _make(folder: Folder, kind: str, format_: str, path: Path) -> None:
    unfinished = path.with_name(f"{path.name}.part")
    writer = _WRITERS[format_](unfinished)
    for cells in _rows(folder, kind, folder.notes(path)):
        writer.write(cells)
    writer.close()
    with unfinished.open("rb") as file:
        sync_file(file)
    unfinished.replace(path)


def _rows(folder: Folder, kind: str, notes_path: Path) -> Iterator[list[str]]:
    """The rows with the two columns. All are as wide as the header, so that the two stand under each other."""
    cells = folder.all_cells()
    with notes_path.open(encoding="utf-8") as lines:
        notes = map(json.loads, lines)
        heading = next(notes)
        above = list(islice(cells, heading["above"]))
        width = max(heading["width"], *map(len, above), 0) if above else heading["width"]
        for row in above[:-1]:
            yield row
        if above:
            yield [*_wide(above[-1], width), *heading["columns"]]
        for row, (was_refused, status, reason) in zip(cells, notes, strict=True):
            if kind == "result" or was_refused:
                yield [*_wide(row, width), status, reason]


def _wide(cells: list[str], width: int) -> list[str]:
    """What a row has beyond the header stays, in front of the two columns: dropped, it would look mended."""
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    return [*cells, *[""] * (width - len(cells))]


class _Csv:
    """With a mark, without which Excel takes UTF-8 for GBK; nothing in it is taken for a formula."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8-sig", errors="replace", newline="")
        self._writer = csv.writer(self._file)

    def write(self, cells: list[str]) -> None:
        self._writer.writerow([f"'{cell}" if cell.startswith(_STARTS_FORMULA) else cell for cell in cells])

    def close(self) -> None:
        self._file.close()


class _Xlsx:
    """Text in every cell: long numbers stay whole, and formulas stay text."""

    def __init__(self, path: Path) -> None:
        options = {"constant_memory": True, "tmpdir": str(path.parent), "strings_to_urls": False}
        self._workbook = xlsxwriter.Workbook(str(path), options)
        self._sheet = self._workbook.add_worksheet()
        self._sheet.set_column(0, 199, _WIDTH, self._workbook.add_format({"num_format": "@"}))
        self._row = 0

    def write(self, cells: list[str]) -> None:
        for index, cell in enumerate(cells):
            if cell:
                self._sheet.write_string(self._row, index, cell[:LONGEST_CELL])
        self._row += 1

    def close(self) -> None:
        self._workbook.close()


class _NdJson:
    """Each line as it was sent, with two more members."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", errors="replace")

    def write(self, cells: list[str]) -> None:
        sent, status, reason = cells
        try:
            found = json.loads(sent)
        except ValueError:
            found = None
        members = cast(dict[str, object], found) if isinstance(found, dict) else {"line": sent}
        two_more = dict(zip(RETURNED, (status, reason), strict=True))
        self._file.write(json.dumps({**members, **two_more}, ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._file.close()


_WRITERS: Mapping[str, Callable[[Path], Writer]] = {"csv": _Csv, "xlsx": _Xlsx, "ndjson": _NdJson}

if __name__ == "__main__":
    main()
