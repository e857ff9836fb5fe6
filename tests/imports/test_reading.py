"""Files as they are sent: what is certain is read, every row is answered, and the rest is refused with a reason."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from creditbank.imports import tables
from creditbank.imports.texts import codes
from tests.imports.files import FIT, HEADER, IDENTITY, csv_bytes, ndjson_bytes, read, row, xlsx_bytes

READ = {
    "number": "BIM-1",
    "name": "王小明",
    "document_type": "CN-RIC",
    "document_number": IDENTITY,
    "standard": "BIM",
    "level": "中级",
    "issued_on": "2026-07-01",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_csv_is_read_in_its_own_encoding_and_with_its_own_delimiter(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    found = read(tmp_path, csv_bytes(FIT, encoding=encoding, delimiter=delimiter))
    assert (found.values, found.codes, found.problem) == ([READ], [[]], None)
    assert (found.findings["format"], found.findings["delimiter"]) == ("csv", delimiter)
    assert found.findings["encoding"] == encoding.removesuffix("-sig")


def test_xlsx_is_read_with_its_dates(tmp_path: Path) -> None:
    found = read(tmp_path, xlsx_bytes([*FIT[:5], datetime(2026, 7, 1)]))
    assert (found.values, found.codes) == ([READ], [[]])
    assert (found.findings["format"], found.findings["sheet"]) == ("xlsx", "名单")


@pytest.mark.parametrize("cell", [datetime(2026, 7, 1), 46204 - 1462])
def test_a_workbook_that_counts_from_1904_names_the_same_day(tmp_path: Path, cell: Any) -> None:
    found = read(tmp_path, xlsx_bytes([*FIT[:5], cell], epoch_1904=True))
    assert found.values == [READ]


def test_ndjson_is_read_as_the_api_takes_it(tmp_path: Path) -> None:
    holder = {"name": "王小明", "document": {"type": "CN-RIC", "number": IDENTITY}}
    posted = {"number": "BIM-1", "standard": "BIM", "level": "中级", "issued_on": "2026-07-01", "holder": holder}
    more = {
        "number": "BIM-2",
        "hours": 48,
        "score": {"value": "86", "scale": "0-100"},
        "subsidised": True,
        "assessment_mode": "on_site",
        "fields": {"batch": 3},
        "evidence": [{"sha256": "a" * 64, "media_type": "application/pdf"}],
        "issuer": "BIM-EVAL",
    }
    found = read(tmp_path, ndjson_bytes(posted, {**posted, **more}))
    assert found.codes == [[], []]
    assert found.values[0] == READ
    assert found.values[1] == READ | {
        "number": "BIM-2",
        "hours": "48",
        "score": "86",
        "score_scale": "0-100",
        "subsidised": "true",
        "assessment_mode": "on_site",
        "fields.batch": 3,
        "evidence": [{"sha256": "a" * 64, "media_type": "application/pdf"}],
    }


def test_every_line_of_ndjson_is_answered(tmp_path: Path) -> None:
    fit = {
        "number": "1",
        "name": "王",
        "document_number": IDENTITY,
        "standard": "BIM",
        "level": "1",
        "issued_on": "2026-07-01",
    }
    lines = [b"{}", b"[]", b"{", b'"x"', b"\xff\xfe", b'{"a":' * 100_000, b"", *ndjson_bytes(fit).splitlines()]
    found = read(tmp_path, b"\n".join(lines))
    assert found.numbers == [1, 2, 3, 4, 5, 6, 8]
    assert [one[0] if one else None for one in found.codes] == ["field_missing", *["line_malformed"] * 5, None]


@pytest.mark.parametrize("member", [{"holder": {"nickname": "x"}}, {"extra": 1}, {"evidence": [{"sha256": "x"}]}])
def test_an_unknown_or_unfit_member_is_a_fault_of_its_line(tmp_path: Path, member: dict[str, Any]) -> None:
    found = read(tmp_path, ndjson_bytes(member, {"编号": "1"}))
    assert {"member_unknown", "value_invalid"} & set(found.codes[0])
    assert found.codes[1][0] != "member_unknown"


def test_all_faults_of_a_row_are_told_at_once(tmp_path: Path) -> None:
    unfit = row("B", 姓名="", 身份证号="110105194912310021", 发证日期="7/1/2026")
    found = read(tmp_path, csv_bytes(unfit))
    assert sorted(found.codes[0]) == ["date_ambiguous", "field_missing", "identity_number_invalid"]
    assert {said.column for said in found.rows[0].faults} == {"姓名", "身份证号", "发证日期"}


def test_every_fault_has_its_words(tmp_path: Path) -> None:
    header = (*HEADER, "证件类型", "考核方式", "学时", "成绩", "账户标识", "颁证机构")
    rows = [
        [*row("A", 姓名="\ue001", 身份证号=IDENTITY), "火星护照", "心灵感应", "很多", "9" * 65, "x", "别家"],
        [*row("B" * 101, 姓名="王\n明", 等级="=A1"), "", "", "", "", "", ""],
    ]
    found = read(tmp_path, csv_bytes(*rows, header=header))
    told = {code for line in found.codes for code in line}
    assert told == {
        "private_character", "value_unknown", "value_invalid", "too_long", "organisation_foreign",
        "control_character", "formula_text",
    }  # fmt: skip
    assert told <= codes("faults.json")


def test_a_number_that_comes_twice_is_told_with_the_first_row(tmp_path: Path) -> None:
    found = read(tmp_path, csv_bytes(row("B-1"), row("B-2"), row("ｂ－１ ")))
    assert found.codes == [[], [], ["duplicate_in_file"]]
    assert found.rows[2].faults[0].facts == {"row": 2}


@pytest.mark.parametrize(
    ("issuer", "is_own"), [("BIM-EVAL", True), ("bim eval", True), ("OTHER-EVAL", False), ("", True)]
)
def test_rows_of_another_organisation_are_refused(tmp_path: Path, issuer: str, is_own: bool) -> None:
    found = read(tmp_path, csv_bytes([*FIT, issuer], header=(*HEADER, "颁证机构")))
    assert found.codes == [[] if is_own else ["organisation_foreign"]]


def test_identity_numbers_that_were_numbers_are_told_as_such(tmp_path: Path) -> None:
    found = read(tmp_path, xlsx_bytes(row("A", 身份证号=110105194912310021.0), row("B", 身份证号="1.10105E+17")))
    assert found.codes == [["number_damaged"], ["number_damaged"]]
    found = read(tmp_path, csv_bytes(row("A", 身份证号="110105194912310000")))
    assert found.codes == [["number_damaged"]]


def test_blank_rows_are_no_rows_and_the_others_keep_their_numbers(tmp_path: Path) -> None:
    blank = [""] * len(HEADER)
    assert read(tmp_path, csv_bytes(blank, row("A"), blank, [" "] * 6, row("B"))).numbers == [3, 6]
    assert read(tmp_path, xlsx_bytes([None], row("A"), [None], row("B"))).numbers == [3, 5]


def test_a_quoted_line_break_makes_one_row_of_two_lines(tmp_path: Path) -> None:
    found = read(tmp_path, csv_bytes([*row("A"), "两\n行"], [*row("B"), ""], header=(*HEADER, "备注")))
    assert (found.numbers, found.codes) == ([2, 4], [[], []])


def test_a_header_that_was_pasted_again_is_told(tmp_path: Path) -> None:
    found = read(tmp_path, csv_bytes(row("A"), HEADER, row("B")))
    assert found.codes == [[], ["header_repeated"], []]


def test_a_row_with_more_cells_than_the_header_is_told(tmp_path: Path) -> None:
    found = read(tmp_path, csv_bytes([*row("A"), "多", "余"], [*row("B"), "", ""]))
    assert found.codes == [["too_many_cells"], []]


def test_merged_headers_and_a_title_are_no_rows(tmp_path: Path) -> None:
    top = [["2026年名单"], ["证书编号", "持证人", None, "证书", None, None]]
    below = [None, "姓名", "身份证号", "标准", "等级", "发证日期"]
    found = read(tmp_path, xlsx_bytes(*top, below, FIT, header=()))
    assert (found.values, found.findings["header_row"], found.findings["above"]) == ([READ], 2, 3)


def test_a_hidden_sheet_is_not_read_and_is_told(tmp_path: Path) -> None:
    found = read(tmp_path, xlsx_bytes(FIT, hidden={"隐藏": HEADER}))
    assert found.values == [READ]
    assert found.findings["sheets"][1] == {"name": "隐藏", "hidden": True, "used": False}


def test_a_sheet_may_be_named(tmp_path: Path) -> None:
    content = xlsx_bytes(FIT, hidden={"隐藏": HEADER})
    assert read(tmp_path, content, sheet="隐藏").problem == "no_rows"
    assert read(tmp_path, content, sheet="别的").problem == "sheet_unknown"


def test_a_mapping_names_headers_and_gives_values(tmp_path: Path) -> None:
    header = ("编码", "姓名", "身份证号", "发证日期")
    said = {"columns": {"编码": "number"}, "constants": {"standard": "BIM", "level": "中级"}}
    found = read(tmp_path, csv_bytes(["BIM-1", "王小明", IDENTITY, "2026-07-01"], header=header), **said)
    assert (found.values, found.problem) == ([READ], None)


def test_a_column_of_the_issuers_own_is_kept_under_its_name(tmp_path: Path) -> None:
    said = {"columns": {"实训": "fields.practice"}}
    found = read(tmp_path, csv_bytes([*FIT, "32"], header=(*HEADER, "实训")), **said)
    assert found.values == [READ | {"fields.practice": "32"}]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "empty_file"),
        (b"\xef\xbb\xbf\r\n", "empty_file"),
        (b"\0\1\2\3", "format_unknown"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "header_not_found"),
        (csv_bytes(FIT, encoding="gb18030") + b"\xff\xff\n", "encoding_unknown"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "format_old"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "password"),
        (b"PK\x03\x04 no archive", "file_damaged"),
        (csv_bytes(), "no_rows"),
        (csv_bytes(FIT, header=()), "header_not_found"),
        (csv_bytes(FIT[:3], header=HEADER[:3]), "columns_missing"),
        (csv_bytes([*FIT, "1"], header=(*HEADER, "证书编号")), "columns_repeated"),
        (csv_bytes(FIT) + b'"BIM-2,', "csv_malformed"),
        (csv_bytes(FIT) + b'"' + b"x" * 200_000, "csv_malformed"),
        (csv_bytes(FIT, header=(*HEADER, *map(str, range(200)))), "too_many_columns"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_with_a_reason(tmp_path: Path, content: bytes, problem: str) -> None:
    found = read(tmp_path, content)
    assert found.problem == problem
    assert problem in codes("refusals.json")


def test_more_rows_than_one_file_may_have_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creditbank.imports.reading.MOST_ROWS", 3)
    assert read(tmp_path, csv_bytes(*(row(str(one)) for one in range(3)))).problem is None
    assert read(tmp_path, csv_bytes(*(row(str(one)) for one in range(4)))).problem == "too_many_rows"


def test_all_or_nothing_holds_for_as_many_rows_as_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creditbank.imports.reading.ATOMIC_ROWS", 1)
    assert tables.ATOMIC_ROWS == 5_000
    assert read(tmp_path, csv_bytes(row("A"), row("B")), atomic=True).problem == "too_many_for_atomic"


def test_a_preview_shows_how_the_first_rows_were_understood(tmp_path: Path) -> None:
    found = read(tmp_path, csv_bytes(row("A", 发证日期="2026年7月1日"), *(row(str(one)) for one in range(20))))
    first = found.findings["preview"][0]
    assert (first["row"], first["cells"][5], first["values"]["issued_on"]) == (2, "2026年7月1日", "2026-07-01")
    assert len(found.findings["preview"]) == 10
    assert found.findings["columns"][0] == {"header": "证书编号", "column": "number", "confidence": 1.0}


def test_dates_of_a_workbook_without_time_are_days(tmp_path: Path) -> None:
    found = read(tmp_path, xlsx_bytes([*FIT[:5], date(2026, 7, 1), 48, 86.5], header=(*HEADER, "学时", "成绩")))
    assert found.values == [READ | {"hours": "48", "score": "86.5", "score_scale": "0-100"}]
