"""NDJSON: one certificate a line, in the form in which the API takes it, or flat with any known header."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from creditbank.imports.tables import Line, Source
from creditbank.imports.texts import Said

LONGEST_LINE = 64 * 1024
DEPTH = 3


def source(path: Path) -> Source:
    return Source(format="ndjson", lines=_lines(path), traits={"encoding": "utf-8"})


def members(cell: Any) -> dict[str, Any]:
    """The members of a line's object, nested ones under names such as `holder.document.number`."""
    return dict(_flat(cell, "", DEPTH))


def _lines(path: Path) -> Iterator[Line]:
    """Each line holds one cell: its object. Lines that hold none are answered by what is wrong with them."""
    with path.open("rb") as text:
        row = 0
        while line := text.readline(LONGEST_LINE):
            row += 1
            if not line.endswith(b"\n") and len(line) == LONGEST_LINE:
                _skip(text)
                yield Line(row, [], [Said("line_malformed")])
            elif line.strip():
                yield _line(row, line)


def _line(row: int, line: bytes) -> Line:
    try:
        found = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return Line(row, [line.decode("utf-8", "replace").rstrip("\r\n")], [Said("line_malformed")])
    return Line(row, [found])  # type: ignore[list-item]  # taken apart by `members`


def _skip(text: Any) -> None:
    while (rest := text.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
        pass


def _flat(value: dict[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, dict) and depth > 1:
            yield from _flat(inner, f"{prefix}{name}.", depth - 1)
        else:
            yield f"{prefix}{name}", inner
