"""What every format is read as: rows of cells with their numbers in the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from creditbank.imports.cells import Cell
from creditbank.imports.dates import EPOCH_1900
from creditbank.imports.texts import Said

MOST_ROWS = 100_000
MOST_COLUMNS = 200
ATOMIC_ROWS = 5_000
"""What goes into one transaction where it is all or nothing, as in a batch."""


class Line(NamedTuple):
    """A row that is not blank. `faults` are those that the format itself has found."""

    row: int
    cells: list[Cell]
    faults: list[Said] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that has been identified. `traits` are what a preview tells about it."""

    format: str
    lines: Iterator[Line]
    epoch: date = EPOCH_1900
    traits: dict[str, Any] = field(default_factory=dict)


def is_blank(cells: list[Cell]) -> bool:
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in cells)
