"""CSV: RFC 4180 with whichever delimiter, in an encoding that is certain."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from creditbank.imports import columns
from creditbank.imports.encodings import Encoding, encoding_of
from creditbank.imports.tables import Line, Source, is_blank
from creditbank.imports.texts import Refused, Said

DELIMITERS = ",\t;|，"
LONGEST_FIELD = 128 * 1024
_LOOKED_AT = 20


def source(path: Path) -> Source:
    """Raises Refused, also while its lines are read."""
    encoding = encoding_of(path)
    delimiter = _delimiter(path, encoding)
    traits = {"encoding": encoding.codec.removesuffix("-sig"), "delimiter": delimiter}
    return Source(format="csv", lines=_lines(path, encoding, delimiter), traits=traits)


def _lines(path: Path, encoding: Encoding, delimiter: str) -> Iterator[Line]:
    csv.field_size_limit(LONGEST_FIELD)
    with path.open(encoding=encoding.codec, newline="") as text:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        first = 1
        try:
            for cells in reader:
                row, first = first, reader.line_num + 1
                if is_blank(cells):  # type: ignore[arg-type]  # cells of text are cells
                    continue
                doubtful = encoding.doubtful and not encoding.doubtful.isdisjoint(range(row, first))
                yield Line(row, list(cells), [Said("encoding_doubtful")] if doubtful else [])
        except csv.Error:
            raise Refused("csv_malformed", line=first) from None


def _delimiter(path: Path, encoding: Encoding) -> str:
    """The one that makes the most headers known; of equals the one that makes the most columns."""
    with path.open(encoding=encoding.codec, newline="") as text:
        head = [line[:LONGEST_FIELD] for line in islice(text, _LOOKED_AT)]

    def found(delimiter: str) -> tuple[int, int]:
        rows = [cells for cells in _leniently(head, delimiter) if cells]
        known = max((sum(columns.folded(cell) in columns.synonyms() for cell in cells) for cells in rows), default=0)
        return known, max((len(cells) for cells in rows), default=0)

    return max(DELIMITERS, key=found)


def _leniently(head: list[str], delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(head, delimiter=delimiter))
    except csv.Error:
        return []
