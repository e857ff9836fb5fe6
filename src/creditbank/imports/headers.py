"""Finds the header among the first rows of a table, also one of two rows, and says what each column is."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from creditbank.imports import columns
from creditbank.imports.cells import shown
from creditbank.imports.task import RETURNED_HEADERS

LOOKED_AT = 30
LEAST = 2
"""So many known columns make a header."""

CERTAIN, WITHOUT_NOTES, LIKELY = 1.0, 0.95, 0.6
_SHORTEST_LIKENESS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """What an issuer says about its own files: folded headers and their columns (None: not to be read), and values
    that hold for every row without one."""

    columns: Dictionary[str, str | None] = field(default_factory=dict)
    constants: Dictionary[str, str] = field(default_factory=dict)


class Named(NamedTuple):
    """A column of the file: its header, which column it is taken for, and how certain that is, from 0 to 1."""

    header: str
    column: str | None
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """`index` is that of the row in which the header begins; it is `height` rows high."""

    index: int
    height: int
    named: tuple[Named, ...]

    @property
    def known(self) -> int:
        return sum(one.column is not None for one in self.named)


def find(top: Sequence[Sequence[Any]], mapping: Mapping) -> Header | None:
    """The header with the most known columns; of equals the first, and the one of fewer rows."""
    best: Header | None = None
    for index, row in enumerate(top[:LOOKED_AT]):
        for header in (_single(index, row, mapping), _double(index, top, mapping)):
            if header is not None and header.known >= LEAST and (best is None or header.known > best.known):
                best = header
    if best is None:
        return None
    below = best.index + best.height
    if below < len(top) and _repeats(top[below], best, mapping):
        return Header(index=best.index, height=best.height + 1, named=best.named)
    return best


def named(header: str, mapping: Mapping) -> Named:
    """What a header names, by the issuer's own mapping first."""
    folded = columns.folded(header)
    if folded in mapping.columns:
        return Named(header, mapping.columns[folded], CERTAIN)
    known = columns.synonyms()
    if header.startswith(columns.OWN_FIELD) and columns.is_column(header):
        return Named(header, header, CERTAIN)
    if folded in known:
        return Named(header, known[folded], CERTAIN)
    if (bare := columns.folded(columns.without_notes(header))) in known:
        return Named(header, known[bare], WITHOUT_NOTES)
    # What a header is about stands at its end: 考生身份证号码 is a number, 发证机构电话 is no organisation.
    ends = [word for word in known if len(word) > _SHORTEST_LIKENESS and not word.isascii() and bare.endswith(word)]
    return Named(header, known[max(ends, key=len)], LIKELY) if ends else Named(header, None, 0.0)


def guessed(row: Sequence[Any], mapping: Mapping) -> tuple[Named, ...]:
    """What the first row would say if it were a header: shown to whoever has to map it."""
    return tuple(named(_clean(cell), mapping) for cell in row[:LOOKED_AT])


def width(header: Header) -> int:
    """How many cells a row may have. A sheet is as wide as its widest row; where a file of ours comes back, whatever
    stands behind its two columns is what the row had too many."""
    told = [one.header for one in header.named]
    while told and not told[-1]:
        told.pop()
    return len(told) if tuple(told[-2:]) in RETURNED_HEADERS.values() else len(header.named)


def is_header(cells: Sequence[Any], header: Header) -> bool:
    """Whether a row further down is the header once more, as in tables that were pasted together."""
    first = next(index for index, one in enumerate(header.named) if one.column is not None)
    if first >= len(cells) or _unlike(cells[first], header.named[first].header):
        return False  # nearly always, and looked at for every row
    pairs = zip(cells, header.named, strict=False)
    return sum(one.column is not None and not _unlike(cell, one.header) for cell, one in pairs) >= LEAST


def _unlike(cell: Any, header: str) -> bool:
    return not isinstance(cell, str) or (cell != header and _clean(cell) != header)


def _single(index: int, row: Sequence[Any], mapping: Mapping) -> Header | None:
    return Header(index=index, height=1, named=_settled([named(_clean(cell), mapping) for cell in row]))


def _double(index: int, top: Sequence[Sequence[Any]], mapping: Mapping) -> Header | None:
    """Groups over columns, whose merged cells hold their text at the left only; or cells merged downwards."""
    if index + 1 >= len(top):
        return None
    upper, lower = [_clean(cell) for cell in top[index]], [_clean(cell) for cell in top[index + 1]]
    width = max(len(upper), len(lower))
    upper += [""] * (width - len(upper))
    lower += [""] * (width - len(lower))
    found: list[Named] = []
    group = ""
    for above, below in zip(upper, lower, strict=True):
        group = above or (group if below else "")
        found.append(_of_two(group, below, mapping))
    return Header(index=index, height=2, named=_settled(found))


def _of_two(group: str, below: str, mapping: Mapping) -> Named:
    if not below:
        return named(group, mapping)
    alone, together = named(below, mapping), named(f"{group}{below}", mapping)
    return together if together.column and together.confidence >= max(alone.confidence, WITHOUT_NOTES) else alone


def _settled(found: list[Named]) -> tuple[Named, ...]:
    """Where two columns claim to be the same, the more certain one is; equals stay, and are told as a fault."""
    best: dict[str, float] = {}
    for one in found:
        if one.column:
            best[one.column] = max(best.get(one.column, 0.0), one.confidence)
    return tuple(
        Named(one.header, None, 0.0) if one.column and one.confidence < best[one.column] else one for one in found
    )


def _repeats(row: Sequence[Any], header: Header, mapping: Mapping) -> bool:
    """Whether the row under the header is the header in another language."""
    again = [named(_clean(cell), mapping).column for cell in row]
    same = sum(column is not None and column == one.column for column, one in zip(again, header.named, strict=False))
    return same >= LEAST and same * 2 >= header.known


def _clean(cell: Any) -> str:
    return " ".join(shown(cell).split())[:200]
