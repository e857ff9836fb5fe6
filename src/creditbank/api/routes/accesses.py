"""Who looked: the record of every read of an account's data, for the learner whose they are."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request

from creditbank.api.answers.accesses import AccessRecord
from creditbank.api.answers.catalogue import Page
from creditbank.api.cursors import PageAsked
from creditbank.api.dependencies import bank_of
from creditbank.api.looks import Looker, look
from creditbank.commands import accesses
from creditbank.commands.accesses import AccessReader

router = APIRouter(prefix="/v1", tags=["Rights of the learner"])


@router.get("/accounts/{account_id}/accesses", response_model=Page[AccessRecord], summary="List who looked")
def list_accesses(
    request: Request, account_id: UUID, page: PageAsked, looker: Annotated[Looker, look("accesses:read", "accesses")]
) -> dict[str, Any]:
    """The newest first, also of accounts that were merged into this one. The learner's own looks are not recorded."""
    reader: AccessReader = request.app.state.who_looked
    before = (page.after[0], page.after[1], page.after[2]) if page.after else None
    found = reader.listed(account_id, looker.principal.viewer, before, page.limit + 1)
    items, cursor = page.cut(found, lambda one: one.place)
    looker.saw_from_thread(account_id)
    catalogue, masked = bank_of(request).catalogue(), looker.principal.reach == "masked"
    return {
        "items": [accesses.documented(one, catalogue, masked=masked) for one in items],
        "next_cursor": cursor,
    }
