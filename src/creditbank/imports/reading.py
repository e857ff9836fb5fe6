"""`python -m creditbank.imports.reading DIRECTORY`: reads a file that was sent, within limits, with no key at hand.

Leaves the rows, each with what could be read and what is wrong with it, and the findings about the whole.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from pydantic_core import PydanticSerializationError, to_json

from creditbank.imports import columns, csv_files, headers, limits, ndjson_files, texts, xlsx_files
from creditbank.imports.cells import Cell, shown, well_formed
from creditbank.imports.headers import Header, Mapping, Named
from creditbank.imports.rows import Column, Judge, Sender, Values
from creditbank.imports.tables import ATOMIC_ROWS, MOST_COLUMNS, MOST_ROWS, Line, Source, is_blank
from creditbank.imports.task import RETURNED, Folder, Task
from creditbank.imports.texts import Refused, Said
from creditbank.vault.durable import is_disk_full, sync_file, sync_folder

PREVIEWED = 10
_PERSON = ("name", "document_number")
_OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def main() -> None:
    limits.take()
    folder = Folder(Path(sys.argv[1]))
    try:
        read(folder)
    except MemoryError:
        sys.exit(limits.OUT_OF_MEMORY)
    except OSError as error:
        sys.exit(limits.OUT_OF_ROOM if is_disk_full(error) else 1)


def read(folder: Folder) -> None:
    """Read the file of this directory by the task that lies in it."""
    findings = _Findings()
    try:
        _read(folder, folder.get_task(), findings)
    except Refused as refused:
        findings.problem = {"code": refused.code, "facts": refused.facts}
    unfinished = folder.findings.with_suffix(".part")
    with unfinished.open("wb") as file:
        file.write(_json(findings.document()))
        sync_file(file)
    unfinished.replace(folder.findings)
    sync_folder(folder.path)


@dataclass(slots=True)
class _Findings:
    """What is known about the whole file, as far as reading has come."""

    source: Source | None = None
    header: Header | None = None
    header_row: int = 0
    above: int = 0
    rows: int = 0
    unfit: int = 0
    preview: list[dict[str, Any]] = field(default_factory=list)
    columns: Sequence[Named] = ()
    problem: dict[str, Any] | None = None

    def document(self) -> dict[str, Any]:
        return {
            "format": self.source and self.source.format,
            **(self.source.traits if self.source else {}),
            "header_row": self.header_row or None,
            "above": self.above,
            "columns": [{"header": one[0], "column": one[1], "confidence": one[2]} for one in self.columns],
            "rows": self.rows,
            "unfit": self.unfit,
            "preview": self.preview,
            "problem": self.problem,
        }


@dataclass(slots=True)
class _Output:
    """Where rows go, as they come."""

    rows: IO[bytes]
    cells: IO[bytes]
    findings: _Findings

    def above(self, cells: Sequence[Cell]) -> None:
        """A row over the first certificate."""
        self.findings.above += 1
        self._keep([shown(cell) for cell in cells])

    def row(self, line: Line, values: Values, faults: list[Said]) -> None:
        findings = self.findings
        findings.rows += 1
        if findings.rows > MOST_ROWS:
            raise Refused("too_many_rows", most=MOST_ROWS)
        cells = [cell if type(cell) is str else _shown(cell) for cell in line.cells]
        self._keep(cells)
        self.rows.write(_json([line.row, values, [[said.code, said.column, said.facts] for said in faults]]))
        findings.unfit += bool(faults)
        if len(findings.preview) < PREVIEWED:
            errors = [texts.fault(said) for said in faults]
            findings.preview.append({"row": line.row, "cells": cells, "values": values, "errors": errors})

    def _keep(self, cells: list[str]) -> None:
        self.cells.write(_json(cells))


def _json(content: Any) -> bytes:
    try:
        return to_json(content) + b"\n"
    except PydanticSerializationError:
        # A half of a surrogate pair, which a JSON text may hold, is no character of any encoding.
        return json.dumps(content).encode() + b"\n"


def _shown(cell: Any) -> str:
    return well_formed(json.dumps(cell, ensure_ascii=False)) if isinstance(cell, dict | list) else shown(cell)


def _read(folder: Folder, task: Task, findings: _Findings) -> None:
    mapping = Mapping(columns=task.columns, constants=task.constants)
    findings.source = source = _source(folder.source, task, mapping)
    judge = Judge(
        sender=Sender(names=frozenset(task.names), standards=task.standards),
        constants=task.constants,
        epoch=source.epoch,
    )
    with folder.rows.open("wb") as rows, folder.cells.open("wb") as cells:
        output = _Output(rows, cells, findings)
        if source.format == "ndjson":
            _read_members(source, judge, mapping, output)
        else:
            _read_table(source, judge, mapping, output)
        for written in (rows, cells):
            sync_file(written)
    if not findings.rows:
        raise Refused("no_rows")
    if task.atomic and findings.rows > ATOMIC_ROWS:
        raise Refused("too_many_for_atomic", most=ATOMIC_ROWS)


def _source(path: Path, task: Task, mapping: Mapping) -> Source:
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip(b"\x00\xef\xbb\xbf \t\r\n"):
        raise Refused("empty_file")
    if head.startswith(b"PK\x03\x04"):
        return xlsx_files.source(path, task.sheet, mapping)
    if head.startswith(_OLD_EXCEL):
        # A protected workbook comes in the old container too.
        raise Refused("password" if b"E\0n\0c\0r\0y\0p\0t" in path.read_bytes() else "format_old")
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused("format_unknown")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return ndjson_files.source(path)
    return csv_files.source(path)


def _read_table(source: Source, judge: Judge, mapping: Mapping, output: _Output) -> None:
    with closing(source.lines) as lines:  # type: ignore[type-var]  # the lines are made by generators
        top = list(islice(lines, headers.LOOKED_AT))
        header = headers.find([line.cells for line in top], mapping)
        if header is None:
            output.findings.columns = headers.guessed(top[0].cells, mapping) if top else ()
            raise Refused("header_not_found")
        findings = output.findings
        findings.columns, findings.header_row = header.named, top[header.index].row
        begin = header.index + header.height
        for line in top[:begin]:
            output.above(line.cells)
        _check_columns(header.named, judge)
        width = headers.width(header)
        read = [judge.column(one.header, one.column) if one.column else None for one in header.named]
        for line in chain(top[begin:], lines):
            faults = [*line.faults, *_shape(line, header, width)]
            if any(said.code == "header_repeated" for said in faults):
                output.row(line, {}, faults)
                continue
            values, found = judge.judge(line.row, _pairs(read, line.cells))
            output.row(line, values, [*faults, *found])


def _pairs(read: Sequence[Column | None], cells: list[Cell]) -> Iterator[tuple[Column, Cell]]:
    return ((column, cell) for column, cell in zip(read, cells, strict=False) if column is not None)


def _shape(line: Line, header: Header, width: int) -> list[Said]:
    if len(header.named) > MOST_COLUMNS or len(line.cells) > 10 * MOST_COLUMNS:
        raise Refused("too_many_columns", most=MOST_COLUMNS)
    if len(line.cells) > width and not is_blank(line.cells[width:]):
        return [Said("too_many_cells")]
    return [Said("header_repeated")] if headers.is_header(line.cells, header) else []


def _check_columns(named: Sequence[Named], judge: Judge) -> None:
    present = [one.column for one in named if one.column]
    if repeated := sorted({one for one in present if present.count(one) > 1}):
        raise Refused("columns_repeated", columns=_titles(repeated))
    given = {*present, *judge.constants}
    wanted = columns.REQUIRED if "account_id" in given else (*columns.REQUIRED, *_PERSON)
    if missing := [one for one in wanted if one not in given]:
        raise Refused("columns_missing", columns=_titles(missing))


def _titles(names: Sequence[str]) -> str:
    return ", ".join(columns.titles().get(name, name) for name in names)


def _read_members(source: Source, judge: Judge, mapping: Mapping, output: _Output) -> None:
    known: dict[str, Column | None] = {}
    told: list[Named] = []
    for line in source.lines:
        if line.faults:
            output.row(line, {}, line.faults)
            continue
        pairs: list[tuple[Column, Cell]] = []
        faults: list[Said] = []
        for member, cell in ndjson_files.members(line.cells[0]).items():
            if (name := well_formed(member)) in RETURNED:
                continue
            if name not in known and len(known) < MOST_COLUMNS:
                one = _member(name, mapping)
                told.append(one)
                known[name] = judge.column(name, one.column) if one.column else None
            if (column := known.get(name)) is not None:
                pairs.append((column, cell))
            elif mapping.columns.get(columns.folded(name), "") is not None:
                faults.append(Said("member_unknown", name[:64]))
        values, found = judge.judge(line.row, pairs)
        output.row(line, values, [*faults, *found])
    output.findings.columns = told


def _member(name: str, mapping: Mapping) -> Named:
    """Names of members are exact: nothing that is merely alike is taken for known."""
    if name == "evidence":
        return Named(name, "evidence", headers.CERTAIN)
    one = headers.named(name, mapping)
    return one if one.confidence == headers.CERTAIN else Named(name, None, 0.0)


if __name__ == "__main__":
    main()
