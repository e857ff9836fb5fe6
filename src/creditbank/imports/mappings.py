"""Mappings that an organisation keeps: what the headers of its own files mean, and what holds for all of their rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import uuid_utils.compat as uuids
from pydantic_core import from_json, to_json

from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs
from creditbank.domain import errors
from creditbank.domain.instants import instant_text
from creditbank.imports import columns
from creditbank.imports.tables import MOST_COLUMNS
from creditbank.ledger import imports
from creditbank.ledger.imports import Mapping as Stored

_NEVER_CONSTANT = ("number", "name", "document_number", "account_id", "issuer", "birth_date", "external_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepMapping:
    """Keep a mapping under its name, in the place of an older one."""

    organisation: str
    name: str
    columns: Mapping[str, str | None]
    constants: Mapping[str, str]

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        check(self.columns, self.constants)
        new = Stored(
            mapping_id=uuids.uuid7(),
            organisation=self.organisation,
            name=self.name,
            created_at=draft.unit.now,
            content=to_json({"columns": self.columns, "constants": self.constants}),
        )
        draft.statements.append(lambda connection: imports.put_mapping(connection, new))
        return Answer(status=201, body=document(new))


@dataclass(frozen=True, slots=True, kw_only=True)
class DropMapping:
    mapping_id: UUID
    organisation: str

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        if imports.mapping(draft.unit.connection, self.mapping_id, self.organisation) is None:
            raise errors.NotFound()
        draft.statements.append(lambda connection: imports.drop_mapping(connection, self.mapping_id, self.organisation))
        return Answer(status=204, body={})


def document(one: Stored) -> dict[str, Any]:
    return {
        "mapping_id": str(one.mapping_id),
        "organisation": one.organisation,
        "name": one.name,
        **from_json(one.content),
        "created_at": instant_text(one.created_at),
    }


def check(named: Mapping[str, str | None], constants: Mapping[str, str]) -> None:
    """Raises Invalid for columns that there are not, and for values that cannot be the same in every row."""
    faults = [
        errors.Fault(code="column_unknown", pointer="/columns", detail=f"There is no column {column}.")
        for column in named.values()
        if column is not None and not columns.is_column(column)
    ]
    faults += [
        errors.Fault(code="column_unknown", pointer="/constants", detail=f"{column} cannot be the same in every row.")
        for column in constants
        if not columns.is_column(column) or column in _NEVER_CONSTANT
    ]
    if len(named) > MOST_COLUMNS:
        faults.append(errors.Fault(code="too_many", pointer="/columns", detail="Has too many items."))
    if faults:
        raise errors.Invalid(faults=faults)


def folded(named: Mapping[str, str | None]) -> dict[str, str | None]:
    """The headers as they are compared."""
    return {columns.folded(header): column for header, column in named.items()}
