"""History: the events of one account, and the bank's feed as pages, as NDJSON or as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.sse import format_sse_event
from pydantic_core import to_json

from creditbank.api import streams
from creditbank.api.answers.accounts import Event, FeedEvent
from creditbank.api.answers.catalogue import Page
from creditbank.api.cursors import PageAsked
from creditbank.api.dependencies import bank_of, reader_of
from creditbank.api.looks import Looker, look
from creditbank.commands import documents
from creditbank.commands.bank import Bank
from creditbank.commands.sight import feed_page
from creditbank.domain import errors
from creditbank.domain.errors import Fault
from creditbank.ledger import codec, feed
from creditbank.ledger.accesses import WHOLE_BANK
from creditbank.ledger.feed import Cursor

router = APIRouter(prefix="/v1", tags=["History"])

NDJSON = "application/x-ndjson"
SSE = "text/event-stream"
PAGE = 500
POLL_SECONDS = 0.2
KEEP_ALIVE_POLLS = 75


@router.get("/accounts/{account_id}/events", response_model=Page[Event], summary="History of an account")
def read_history(
    request: Request, account_id: UUID, page: PageAsked, looker: Annotated[Looker, look("accounts:history", "history")]
) -> dict[str, Any]:
    """Oldest first. An issuer sees what concerns its certificates, an institution what concerns its dealings."""
    after = page.after[0] if page.after else 0
    seen = reader_of(request).history(account_id, looker.principal.viewer)
    looker.saw_from_thread(account_id)
    items, cursor = page.cut([item for item in seen if item.version > after], lambda item: [item.version])
    return {"items": [looker.shown(documents.event(item)) for item in items], "next_cursor": cursor}


@router.get(
    "/events",
    summary="Feed of the bank",
    response_model=Page[FeedEvent],
    responses={200: {"content": {NDJSON: {}, SSE: {}}, "description": "A page, or a stream by Accept."}},
)
async def read_feed(
    request: Request,
    looker: Annotated[Looker, look("accounts:history", "feed")],
    cursor: Annotated[str | None, Query(description="Go on behind this cursor; from the beginning without.")] = None,
    types: Annotated[str | None, Query(description="Only these event types, comma-separated.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    last_event_id: Annotated[str | None, Header(description="What a reconnecting reader saw last.")] = None,
) -> Response:
    """In order per partition. `next_cursor` is never null: a follower polls on, or keeps the stream open."""
    start, wanted = _cursor(last_event_id or cursor), _types(types)
    bank = bank_of(request)
    await looker.saw(WHOLE_BANK)
    accept = request.headers.get("accept", "")
    if SSE in accept:
        streams.require_room(request, looker.principal.credential)
        return StreamingResponse(_follow(request, bank, looker, start, wanted), media_type=SSE)
    if NDJSON in accept:
        return StreamingResponse(_lines(bank, looker, start, wanted), media_type=NDJSON)
    steps, reached = await run_in_threadpool(feed_page, bank, looker.principal.viewer, start, wanted, limit)
    items = [looker.shown(documents.feed_event(step)) for step in steps]
    return JSONResponse({"items": items, "next_cursor": reached.text()})


def _lines(bank: Bank, looker: Looker, cursor: Cursor, types: list[str]) -> Iterator[bytes]:
    """To the present end, a page at a time; no connection is held while the reader is slow."""
    while True:
        steps, reached = feed_page(bank, looker.principal.viewer, cursor, types, PAGE)
        looker.saw_from_thread(WHOLE_BANK)  # once more where it takes hours
        for step in steps:
            yield to_json(looker.shown(documents.feed_event(step))) + b"\n"
        if reached == cursor:
            return
        cursor = reached


async def _follow(
    request: Request, bank: Bank, looker: Looker, cursor: Cursor, types: list[str]
) -> AsyncIterator[bytes]:
    """For as long as the reader stays, its key is valid, and the server does not stop."""
    with streams.kept(request, looker.principal.credential):
        async for piece in _pieces(request, bank, looker, cursor, types):
            yield piece


async def _pieces(
    request: Request, bank: Bank, looker: Looker, cursor: Cursor, types: list[str]
) -> AsyncIterator[bytes]:
    idle = 0
    stopping: asyncio.Event = request.app.state.stopping
    while not stopping.is_set() and await streams.still_knows(request, "accounts:history"):
        steps, reached = await run_in_threadpool(feed_page, bank, looker.principal.viewer, cursor, types, PAGE)
        if steps:
            await looker.saw(WHOLE_BANK)
        for step in steps:
            body = to_json(looker.shown(documents.feed_event(step))).decode()
            yield format_sse_event(data_str=body, event=step.recorded.type, id=step.cursor.text())
        if reached != cursor:
            cursor, idle = reached, 0
            continue
        if idle % KEEP_ALIVE_POLLS == 0:
            yield format_sse_event(comment="keep-alive")
        idle += 1
        try:
            await asyncio.wait_for(stopping.wait(), POLL_SECONDS)
        except TimeoutError:
            continue


def _cursor(text: str | None) -> Cursor:
    if not text:
        return Cursor()
    try:
        return Cursor.of(text)
    except feed.NotACursor:
        raise errors.CursorInvalid() from None


def _types(text: str | None) -> list[str]:
    wanted = [name.strip() for name in (text or "").split(",") if name.strip()]
    if any(name not in codec.NAMES for name in wanted):
        detail = "There is no such event type."
        raise errors.Invalid(faults=[Fault(code="type_unknown", parameter="types", detail=detail)])
    return wanted
