"""Whose imports a caller sees: an issuer its own, the authority all of them; what was sent, its sender alone."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request

from creditbank.api.dependencies import bank_of, permit
from creditbank.api.principals import Principal
from creditbank.imports.keeping import Keeper, Keeping
from creditbank.imports.queries import ImportReader
from creditbank.imports.running import Importer
from creditbank.ledger.imports import Import

May = permit("imports:read")
Sender = permit("imports:write")
"""Personal data in clear, as they were sent, go back to their sender and to nobody else."""


def importer_of(request: Request) -> Importer:
    found: Importer = request.app.state.importer
    return found


def keeping_of(request: Request) -> Keeping:
    keeper: Keeper = request.app.state.keeper
    return keeper.keeping


def import_reader(request: Request) -> ImportReader:
    return ImportReader(bank_of(request))


def owner_of(principal: Principal) -> str | None:
    """Whose imports the principal sees; None for everybody's."""
    return None if principal.reach == "everything" else principal.own_code


def found_import(request: Request, import_id: UUID, principal: Principal) -> Import:
    return import_reader(request).find(import_id, owner_of(principal))
