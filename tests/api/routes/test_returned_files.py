"""Files that go back to their senders: with two more columns, or only what is to be mended; and templates."""

from __future__ import annotations

import csv
import fcntl
import json
from datetime import date
from io import BytesIO, StringIO
from threading import Event
from uuid import UUID

import pytest
from python_calamine import load_workbook

from creditbank.imports import returns, sandbox
from creditbank.imports.task import Folder
from tests.api.bank import ReadyBank, certificate, on_one_database
from tests.api.imports import COLUMNS, XLSX, codes, imported, line, results, table, tally
from tests.imports.files import csv_bytes, ndjson_bytes, xlsx_bytes


def test_the_senders_own_file_comes_back_with_two_more_columns(bank: ReadyBank) -> None:
    rows = [line(), line(等级="特级", 姓名="=cmd|'/C calc'!A0"), line(姓名="@王")]
    one = imported(bank.issuer, table(["2026年名单"], COLUMNS, *rows).split(b"\n", 1)[1])
    answer = bank.issuer.get(f"/v1/imports/{one['import_id']}/result-file", {"Accept-Language": "zh-CN"})
    assert answer.content.startswith(b"\xef\xbb\xbf")
    back = list(csv.reader(StringIO(answer.content.decode("utf-8-sig"))))
    assert back[0][0] == "2026年名单"
    assert back[1] == [*COLUMNS, "导入结果", "原因"]
    assert [row[7] for row in back[2:]] == ["已登记", "未通过", "已登记"]
    assert back[3][1] == "'=cmd|'/C calc'!A0"
    assert "该标准没有此等级" in back[3][8]
    assert back[4][1] == "'@王"

    workbook = bank.issuer.get(f"/v1/imports/{one['import_id']}/result-file?format=xlsx")
    cells = load_workbook(BytesIO(workbook.content)).get_sheet_by_index(0).to_python()
    assert cells[1][7:] == ["import status", "reason"]
    assert cells[3][1] == "=cmd|'/C calc'!A0"
    assert bank.issuer.get(f"/v1/imports/{one['import_id']}/result-file?format=ndjson").status_code == 422


@on_one_database
@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_only_the_refused_rows_are_mended_and_sent_again(bank: ReadyBank, format_: str) -> None:
    one = imported(bank.issuer, table(line(), line(等级="特级"), line(发证日期="7/1/2026"), line()))
    answer = bank.issuer.get(f"/v1/imports/{one['import_id']}/error-file?format={format_}")
    if format_ == "csv":
        rows = list(csv.reader(StringIO(answer.content.decode("utf-8-sig"))))
    else:
        rows = load_workbook(BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert len(rows) == 3
    rows[1][5], rows[2][6] = "高级", "2026-07-01"
    mended = csv_bytes(*rows[1:], header=rows[0]) if format_ == "csv" else xlsx_bytes(*rows[1:], header=rows[0])
    assert tally(imported(bank.issuer, mended)) == ("finished", 2, 2, 0)


@on_one_database
@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_a_row_with_surplus_cells_goes_back_whole_and_is_refused_again_until_it_is_mended(
    bank: ReadyBank, format_: str
) -> None:
    split = line()
    split[1:2] = ["王", "小明"]
    one = imported(bank.issuer, table([*split, "", ""]))
    assert tally(one) == ("finished", 1, 0, 1)
    answer = bank.issuer.get(f"/v1/imports/{one['import_id']}/error-file?format={format_}")
    if format_ == "csv":
        rows = list(csv.reader(StringIO(answer.content.decode("utf-8-sig"))))
    else:
        rows = load_workbook(BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert rows[1][: len(split)] == split
    media_type = "text/csv" if format_ == "csv" else XLSX
    again = imported(bank.issuer, answer.content, media_type=media_type)
    assert codes(results(bank.issuer, again))[0][0] == "too_many_cells"


def test_who_would_wait_for_a_file_is_told_to_ask_again(bank: ReadyBank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(returns, "PATIENCE_SECONDS", 0.05)
    one = imported(bank.issuer, table(line()))
    path, folder = f"/v1/imports/{one['import_id']}/result-file", folder_of(bank, one["import_id"])
    with folder.return_lock.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        busy = bank.issuer.get(path)
        assert (busy.status_code, busy.headers["Retry-After"]) == (503, "1")
    with returns._one_at_a_time:
        assert bank.issuer.get(path).status_code == 503
    assert bank.issuer.get(path).status_code == 200
    with returns._one_at_a_time:
        assert bank.issuer.get(path).status_code == 200  # it is there
    assert not list(folder.path.glob("*.notes"))


def test_a_file_is_not_made_of_notes_about_other_rows(sqlite_bank: ReadyBank) -> None:
    one = imported(sqlite_bank.issuer, table(line(), line()))
    folder = folder_of(sqlite_bank, one["import_id"])
    path = folder.returned("result-en", "csv")
    folder.notes(path).write_text('{"above": 1, "width": 7, "columns": ["a", "b"]}\n[false, "accepted", ""]\n')
    with pytest.raises(sandbox.Broken):
        sandbox.run("returning", folder, Event(), "result", "csv", "en")
    assert not path.exists()


def folder_of(bank: ReadyBank, import_id: str) -> Folder:
    found: Folder = bank.client.app.state.importer.folder(UUID(import_id))
    return found


def test_lines_of_ndjson_go_back_as_they_came(bank: ReadyBank) -> None:
    sent = certificate(level="特级")
    one = imported(bank.issuer, ndjson_bytes(sent) + b"nothing\n", media_type="application/x-ndjson")
    answer = bank.issuer.get(f"/v1/imports/{one['import_id']}/error-file")
    back = [json.loads(text) for text in answer.text.splitlines()]
    assert back[0]["import_status"] == back[1]["import_status"] == "refused"
    assert {name: back[0][name] for name in sent} == sent
    assert back[1]["line"] == "nothing"
    back[0]["level"] = "高级"
    mended = imported(bank.issuer, ndjson_bytes(back[0]), media_type="application/x-ndjson")
    assert tally(mended) == ("finished", 1, 1, 0)


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_a_template_that_was_filled_in_is_taken(sqlite_bank: ReadyBank, format_: str) -> None:
    answer = sqlite_bank.issuer.get(f"/v1/import-templates/{format_}")
    assert answer.status_code == 200
    if format_ == "csv":
        header = next(csv.reader(StringIO(answer.content.decode("utf-8-sig"))))
    else:
        header = load_workbook(BytesIO(answer.content)).get_sheet_by_index(0).to_python()[0]
    row = [*line(), "", "", "48", "86", "", "武汉考点", "线下", "企业职工", "是", "K-1", ""]
    fill = csv_bytes if format_ == "csv" else xlsx_bytes
    one = imported(sqlite_bank.issuer, fill(row, header=header))
    assert tally(one) == ("finished", 1, 1, 0), results(sqlite_bank.issuer, one)
    certificate_id = results(sqlite_bank.issuer, one)[0]["certificate_id"]
    found = sqlite_bank.issuer.get(f"/v1/certificates/{certificate_id}").json()
    assert (found["hours"], found["assessment_mode"], found["learner_group"]) == (48, "on_site", "employee")
    assert (found["subsidised"], found["external_id"], found["score"]["scale"]) == (True, "K-1", "0-100")


def test_files_are_deleted_when_their_time_is_over(own_bank: ReadyBank) -> None:
    one = imported(own_bank.issuer, table(line()))
    state = own_bank.client.app.state
    folder = state.importer.folder(UUID(one["import_id"]))
    state.keeper.purge()
    assert folder.source.exists()
    own_bank.clock.set(date(2026, 12, 2))
    state.keeper.purge()
    assert not folder.path.exists()
    assert results(own_bank.issuer, one)[0]["verdict"] == "accepted"
    assert own_bank.issuer.get(f"/v1/imports/{one['import_id']}/result-file").status_code == 404
