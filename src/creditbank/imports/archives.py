"""Whether a workbook may be opened at all: judged by the directory of the archive, before anything is unpacked."""

from __future__ import annotations

import re
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from creditbank.imports.texts import Refused

MOST_ENTRIES = 2_000
MOST_UNPACKED = 600 * 1024 * 1024
MOST_RATIO = 250
"""Of a whole archive; spreadsheets shrink to a tenth, blank rows to a hundredth."""

RATIO_MATTERS_FROM = 20 * 1024 * 1024
_WORKBOOK = "xl/workbook.xml"
_WORKBOOK_BYTES = 1024 * 1024
_DATE_1904 = re.compile(rb"""date1904\s*=\s*["'](1|true)["']""")


def check(path: Path) -> None:
    """Raises Refused for what is no workbook, or would unpack to something monstrous."""
    try:
        with ZipFile(path) as archive:
            entries = archive.infolist()
    except (BadZipFile, OSError, ValueError, NotImplementedError):
        raise Refused("file_damaged") from None
    names = {entry.filename for entry in entries}
    unpacked, packed = sum(entry.file_size for entry in entries), path.stat().st_size
    if len(entries) > MOST_ENTRIES or unpacked > MOST_UNPACKED or len(names) < len(entries):
        raise Refused("archive_unsound")
    if unpacked > RATIO_MATTERS_FROM and unpacked > MOST_RATIO * packed:
        raise Refused("archive_unsound")
    if sum(entry.compress_size for entry in entries) > packed:
        raise Refused("archive_unsound")  # entries that overlap
    if any(entry.flag_bits & 1 for entry in entries):
        raise Refused("password")
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise Refused("macros")
    if _WORKBOOK not in names:
        raise Refused("format_unknown")


def counts_from_1904(path: Path) -> bool:
    """Whether the days of the workbook are counted from 1904, as old Macintosh computers did."""
    try:
        with ZipFile(path) as archive, archive.open(_WORKBOOK) as workbook:
            return bool(_DATE_1904.search(workbook.read(_WORKBOOK_BYTES)))
    except (BadZipFile, OSError, EOFError):
        raise Refused("file_damaged") from None
