"""Hostile files: refused for a reason or read row by row, in bounded memory and time."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path
from threading import Event

import pytest

from creditbank.imports import archives, encodings, limits, sandbox
from creditbank.imports.encodings import encoding_of
from creditbank.imports.texts import Refused
from tests.imports.files import FIT, HEADER, csv_bytes, folder_with, found_in, read, row, xlsx_bytes


def repacked(content: bytes, replace: dict[str, bytes]) -> bytes:
    """A workbook with some of its parts replaced or added."""
    changed = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as sound, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sound.namelist():
            if name not in replace:
                archive.writestr(name, sound.read(name))
        for name, part in replace.items():
            archive.writestr(name, part)
    return changed.getvalue()


def sheet_of(rows: str) -> bytes:
    return (
        '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"<sheetData>{rows}</sheetData></worksheet>"
    ).encode()


def cells_of(number: int, cells: tuple[str, ...]) -> str:
    inner = "".join(
        f'<c r="{chr(65 + column)}{number}" t="inlineStr"><is><t>{cell}</t></is></c>'
        for column, cell in enumerate(cells)
    )
    return f'<row r="{number}">{inner}</row>'


SHEET = "xl/worksheets/sheet1.xml"
TABLE = cells_of(1, HEADER) + cells_of(2, FIT)


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"xl/bomb.xml": b"0" * 40_000_000}, "archive_unsound"),
        ({"xl/vbaProject.bin": b"x"}, "macros"),
        ({f"xl/{one}.xml": b"" for one in range(archives.MOST_ENTRIES + 1)}, "archive_unsound"),
        ({SHEET: b"<worksheet"}, "file_damaged"),
    ],
)
def test_an_unsound_workbook_is_refused(tmp_path: Path, parts: dict[str, bytes], problem: str) -> None:
    assert read(tmp_path, repacked(xlsx_bytes(FIT), parts)).problem == problem


def test_what_an_archive_says_about_itself_is_not_unpacked_to_be_believed(tmp_path: Path) -> None:
    workbook = bytearray(repacked(xlsx_bytes(FIT), {"xl/large.xml": b"0" * 1000}))
    place = workbook.rindex(b"xl/large.xml") - 22
    workbook[place : place + 4] = (700 * 1024 * 1024).to_bytes(4, "little")
    assert read(tmp_path, bytes(workbook)).problem == "archive_unsound"


def test_an_archive_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    assert read(tmp_path, content.getvalue()).problem == "format_unknown"


def test_entities_of_an_xml_are_not_unfolded(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY a{one} "{f"&a{one - 1};" * 10}">' for one in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">{entities}]>'.encode()
    bomb += sheet_of(TABLE + '<row r="3"><c r="A3" t="inlineStr"><is><t>&a9;</t></is></c></row>')[21:]
    found = read(tmp_path, repacked(xlsx_bytes(FIT), {SHEET: bomb}))
    assert found.problem == "file_damaged" or all(len(str(one.get("number"))) < 100 for one in found.values)


def test_a_cell_at_the_far_end_of_the_sheet_takes_no_memory_of_the_server(tmp_path: Path) -> None:
    far = TABLE + '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>'
    folder = folder_with(tmp_path / "import", repacked(xlsx_bytes(FIT), {SHEET: sheet_of(far)}))
    with pytest.raises((sandbox.Overtaxed, sandbox.Broken)):
        sandbox.run("reading", folder, Event())
    assert folder.found() is None


def test_styled_blank_rows_at_the_end_are_no_rows(tmp_path: Path) -> None:
    blank = "".join(f'<row r="{one}"><c r="A{one}" s="0"/></row>' for one in range(3, 50_000))
    found = read(tmp_path, repacked(xlsx_bytes(FIT), {SHEET: sheet_of(TABLE + blank)}))
    assert (found.numbers, found.problem) == ([2], None)


def test_the_results_of_formulas_are_read_and_their_text_is_refused(tmp_path: Path) -> None:
    formula = '<row r="3"><c r="A3" t="str"><f>"B"&amp;1</f><v>BIM-9</v></c></row>'
    found = read(tmp_path, repacked(xlsx_bytes(FIT), {SHEET: sheet_of(TABLE + formula)}))
    assert found.values[1]["number"] == "BIM-9"
    assert read(tmp_path, csv_bytes(row("=B1&C1"))).codes == [["formula_text"]]


def test_the_reading_process_is_limited_and_leaves_its_findings(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "import", xlsx_bytes(FIT))
    sandbox.run("reading", folder, Event())
    assert found_in(folder).codes == [[]]
    assert limits.MEMORY_BYTES < 512 * limits.MEGABYTE


def test_a_process_that_nobody_waits_for_is_ended(tmp_path: Path) -> None:
    stop = Event()
    stop.set()
    with pytest.raises(sandbox.Stopped):
        sandbox.run("reading", folder_with(tmp_path / "import", xlsx_bytes(FIT)), stop)


def test_a_process_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "MOST_SECONDS", 0.0)
    with pytest.raises(sandbox.Overtaxed):
        sandbox.run("reading", folder_with(tmp_path / "import", xlsx_bytes(FIT)), Event())


# Encodings


def lines(*texts: tuple[str, str]) -> bytes:
    return b"".join(f"{text}\n".encode(encoding) for text, encoding in texts)


@pytest.mark.parametrize(
    "content",
    [
        lines(*[("证书编号,姓名", "utf-8")] * 9, ("王小明", "gb18030")),
        lines(*[("证书编号,姓名", "gb18030")] * 9, ("王小明同学", "utf-8")),
        b"\xef\xbb\xbf" + lines(("证书编号", "utf-8"), ("王小明", "gb18030")),
    ],
)
def test_a_text_in_two_encodings_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text"
    path.write_bytes(content)
    with pytest.raises(Refused) as refused:
        encoding_of(path)
    assert refused.value.code == "encoding_mixed"
    assert refused.value.facts["line"] >= 2


def test_one_foreign_line_among_many_is_told_as_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "MIXED_FROM", 0.5)
    name = next(one for one in ("王小明同", "李四五六", "张三李四") if _is_gb18030(f"B,{one},1\n".encode()))
    content = (
        csv_bytes(row("A"), encoding="gb18030")
        + f"B,{name},1\n".encode()
        + csv_bytes(row("C"), header=(), encoding="gb18030")
    )
    found = read(tmp_path, content)
    assert ["encoding_doubtful" in one for one in found.codes] == [False, True, False]


def _is_gb18030(content: bytes) -> bool:
    try:
        content.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return True


def test_characters_of_the_older_gb18030_come_out_as_of_2022(tmp_path: Path) -> None:
    content = csv_bytes(row("A", 姓名="王\ue81e"), encoding="gb18030")
    assert read(tmp_path, content).values[0]["name"] == "王\u9fb4"
