"""Files of certificates as issuers send them, and what reading makes of them."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import xlsxwriter

from creditbank.imports import reading
from creditbank.imports.headers import Mapping as Headers
from creditbank.imports.lines import Row, row_of
from creditbank.imports.task import Folder, Task

HEADER = ("证书编号", "姓名", "身份证号", "证书名称", "等级", "发证日期")
IDENTITY = "11010519491231002X"
FIT = ("BIM-1", "王小明", IDENTITY, "BIM", "中级", "2026-07-01")
"""A row without any fault."""

NO_MAPPING = Headers()
Cells = Sequence[Any]


def row(number: str = "BIM-1", **changes: Any) -> list[Any]:
    """A fit row with some cells changed, by the header."""
    cells = {**dict(zip(HEADER, FIT, strict=True)), "证书编号": number}
    return list({**cells, **changes}.values())


def csv_bytes(*rows: Cells, encoding: str = "utf-8", delimiter: str = ",", header: Cells = HEADER) -> bytes:
    text = StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([header, *rows] if header else rows)
    return text.getvalue().encode(encoding)


def xlsx_bytes(
    *rows: Cells, header: Cells = HEADER, epoch_1904: bool = False, hidden: Mapping[str, Cells] | None = None
) -> bytes:
    """A workbook with one visible sheet. Dates become cells of dates; `hidden` are sheets of one row."""
    content = BytesIO()
    workbook = xlsxwriter.Workbook(content, {"in_memory": True, "date_1904": epoch_1904})
    day = workbook.add_format({"num_format": "yyyy-mm-dd"})
    sheet = workbook.add_worksheet("名单")
    for index, cells in enumerate([header, *rows] if header else rows):
        for column, cell in enumerate(cells):
            if isinstance(cell, date | datetime):
                sheet.write_datetime(index, column, cell, day)
            elif cell is not None:
                sheet.write(index, column, cell)
    for name, cells in (hidden or {}).items():
        other = workbook.add_worksheet(name)
        other.write_row(0, 0, cells)
        other.hide()
    workbook.close()
    return content.getvalue()


def ndjson_bytes(*objects: Any) -> bytes:
    return b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in objects)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found in a file."""

    findings: dict[str, Any]
    rows: list[Row]
    folder: Folder

    @property
    def problem(self) -> str | None:
        """The code for which the whole file was refused."""
        return self.findings["problem"] and self.findings["problem"]["code"]

    @property
    def values(self) -> list[dict[str, Any]]:
        return [dict(one.values) for one in self.rows]

    @property
    def codes(self) -> list[list[str]]:
        """What is wrong with each row."""
        return [[said.code for said in one.faults] for one in self.rows]

    @property
    def numbers(self) -> list[int]:
        """The rows in the file."""
        return [one.row for one in self.rows]


def folder_with(directory: Path, content: bytes, **said: Any) -> Folder:
    """The directory of an import that is about to be read."""
    directory.mkdir(parents=True, exist_ok=True)
    folder = Folder(directory)
    folder.source.write_bytes(content)
    folder.put_task(Task(names=["bimeval"], standards={"bim": "BIM", "建筑信息模型": "BIM"}, **said))
    return folder


def read(directory: Path, content: bytes, **said: Any) -> Reading:
    """Read a file in this process, without the limits of the one that is made for it."""
    folder = folder_with(directory, content, **said)
    reading.read(folder)
    return found_in(folder)


def found_in(folder: Folder) -> Reading:
    lines = folder.rows.read_bytes().splitlines() if folder.rows.exists() else []
    return Reading(dict(folder.found() or {}), [row_of(line) for line in lines], folder)
