"""The public log: static files that anybody may read, and the proof of an event for those who may see it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import PlainTextResponse

from creditbank.api.dependencies import reader_of
from creditbank.api.looks import Looker, look
from creditbank.audit.proofs import Prover
from creditbank.audit.transparency import tiles
from creditbank.audit.transparency.shelf import CHECKPOINT, KEYS, Shelf
from creditbank.commands import documents
from creditbank.domain import errors
from creditbank.ledger import codec

router = APIRouter(tags=["Public log"])

OCTETS = "application/octet-stream"
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "Access-Control-Allow-Origin": "*"}
_FOR_A_MOMENT = {"Cache-Control": "public, max-age=1", "Access-Control-Allow-Origin": "*"}
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {"content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get(f"/log/v1/{CHECKPOINT}", response_class=PlainTextResponse, summary="Latest signed checkpoint")
def read_checkpoint(request: Request) -> Response:
    """Origin, size and root of the log, signed (c2sp.org/tlog-checkpoint)."""
    return _text(request, CHECKPOINT)


@router.get(f"/log/v1/{KEYS}", response_class=PlainTextResponse, summary="Verifier keys of the log")
def read_verifier_keys(request: Request) -> Response:
    """For convenience: get the keys from whom you trust, and compare."""
    return _text(request, KEYS)


@router.get("/log/v1/tile/{path:path}", response_class=Response, responses=_BYTES, summary="Tile or bundle of entries")
def read_tile(
    request: Request, path: Annotated[str, Path(max_length=64, examples=["0/000.p/7", "entries/x001/234"])]
) -> Response:
    """Hashes by level and index, or entries, as c2sp.org/tlog-tiles has them; never changes."""
    shelf: Shelf = request.app.state.prover.shelf
    try:
        content = shelf.read(tiles.tile_at(f"tile/{path}"))
    except (ValueError, FileNotFoundError):
        raise errors.NotFound() from None
    return Response(content, media_type=OCTETS, headers=_FOR_EVER)


def _text(request: Request, name: str) -> Response:
    shelf: Shelf = request.app.state.prover.shelf
    text = shelf.text(name)
    if text is None:
        raise errors.NotFound()
    return PlainTextResponse(text, headers=_FOR_A_MOMENT)


@router.get(
    "/v1/events/{position}/proof",
    response_class=PlainTextResponse,
    summary="Proof that an event stands in the log",
    responses={202: {"description": "No checkpoint covers it yet: ask again."}},
)
def read_proof(
    request: Request,
    position: Annotated[str, Path(pattern=r"^[0-9]{1,2}:[1-9][0-9]{0,17}$", examples=["17:1042"])],
    looker: Annotated[Looker, look("accounts:history", "history")],
) -> Response:
    """A c2sp.org/tlog-proof, whose extra line carries the record and the salt of the event's entry."""
    partition, _, number = position.partition(":")
    seen = reader_of(request).event(int(partition), int(number), looker.principal.viewer)
    document = documents.event(seen)
    if looker.shown(document) != document:
        raise errors.Forbidden()  # a proof carries the record as it is: what is masked cannot be proven
    if codec.stream_kind(seen.type) == "account":
        looker.saw_from_thread(seen.stream_id)
    prover: Prover = request.app.state.prover
    proof = prover.event(seen.stream_id, seen.version)
    if proof is None:
        return Response(status_code=202, headers={"Retry-After": "1"})
    return PlainTextResponse(proof)
