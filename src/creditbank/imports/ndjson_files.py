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
DEEPEST = 8
"""Nothing that a certificate may say lies so deep."""


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
        found = json.loads(line.decode("utf-8-sig"), parse_constant=_no_json)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not _is_shallow(found, DEEPEST):
        return Line(row, [line.decode("utf-8", "replace").rstrip("\r\n")], [Said("line_malformed")])
    return Line(row, [found])


def _no_json(constant: str) -> Any:
    """NaN and the infinities, which Python would take. Raises ValueError."""
    raise ValueError(constant)


def _is_shallow(value: Any, depth: int) -> bool:
    match value:
        case dict():
            return depth > 0 and all(_is_shallow(one, depth - 1) for one in value.values())
        case list():
            return depth > 0 and all(_is_shallow(one, depth - 1) for one in value)
        case _:
            return True


def _skip(text: Any) -> None:
    while (rest := text.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
        pass


def _flat(value: dict[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, dict) and depth > 1:
            yield from _flat(inner, f"{prefix}{name}.", depth - 1)
        else:
            yield f"{prefix}{name}", inner
