"""Answers about imports."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field


class Bilingual(BaseModel):
    en: str
    zh: str = Field(alias="zh-CN")


class Remark(BaseModel):
    """Something that is wrong: a stable code, a sentence, and what to do about it."""

    code: str
    text: Bilingual
    remedy: Bilingual


class RowFault(Remark):
    column: str | None = Field(description="The header of the column, as the file has it.")


class ImportedFile(BaseModel):
    name: str | None
    sha256: str
    bytes: int
    format: Literal["csv", "xlsx", "ndjson"] | None
    encoding: str | None
    sheet: str | None
    header_row: int | None


class Import(BaseModel):
    import_id: str
    organisation: str
    state: Literal["reading", "waiting", "importing", "finished", "cancelled", "refused"]
    dry_run: bool
    mode: Literal["partial", "atomic"]
    file: ImportedFile
    rows: int | None = Field(description="Null while the file is being read.")
    done: int
    accepted: int
    refused: int
    rows_per_second: int | None
    seconds_left: int | None
    created_at: str
    finished_at: str | None
    problem: Remark | None = Field(description="Why the file was refused, or the import stopped.")


class MappedColumn(BaseModel):
    header: str
    column: str | None
    confidence: float = Field(description="1: named exactly. 0: not read.")


class PreviewedRow(BaseModel):
    row: int
    cells: list[str]
    values: dict[str, Any]
    errors: list[RowFault]


class Sheet(BaseModel):
    name: str
    hidden: bool
    used: bool


class Preview(BaseModel):
    """What reading has found out, and the first rows as they were understood."""

    import_id: str
    format: str | None
    encoding: str | None
    delimiter: str | None
    sheet: str | None
    sheets: list[Sheet]
    header_row: int | None
    columns: list[MappedColumn]
    rows: int
    unfit: int = Field(description="Rows with faults of their own; the ledger has not been asked yet.")
    preview: list[PreviewedRow]
    problem: Remark | None


class RowResult(BaseModel):
    row: int = Field(description="The row in the file.")
    verdict: Literal["accepted", "refused"]
    certificate_id: str | None
    account_id: str | None
    errors: list[RowFault]


class ImportMapping(BaseModel):
    mapping_id: str
    organisation: str
    name: str
    columns: dict[str, str | None]
    constants: dict[str, str]
    created_at: str
