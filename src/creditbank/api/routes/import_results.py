"""Verdicts of imports: as a list, as NDJSON, and in the sender's own file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, StreamingResponse
from pydantic_core import to_json

from creditbank.api import problems
from creditbank.api.answers.catalogue import Page
from creditbank.api.answers.imports import RowResult
from creditbank.api.body import StrictRoute
from creditbank.api.cursors import PageAsked
from creditbank.api.dependencies import bank_of
from creditbank.api.principals import Principal
from creditbank.api.senders import May, Sender, found_import, import_reader, importer_of
from creditbank.api.uploads import MEDIA_TYPES, NDJSON
from creditbank.imports import documents, returns
from creditbank.imports.intake import detail_of
from creditbank.imports.queries import ImportReader
from creditbank.ledger.imports import Import

router = APIRouter(prefix="/v1", tags=["Imports"], route_class=StrictRoute)

FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: {} for kind in MEDIA_TYPES.values()}, "description": "The file."},
    409: {"description": "The import has not ended."},
}
Verdict = Annotated[Literal["accepted", "refused"] | None, Query(description="Only these rows.")]
Format = Annotated[returns.Format | None, Query(description="Instead of the format of the file that was sent.")]


@router.get(
    "/imports/{import_id}/results",
    summary="Verdicts of the rows",
    response_model=Page[RowResult],
    responses={200: {"content": {NDJSON: {}}, "description": "A page, or all of them by Accept."}},
)
def list_results(
    request: Request,
    import_id: UUID,
    page: PageAsked,
    principal: Annotated[Principal, May],
    verdict: Verdict = None,
) -> Any:
    """In the order of the file, as far as they have been judged."""
    one, reader = found_import(request, import_id, principal), import_reader(request)
    begin = int(page.after[0]) + 1 if page.after else 0
    if NDJSON in request.headers.get("accept", ""):
        return StreamingResponse(_result_lines(reader, one, begin, verdict), media_type=NDJSON)
    found = reader.results_page(one, begin, verdict, page.limit + 1)
    rows, cursor = page.cut(found, lambda row: [row.number])
    return {"items": [documents.verdict(row) for row in rows], "next_cursor": cursor}


def _result_lines(reader: ImportReader, one: Import, begin: int, only: str | None) -> Iterator[bytes]:
    for row in reader.results(one, begin, only):
        yield to_json(documents.verdict(row)) + b"\n"


@router.get(
    "/imports/{import_id}/result-file", summary="The sender's file with the verdicts", response_class=FileResponse,
    responses=FILES,
)  # fmt: skip
def read_result_file(
    request: Request, import_id: UUID, principal: Annotated[Principal, Sender], format: Format = None
) -> FileResponse:
    """All rows as they were sent, with two more columns; in the language of the caller. Kept for some days."""
    return _file(request, import_id, principal, "result", format)


@router.get(
    "/imports/{import_id}/error-file", summary="The rows that were refused", response_class=FileResponse,
    responses=FILES,
)  # fmt: skip
def read_error_file(
    request: Request, import_id: UUID, principal: Annotated[Principal, Sender], format: Format = None
) -> FileResponse:
    """Only the refused rows, with the reasons: mend them there and send the same file again."""
    return _file(request, import_id, principal, "error", format)


def _file(
    request: Request, import_id: UUID, principal: Principal, kind: returns.Kind, wanted: returns.Format | None
) -> FileResponse:
    one = found_import(request, import_id, principal)
    format_ = returns.format_of(one, wanted)
    language = problems.language_of(request.scope)
    path = returns.file(bank_of(request).engine, one, importer_of(request).folder(import_id), kind, format_, language)
    name = (detail_of(one).name or "").rpartition(".")[0] or "import"
    return FileResponse(path, media_type=MEDIA_TYPES[format_], filename=f"{name}-{kind}.{format_}")
