"""XLSX: the visible sheet with certificates. Runs only inside the limits of the reading process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from creditbank.imports import archives, headers
from creditbank.imports.cells import Cell
from creditbank.imports.dates import EPOCH_1900, EPOCH_1904
from creditbank.imports.headers import Mapping
from creditbank.imports.tables import Line, Source, is_blank
from creditbank.imports.texts import Refused

_LOOKED_AT = 40
"""Rows at the top of a sheet among which its header is looked for."""


def source(path: Path, wanted: str | None, mapping: Mapping) -> Source:
    """The sheet that was named, or the one visible sheet that has a header of certificates. Raises Refused."""
    archives.check(path)
    epoch = EPOCH_1904 if archives.counts_from_1904(path) else EPOCH_1900
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        sheets = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        visible = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
        chosen = _chosen(workbook, [sheet.name for sheet in sheets], visible, wanted, mapping)
    except PasswordError:
        raise Refused("password") from None
    except CalamineError:
        raise Refused("file_damaged") from None
    told = [{"name": name, "hidden": name not in visible, "used": name == chosen} for name in workbook.sheet_names]
    return Source(format="xlsx", lines=_lines(workbook, chosen), epoch=epoch, traits={"sheet": chosen, "sheets": told})


def _chosen(
    workbook: CalamineWorkbook, names: list[str], visible: list[str], wanted: str | None, mapping: Mapping
) -> str:
    if wanted is not None:
        if wanted not in names:
            raise Refused("sheet_unknown", sheets=", ".join(names))
        return wanted
    if len(visible) == 1:
        return visible[0]
    fitting = [name for name in visible if headers.find(_top(workbook, name), mapping) is not None]
    if len(fitting) > 1:
        raise Refused("sheets_several", sheets=", ".join(fitting))
    if not (fitting or visible):
        raise Refused("header_not_found")
    return (fitting or visible)[0]


def _top(workbook: CalamineWorkbook, name: str) -> list[list[Any]]:
    return workbook.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=_LOOKED_AT)


def _lines(workbook: CalamineWorkbook, name: str) -> Iterator[Line]:
    try:
        sheet = workbook.get_sheet_by_name(name)
        if sheet.start is None:
            return
        for row, cells in enumerate(sheet.iter_rows(), start=1):
            found: list[Cell] = [_true(cell) for cell in cells] if float in map(type, cells) else list(cells)
            if not is_blank(found):
                yield Line(row, found)
    except CalamineError:
        raise Refused("file_damaged") from None


def _true(cell: Cell) -> Cell:
    """Whole numbers as such: a workbook has no other numbers than floating ones."""
    return int(cell) if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15 else cell
