"""In which encoding a text is: what its mark says, else UTF-8 where all of it is, else GB18030 where all of it is.

Nothing is guessed from frequencies: a wrong guess turns names into other names without anybody noticing.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from creditbank.imports.texts import Refused

PIECE = 1024 * 1024
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_TWO_WIDE_SIGNS = re.compile(rb"([\xe3-\xef][\x80-\xbf]{2}.*){2}", re.DOTALL)

MIXED_FROM = 0.01
"""The share of lines in UTF-8, among those of a GB18030 text that are not ASCII, from which it is called mixed."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec, and the numbers of lines that are rather in another encoding."""

    codec: str
    doubtful: frozenset[int] = frozenset()


def encoding_of(path: Path) -> Encoding:
    """Raises Refused for a text that is in no encoding, or in two."""
    with path.open("rb") as source:
        head = source.read(4)
    for mark, codec in _MARKS:
        if head.startswith(mark):
            if not _decodes(path, codec):
                raise Refused("encoding_mixed", line=_first_unreadable(path, codec))
            return Encoding(codec)
    if _decodes(path, "utf-8"):
        return Encoding("utf-8")
    return _gb18030(path)


def _gb18030(path: Path) -> Encoding:
    foreign, others, first_foreign, unreadable = set(), 0, 0, 0
    for number, line in enumerate(_lines(path), start=1):
        if line.isascii():
            continue
        others += 1
        if _is(line, "utf-8") and _TWO_WIDE_SIGNS.search(line):
            foreign.add(number)
            first_foreign = first_foreign or number
        elif not _is(line, "gb18030"):
            unreadable = unreadable or number
    if foreign and (unreadable or len(foreign) > MIXED_FROM * others):
        turn = next((one for one in range(1, len(foreign) + 2) if one not in foreign), first_foreign)
        raise Refused("encoding_mixed", line=unreadable or max(turn, first_foreign))
    if unreadable or not _decodes(path, "gb18030"):
        raise Refused("encoding_unknown", line=unreadable or 1)
    return Encoding("gb18030", frozenset(foreign))


def _lines(path: Path) -> Iterator[bytes]:
    """Lines of bounded length: a line without end is looked at in pieces."""
    with path.open("rb") as source:
        while line := source.readline(PIECE):
            yield line


def _decodes(path: Path, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)("strict")
    with path.open("rb") as source:
        try:
            while piece := source.read(PIECE):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _first_unreadable(path: Path, codec: str) -> int:
    plain = "utf-8" if codec == "utf-8-sig" else codec
    return next((number for number, line in enumerate(_lines(path), start=1) if not _is(line, plain)), 1)


def _is(line: bytes, codec: str) -> bool:
    try:
        line.decode(codec)
    except UnicodeDecodeError:
        return False
    return True
