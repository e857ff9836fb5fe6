"""Questions about imports: which there are, how one stands, what was found in a file, what became of its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from creditbank.commands.bank import Bank
from creditbank.domain import errors
from creditbank.imports import documents, mappings, texts, verdicts
from creditbank.imports.intake import detail_of
from creditbank.imports.task import Folder
from creditbank.imports.verdicts import Verdict
from creditbank.ledger import imports
from creditbank.ledger.imports import Import
from creditbank.ledger.imports import Mapping as Stored


@dataclass(frozen=True, slots=True)
class ImportReader:
    """Answers whoever may see the imports of one organisation, or of all where `organisation` is None."""

    bank: Bank

    def page(self, organisation: str | None, before: UUID | None, limit: int) -> list[Import]:
        with self.bank.engine.connect() as connection, connection.begin():
            return imports.page(connection, organisation, before, limit)

    def find(self, import_id: UUID, organisation: str | None) -> Import:
        """Raises NotFound, also for an import of somebody else."""
        with self.bank.engine.connect() as connection, connection.begin():
            found = imports.find(connection, import_id)
        if found is None or organisation not in (None, found.organisation):
            raise errors.NotFound()
        return found

    def shown(self, one: Import) -> dict[str, Any]:
        return documents.imported(one, self.bank.clock())

    def results(self, one: Import, begin: int, only: str | None) -> Iterator[Verdict]:
        """From this number on, in the order of the file."""
        for verdict in verdicts.read(self.bank.engine, one.import_id, begin):
            if only is None or (only == "refused") == bool(verdict.faults):
                yield verdict

    def results_page(self, one: Import, begin: int, only: str | None, limit: int) -> list[Verdict]:
        return list(islice(self.results(one, begin, only), limit))

    def mappings(self, organisation: str, after: str, limit: int) -> list[Stored]:
        with self.bank.engine.connect() as connection, connection.begin():
            return imports.mappings(connection, organisation, after, limit)

    def mapping(self, mapping_id: UUID, organisation: str) -> dict[str, Any]:
        """Raises NotFound, also for a mapping of somebody else."""
        with self.bank.engine.connect() as connection, connection.begin():
            found = imports.mapping(connection, mapping_id, organisation)
        if found is None:
            raise errors.NotFound()
        return mappings.document(found)


def preview(one: Import, folder: Folder) -> dict[str, Any]:
    """What reading has found. Raises WrongState while it goes on, NotFound when the file has gone."""
    if detail_of(one).found is None:
        raise errors.WrongState("import", documents.state_of(one))
    found = folder.found()
    if found is None:
        raise errors.NotFound()
    problem = found["problem"]
    return {
        "import_id": str(one.import_id),
        **{name: found.get(name) for name in ("format", "encoding", "delimiter", "sheet", "header_row")},
        "sheets": found.get("sheets", []),
        **{name: found[name] for name in ("columns", "rows", "unfit", "preview")},
        "problem": None if problem is None else texts.refusal(problem["code"], problem["facts"]),
    }
