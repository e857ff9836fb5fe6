"""What helps with files: templates to fill in, and mappings that an issuer keeps for headers of its own."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from creditbank.api.answers.catalogue import Page
from creditbank.api.answers.imports import ImportMapping
from creditbank.api.body import StrictRoute
from creditbank.api.cursors import PageAsked
from creditbank.api.dependencies import Writer, write
from creditbank.api.principals import Principal
from creditbank.api.requests.imports import MappingBody
from creditbank.api.senders import May, Sender, import_reader
from creditbank.api.uploads import MEDIA_TYPES
from creditbank.imports import mappings, templates

router = APIRouter(prefix="/v1", tags=["Imports"], route_class=StrictRoute)


def _template(format_: str) -> dict[str, Any]:
    """How the route of a template is described."""
    content = {"content": {MEDIA_TYPES[format_]: {}}, "description": "The file."}
    return {"response_class": Response, "responses": {200: content}}


@router.get("/import-templates/csv", summary="A template to fill in, as CSV", **_template("csv"))
def read_csv_template(_: Annotated[Principal, May]) -> Response:
    """All columns, with the mark that spreadsheets look for."""
    return _attached(templates.csv_file(), "csv")


@router.get("/import-templates/xlsx", summary="A template to fill in, as XLSX", **_template("xlsx"))
def read_xlsx_template(_: Annotated[Principal, May]) -> Response:
    """All columns, with text cells, and lists where few values are allowed."""
    return _attached(templates.xlsx_file(), "xlsx")


def _attached(content: bytes, format_: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="certificates.{format_}"'}
    return Response(content, media_type=MEDIA_TYPES[format_], headers=headers)


@router.post("/import-mappings", status_code=201, response_model=ImportMapping, summary="Keep a mapping")
async def keep_mapping(body: MappingBody, writer: Annotated[Writer, write("imports:write")]) -> Response:
    """What the headers of an issuer's own files mean; under the name of an older one, it takes its place."""
    return await writer.settle(
        mappings.KeepMapping(
            organisation=writer.principal.own_code, name=body.name, columns=body.columns, constants=body.constants
        )
    )


@router.get("/import-mappings", response_model=Page[ImportMapping], summary="List mappings")
def list_mappings(request: Request, page: PageAsked, principal: Annotated[Principal, Sender]) -> dict[str, Any]:
    """One's own, in the order of their names."""
    after = page.after[0] if page.after else ""
    found, cursor = page.cut(
        import_reader(request).mappings(principal.own_code, after, page.limit + 1), lambda one: [one.name]
    )
    return {"items": [mappings.document(one) for one in found], "next_cursor": cursor}


@router.get("/import-mappings/{mapping_id}", response_model=ImportMapping, summary="Read a mapping")
def read_mapping(request: Request, mapping_id: UUID, principal: Annotated[Principal, Sender]) -> dict[str, Any]:
    """As it was kept."""
    return import_reader(request).mapping(mapping_id, principal.own_code)


@router.delete("/import-mappings/{mapping_id}", status_code=204, summary="Drop a mapping")
async def drop_mapping(mapping_id: UUID, writer: Annotated[Writer, write("imports:write")]) -> Response:
    """Imports that were begun with it go on by what it said."""
    return await writer.settle_without_key(
        mappings.DropMapping(mapping_id=mapping_id, organisation=writer.principal.own_code)
    )
