"""Templates to download: the headers, with everything preset that goes wrong by hand."""

from __future__ import annotations

import csv
from functools import cache
from io import BytesIO, StringIO

import xlsxwriter  # type: ignore[import-untyped]

from creditbank.imports import columns
from creditbank.imports.columns import titles

FIELDS = (
    "number", "name", "document_type", "document_number", "standard", "level", "issued_on",
    "expires_on", "birth_date", "hours", "score", "score_scale", "site", "assessment_mode", "learner_group",
    "subsidised", "external_id", "guardian_consent",
)  # fmt: skip
NEEDED = 7
"""The first ones of these, which every row needs."""

ROWS = 100_000
_WITH_CHOICES = ("document_type", "assessment_mode", "learner_group", "subsidised", "guardian_consent")
_NOTES = (
    ("深色列必填；请勿修改表头，列的顺序可调整，不需要的列可删除。", "Dark columns are needed. Keep the headers."),
    ("所有单元格均为“文本”格式：证件号码、证书编号请勿存为数值。", "All cells are text: keep long numbers as text."),
    ("日期写成 2026-07-01。", "Write dates as 2026-07-01."),
    ("证书标准填写代码或名称，等级与标准一致。", "Standard: its code or title. Level: as the standard has it."),
)  # fmt: skip


@cache
def csv_file() -> bytes:
    """With a mark, so that Excel opens it as what it is."""
    text = StringIO(newline="")
    csv.writer(text).writerow([titles()[field] for field in FIELDS])
    return text.getvalue().encode("utf-8-sig")


@cache
def xlsx_file() -> bytes:
    """Text in every cell, lists of words where few are allowed, and a sheet of notes."""
    content = BytesIO()
    workbook = xlsxwriter.Workbook(content, {"in_memory": True})
    sheet, notes = workbook.add_worksheet("证书"), workbook.add_worksheet("说明")
    text = workbook.add_format({"num_format": "@"})
    needed = workbook.add_format({"bold": True, "bg_color": "#1f4e79", "font_color": "#ffffff", "num_format": "@"})
    optional = workbook.add_format({"bold": True, "bg_color": "#ddebf7", "num_format": "@"})
    sheet.set_column(0, len(FIELDS) - 1, 18, text)
    sheet.freeze_panes(1, 0)
    for index, field in enumerate(FIELDS):
        sheet.write_string(0, index, titles()[field], needed if index < NEEDED else optional)
        if words := _choices(field):
            sheet.data_validation(1, index, ROWS, index, {"validate": "list", "source": words, "ignore_blank": True})
    for row, (chinese, english) in enumerate(_NOTES):
        notes.write_string(row, 0, chinese)
        notes.write_string(row, 1, english)
    workbook.close()
    return content.getvalue()


def _choices(field: str) -> list[str]:
    return columns.choices(field) if field in _WITH_CHOICES else []
