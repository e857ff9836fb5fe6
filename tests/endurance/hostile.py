"""Hostile files at their full size, sent to a server whose memory is watched: answered or refused, and nothing lost."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil  # type: ignore[import-untyped]
import xlsxwriter  # type: ignore[import-untyped]

from tests.imports.files import csv_bytes, xlsx_bytes
from tests.imports.test_hostile_files import SHEET, TABLE, repacked, sheet_of

MEGABYTE = 1024 * 1024
MOST_MEMORY = 512 * MEGABYTE
LOOK_SECONDS = 0.02
PIECE = MEGABYTE
_FORM = ("证书编号", "姓名", "证件类型", "证件号码", "证书标准", "等级", "发证日期")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """A file, how it is made, and what has to come of it: the code of a refusal, or rows accepted and refused."""

    name: str
    make: Callable[[Path], None]
    problem: str | None = None
    accepted: int = 0
    refused: int = 0


@dataclass(slots=True)
class Watch:
    """The most memory that a server and its children held at once, in bytes."""

    most: int = 0


@contextmanager
def watched(pid: int) -> Iterator[Watch]:
    watch, over = Watch(), Event()
    server = psutil.Process(pid)

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            held = 0
            for process in (server, *server.children(recursive=True)):
                try:
                    held += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            watch.most = max(watch.most, held)

    looking = Thread(target=look, daemon=True)
    looking.start()
    try:
        yield watch
    finally:
        over.set()
        looking.join()


def send(address: str, token: str, path: Path) -> dict[str, Any]:
    """Send a file in pieces and follow its import to the end."""
    connection = HTTPConnection(address, timeout=600)
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/octet-stream",
        "Content-Length": str(path.stat().st_size),
        "Idempotency-Key": path.name,
    }
    with path.open("rb") as content:
        connection.request("POST", "/v1/imports", iter(lambda: content.read(PIECE), b""), headers)
        answer = connection.getresponse()
        begun = json.loads(answer.read())
    glance = Event()
    while True:
        if "import_id" not in begun or answer.status != 202:
            return dict(begun)
        connection.request("GET", f"/v1/imports/{begun['import_id']}", headers={"Authorization": f"Bearer {token}"})
        found = json.loads(connection.getresponse().read())
        if found["state"] not in ("reading", "importing"):
            return dict(found)
        glance.wait(0.1)


def findings(hostile: Hostile, found: dict[str, Any], watch: Watch) -> list[str]:
    """What is not as it should be."""
    told = []
    problem = found.get("code") or (found.get("problem") or {}).get("code")
    if problem != hostile.problem:
        told.append(f"{hostile.name}: {problem} instead of {hostile.problem}")
    if hostile.problem is None and (found["accepted"], found["refused"]) != (hostile.accepted, hostile.refused):
        told.append(f"{hostile.name}: {found['accepted']} accepted, {found['refused']} refused")
    if watch.most > MOST_MEMORY:
        told.append(f"{hostile.name}: {watch.most // MEGABYTE} MB")
    return told


def _row(prefix: str, number: int) -> list[str]:
    return [f"{prefix}{number:07}", "王小明", "LOCAL", f"HB-{prefix}{number:07}", "BIM", "中级", "2026-07-01"]


def _large_workbook(path: Path) -> None:
    workbook = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = workbook.add_worksheet()
    more = [f"备注{column}" for column in range(13)]
    sheet.write_row(0, 0, [*_FORM, *more])
    for number in range(100_000):
        sheet.write_row(number + 1, 0, [*_row("W", number), *(f"{number} {column}" for column in range(13))])
    workbook.close()


def _blank_rows(path: Path) -> None:
    blank = "".join(f'<row r="{one}"><c r="A{one}" s="0"/><c r="B{one}" s="0"/></row>' for one in range(3, 1_000_003))
    path.write_bytes(repacked(xlsx_bytes(), {SHEET: sheet_of(_table() + blank)}))


def _far_cell(path: Path) -> None:
    far = TABLE + '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>'
    path.write_bytes(repacked(xlsx_bytes(), {SHEET: sheet_of(far)}))


def _table() -> str:
    cells = "".join(
        f'<c r="{chr(65 + column)}1" t="inlineStr"><is><t>{cell}</t></is></c>' for column, cell in enumerate(_FORM)
    )
    values = "".join(
        f'<c r="{chr(65 + column)}2" t="inlineStr"><is><t>{cell}</t></is></c>'
        for column, cell in enumerate(_row("B", 1))
    )
    return f'<row r="1">{cells}</row><row r="2">{values}</row>'


def _bomb(path: Path) -> None:
    path.write_bytes(xlsx_bytes())
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/bomb.xml", "w") as bomb:
        for _ in range(500):
            bomb.write(b"0" * MEGABYTE)


def _many_strings(path: Path) -> None:
    """A table of shared strings that is small packed and large unpacked, and within the bounds of an archive."""
    strings = b"<sst>" + b"".join(b"<si><t>%d%s</t></si>" % (one, b"x" * 200) for one in range(2_000_000)) + b"</sst>"
    path.write_bytes(repacked(xlsx_bytes(), {"xl/sharedStrings.xml": strings}))


def _blank_lines(path: Path) -> None:
    with path.open("wb") as file:
        file.write(csv_bytes(_row("L", 1), header=_FORM))
        for _ in range(100):
            file.write(b",,,,,,\r\n" * 100_000)
        file.write(csv_bytes(_row("L", 2), header=()))


def _open_quote(path: Path) -> None:
    with path.open("wb") as file:
        file.write(csv_bytes(_row("Q", 1), header=_FORM) + b'"')
        for _ in range(199):
            file.write(b"x,\n" * (MEGABYTE // 3))


def _one_line(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b'{"number": "')
        for _ in range(199):
            file.write(b"x" * MEGABYTE)


def _two_encodings(path: Path) -> None:
    with path.open("wb") as file:
        file.write(csv_bytes(header=_FORM))
        for number in range(0, 90_000, 1000):
            file.write(csv_bytes(*(_row("E", number + one) for one in range(1000)), header=()))
        file.write(csv_bytes(_row("E", 99_999), header=(), encoding="gb18030"))


def _faults(path: Path) -> None:
    """100,000 rows, each with every fault that a row can have."""
    row = ["=A1", "\ue001", "?", "1.1E+17", "NONE", "\ufffd", "7/1/2026"]
    path.write_bytes(csv_bytes(*[row] * 100_000, header=_FORM))


def _too_large(path: Path) -> None:
    with path.open("wb") as file:
        for _ in range(202):
            file.write(b"x" * MEGABYTE)


FILES = (
    Hostile(name="100,000 x 20 cells", make=_large_workbook, accepted=100_000),
    Hostile(name="a million blank rows", make=_blank_rows, accepted=1),
    Hostile(name="ten million blank lines", make=_blank_lines, accepted=2),
    Hostile(name="a cell at the far corner", make=_far_cell, problem="too_demanding"),
    Hostile(name="zip bomb", make=_bomb, problem="archive_unsound"),
    Hostile(name="a million strings", make=_many_strings, problem="too_demanding"),
    Hostile(name="a quote that is never closed", make=_open_quote, problem="csv_malformed"),
    Hostile(name="one line of 199 MB", make=_one_line, refused=1),
    Hostile(name="two encodings", make=_two_encodings, problem="encoding_mixed"),
    Hostile(name="faults in every cell", make=_faults, refused=100_000),
    Hostile(name="202 MB", make=_too_large, problem="body_too_large"),
)
