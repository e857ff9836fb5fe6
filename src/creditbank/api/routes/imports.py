"""Imports: send a file, look at what was understood, start it, follow it, cancel it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from uuid import UUID

import uuid_utils.compat as uuids
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import ValidationError
from pydantic_core import from_json, to_json

from creditbank.api import conditions, streams, uploads
from creditbank.api.answers.catalogue import Page
from creditbank.api.answers.imports import Import as ImportAnswer
from creditbank.api.answers.imports import Preview
from creditbank.api.body import RAW_BODY, StrictRoute
from creditbank.api.cursors import PageAsked
from creditbank.api.dependencies import Writer, respond, write
from creditbank.api.faults import faults_of
from creditbank.api.principals import Principal
from creditbank.api.requests.imports import ImportOptions, MappingContent, StartBody
from creditbank.api.senders import May, Sender, found_import, import_reader, importer_of, keeping_of, owner_of
from creditbank.api.uploads import Upload
from creditbank.domain import errors
from creditbank.imports import mappings, queries
from creditbank.imports.intake import BeginImport, CancelImport, Detail, StartImport
from creditbank.vault.durable import make_folder

router = APIRouter(prefix="/v1", tags=["Imports"], route_class=StrictRoute)

SSE = "text/event-stream"
TICK_SECONDS = 0.25
BINARY = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
UPLOAD = {
    "required": True,
    "description": "The file itself, or a form with the part `file`; the options may be fields of that form.",
    "content": dict.fromkeys((*uploads.RAW_TYPES, uploads.FORM), BINARY),
}


@router.post(
    "/imports",
    status_code=202,
    response_model=ImportAnswer,
    summary="Send a file of certificates",
    openapi_extra={"requestBody": UPLOAD},
)
async def begin_import(
    request: Request,
    writer: Annotated[Writer, write("imports:write")],
    dry_run: Annotated[bool, Query(description="Judge every row and write nothing.")] = False,
    wait: Annotated[bool, Query(description="Read the file and wait for `/start`.")] = False,
    force: Annotated[bool, Query(description="Take bytes that were imported before.")] = False,
    mode: Annotated[Literal["partial", "atomic"], Query(description="`atomic`: up to 5,000 rows or none.")] = "partial",
    sheet: Annotated[str | None, Query(max_length=200, description="Of a workbook with several.")] = None,
    mapping_id: Annotated[UUID | None, Query(description="A mapping that was kept.")] = None,
    mapping: Annotated[str | None, Query(max_length=60_000, description="A mapping as JSON.")] = None,
) -> Response:
    """NDJSON, CSV (UTF-8, GB18030) or XLSX, up to 200 MB and 100,000 rows; read apart, awarded chunk by chunk.

    The file may be named in Content-Disposition. Bytes that were imported before are a conflict that names the
    former import. Follow the answer by `/events`, or ask again.
    """
    conditions.idempotency_key(writer.key)
    importer, import_id, organisation = importer_of(request), uuids.uuid7(), writer.principal.own_code
    asked = {
        "dry_run": dry_run, "wait": wait, "force": force, "mode": mode, "sheet": sheet, "mapping_id": mapping_id,
        "mapping": mapping,
    }  # fmt: skip
    folder = importer.folder(import_id)
    keeping, may_stand = keeping_of(request), False
    try:
        await run_in_threadpool(make_folder, folder.path)
        upload = await uploads.receive(request, folder.source)
        options = _options(asked | dict(upload.fields))
        detail = await run_in_threadpool(_detail, request, upload, options, organisation)
        request.scope[RAW_BODY] = upload.sha256 + to_json(options)
        begin = BeginImport(
            import_id=import_id,
            organisation=organisation,
            sha256=upload.sha256,
            detail=detail,
            forced=options.force,
            most=keeping.files,
            kept_microseconds=keeping.microseconds,
        )
        may_stand = True
        settled = await writer.ask(begin)
        taken = UUID(from_json(settled.body)["import_id"])
        if may_stand := taken == import_id:
            importer.begin(import_id, organisation)
        else:
            await run_in_threadpool(importer.receive_again, taken, folder.source)
        return respond(settled)
    except errors.BankError as refusal:
        # Where nobody knows whether it was taken, it stays: if it was, it goes on, and if not, it goes in an hour.
        may_stand = may_stand and isinstance(refusal, errors.Unavailable)
        raise
    finally:
        if not may_stand:
            await run_in_threadpool(shutil.rmtree, folder.path, ignore_errors=True)


def _options(asked: dict[str, Any]) -> ImportOptions:
    try:
        return ImportOptions.model_validate({name: value for name, value in asked.items() if value is not None})
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        located = [{"type": one["type"], "loc": ("query", *one["loc"])} for one in details]
        raise errors.Invalid(faults=faults_of(located, None)) from None


def _detail(request: Request, upload: Upload, options: ImportOptions, organisation: str) -> Detail:
    columns, constants = _mapping(request, options.mapping_id, options.mapping, organisation)
    return Detail(
        name=upload.name,
        bytes=upload.bytes,
        dry_run=options.dry_run,
        mode=options.mode,
        wait=options.wait,
        sheet=options.sheet,
        columns=columns,
        constants=constants,
    )


def _mapping(
    request: Request, mapping_id: UUID | None, inline: MappingContent | None, organisation: str
) -> tuple[dict[str, str | None], dict[str, str]]:
    """Folded headers and constants; what is said inline goes over what was kept. Raises NotFound or Invalid."""
    kept = import_reader(request).mapping(mapping_id, organisation) if mapping_id else {"columns": {}, "constants": {}}
    said = inline or MappingContent()
    columns, constants = kept["columns"] | said.columns, kept["constants"] | said.constants
    mappings.check(columns, constants)
    return mappings.folded(columns), constants


@router.get("/imports", response_model=Page[ImportAnswer], summary="List imports")
def list_imports(request: Request, page: PageAsked, principal: Annotated[Principal, May]) -> dict[str, Any]:
    """The newest first; an issuer sees its own."""
    before = UUID(page.after[0]) if page.after else None
    reader = import_reader(request)
    found, cursor = page.cut(reader.page(owner_of(principal), before, page.limit + 1), lambda one: [str(one.import_id)])
    return {"items": [reader.shown(one) for one in found], "next_cursor": cursor}


@router.get("/imports/{import_id}", response_model=ImportAnswer, summary="Read an import")
def read_import(request: Request, import_id: UUID, principal: Annotated[Principal, May]) -> dict[str, Any]:
    """How far it has come, how fast it goes, and why it was refused if it was."""
    return import_reader(request).shown(found_import(request, import_id, principal))


@router.get(
    "/imports/{import_id}/preview",
    response_model=Preview,
    summary="What was understood of a file",
    responses={409: {"description": "The file is being read."}},
)
def preview_import(request: Request, import_id: UUID, principal: Annotated[Principal, Sender]) -> dict[str, Any]:
    """Format, encoding, sheet, header row, what each column was taken for and how certainly, and the first rows."""
    return queries.preview(found_import(request, import_id, principal), importer_of(request).folder(import_id))


@router.post("/imports/{import_id}/start", response_model=ImportAnswer, summary="Start an import that waits")
async def start_import(
    request: Request, import_id: UUID, body: StartBody, writer: Annotated[Writer, write("imports:write")]
) -> Response:
    """After a look at the preview; with another mapping, the file is read anew by it."""
    organisation = writer.principal.own_code
    changes: dict[str, Any] = {
        name: getattr(body, name) for name in ("sheet", "mode", "dry_run") if getattr(body, name) is not None
    }
    if body.mapping_id or body.mapping:
        columns, constants = await run_in_threadpool(_mapping, request, body.mapping_id, body.mapping, organisation)
        changes |= {"columns": columns, "constants": constants}
    settled = await writer.ask(StartImport(import_id=import_id, organisation=organisation, changes=changes))
    if not settled.replayed:
        importer_of(request).begin(import_id, organisation)
    return respond(settled)


@router.post("/imports/{import_id}/cancellation", response_model=ImportAnswer, summary="Cancel an import")
async def cancel_import(
    request: Request, import_id: UUID, writer: Annotated[Writer, write("imports:cancel")]
) -> Response:
    """Stops after the chunk at hand. Certificates that were awarded stay; the rest of the rows are not attempted.

    The authority may stop any import; `problem` then says so.
    """
    answer = await writer.settle(CancelImport(import_id=import_id, organisation=owner_of(writer.principal)))
    importer_of(request).stop(import_id)
    return answer


@router.get(
    "/imports/{import_id}/events",
    summary="Follow an import",
    responses={200: {"content": {SSE: {}}, "description": "`progress` four times a second at most, then `end`."}},
)
async def follow_import(request: Request, import_id: UUID, principal: Annotated[Principal, May]) -> Response:
    """Server-sent events, each with the import as it stands; the stream ends with the import, or when it waits."""
    await run_in_threadpool(found_import, request, import_id, principal)
    streams.require_room(request, principal.credential)
    return StreamingResponse(_follow(request, import_id, principal), media_type=SSE)


async def _follow(request: Request, import_id: UUID, principal: Principal) -> AsyncIterator[bytes]:
    with streams.kept(request, principal.credential):
        async for piece in _pieces(request, import_id, principal):
            yield piece


async def _pieces(request: Request, import_id: UUID, principal: Principal) -> AsyncIterator[bytes]:
    stopping: asyncio.Event = request.app.state.stopping
    told = b""
    while not stopping.is_set() and await streams.still_knows(request, "imports:read"):
        one = await run_in_threadpool(found_import, request, import_id, principal)
        body = to_json(import_reader(request).shown(one))
        has_ended = one.state != "running"
        if body != told:
            told = body
            yield format_sse_event(data_str=body.decode(), event="end" if has_ended else "progress")
        if has_ended:
            return
        try:
            await asyncio.wait_for(stopping.wait(), TICK_SECONDS)
        except TimeoutError:
            continue
