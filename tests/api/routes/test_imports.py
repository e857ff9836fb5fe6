"""Imports through the API: sent, followed, answered row by row, and never taken twice."""

from __future__ import annotations

import json
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from creditbank.api import heads
from creditbank.audit import replay
from creditbank.commands import parts
from tests.api.bank import ReadyBank, on_one_database, person
from tests.api.imports import (
    COLUMNS,
    XLSX,
    begun,
    codes,
    ended,
    imported,
    line,
    paused,
    results,
    send,
    table,
    tally,
    when,
)  # fmt: skip
from tests.imports.files import csv_bytes, ndjson_bytes, xlsx_bytes

_numbers = count(1)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LINES", 2)
    monkeypatch.setattr(parts, "LONG", 2)


def test_every_row_is_awarded_or_refused_with_its_reasons(bank: ReadyBank) -> None:
    first = line()
    rows = [first, line(等级="特级", 发证日期="2027-01-01"), line(证件类型="CN-RIC", 证件号码="123"), line(), first]
    one = imported(bank.issuer, table(*rows))

    assert tally(one) == ("finished", 5, 2, 3)
    found = results(bank.issuer, one)
    assert [row["row"] for row in found] == [2, 3, 4, 5, 6]
    assert codes(found) == [
        [], ["level_unknown", "issued_in_future"], ["identity_number_invalid"], [], ["duplicate_in_file"],
    ]  # fmt: skip
    assert found[1]["errors"][0]["column"] == "等级"
    assert set(found[1]["errors"][0]["text"]) == {"en", "zh-CN"} == set(found[1]["errors"][0]["remedy"])
    for row in (found[0], found[3]):
        certificate = bank.issuer.get(f"/v1/certificates/{row['certificate_id']}").json()
        assert (certificate["account_id"], certificate["status"]) == (row["account_id"], "active")
    history = bank.authority.get(f"/v1/accounts/{found[0]['account_id']}/events").json()["items"]
    assert [event["type"] for event in history] == ["account-opened/1", "certificate-awarded/1"]


def test_rows_are_judged_against_the_ledger_too(bank: ReadyBank) -> None:
    first, second = line(), line()
    imported(bank.issuer, table(first, second))
    taken = line(second[0])
    one = imported(bank.issuer, table(first, taken))

    found = results(bank.issuer, one)
    assert codes(found) == [["certificate_duplicate"], ["certificate_number_taken"]]
    assert found[0]["certificate_id"] is not None
    assert found[1]["certificate_id"] is None


@on_one_database
@pytest.mark.parametrize(
    ("content", "media_type", "format_"),
    [
        (lambda: xlsx_bytes(line(), header=COLUMNS), XLSX, "xlsx"),
        (lambda: table(line(), encoding="gb18030"), "application/octet-stream", "csv"),
        (
            lambda: ndjson_bytes(
                {"number": f"N{next(_numbers)}", "standard": "BIM", "level": "中级", "issued_on": "2026-07-01",
                 "hours": 48, "score": {"value": "A", "scale": "A-F"}, "subsidised": True, "fields": {"batch": 3},
                 "evidence": [{"sha256": "a" * 64, "media_type": "text/plain"}], "holder": person()}
            ),
            "application/x-ndjson",
            "ndjson",
        ),
    ],
)  # fmt: skip
def test_the_format_is_told_from_the_file_itself(bank: ReadyBank, content: Any, media_type: str, format_: str) -> None:
    one = imported(bank.issuer, content(), media_type=media_type)
    assert (one["state"], one["accepted"], one["file"]["format"]) == ("finished", 1, format_)
    certificate_id = results(bank.issuer, one)[0]["certificate_id"]
    if format_ == "ndjson":
        found = bank.issuer.get(f"/v1/certificates/{certificate_id}").json()
        assert (found["hours"], found["score"], found["subsidised"]) == (48, {"value": "A", "scale": "A-F"}, True)
        assert (found["fields"], len(found["evidence"])) == ({"batch": 3}, 1)


def test_a_form_brings_the_file_its_name_and_how_it_is_to_be_taken(bank: ReadyBank) -> None:
    answer = bank.client.post(
        "/v1/imports",
        files={"file": ("名单 7月.csv", table(line()), "text/csv")},
        data={"dry_run": "true"},
        headers=bank.issuer.headers({"Idempotency-Key": f"form-{next(_numbers)}"}),
    )
    assert answer.status_code == 202, answer.text
    assert (answer.json()["file"]["name"], answer.json()["dry_run"]) == ("名单 7月.csv", True)
    assert tally(ended(bank.issuer, answer.json()["import_id"])) == ("finished", 1, 1, 0)


def test_the_name_of_a_raw_file_stands_in_a_header(bank: ReadyBank) -> None:
    named = {"Content-Disposition": "attachment; filename*=UTF-8''..%2F%E5%90%8D%E5%8D%95.csv"}
    key = {"Idempotency-Key": f"named-{next(_numbers)}", "Content-Type": "text/csv"}
    answer = bank.client.post("/v1/imports", content=table(line()), headers=bank.issuer.headers({**named, **key}))
    assert answer.json()["file"]["name"] == "名单.csv"


@on_one_database
@pytest.mark.parametrize(
    ("body", "media_type", "status", "code"),
    [
        (b"{}", "application/json", 415, "unsupported_media_type"),
        (b"x", "multipart/form-data; boundary=b", 400, "malformed_form"),
        (b"x", "multipart/form-data", 400, "malformed_form"),
        (b'--b\r\nContent-Disposition: form-data; name="mode"\r\n\r\npartial\r\n--b--\r\n',
         "multipart/form-data; boundary=b", 400, "malformed_form"),
    ],
)  # fmt: skip
def test_what_is_no_file_is_refused_at_once(
    bank: ReadyBank, body: bytes, media_type: str, status: int, code: str
) -> None:
    answer = send(bank.issuer, body, media_type=media_type)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@on_one_database
@pytest.mark.parametrize(
    "query",
    ["?mode=some", "?dry_run=perhaps", "?mapping={", '?mapping={"columns":{"a":"nothing"}}',
     '?mapping={"constants":{"number":"1"}}', "?sheet=" + "x" * 300],
)  # fmt: skip
def test_unknown_wishes_are_refused(bank: ReadyBank, query: str) -> None:
    answer = send(bank.issuer, table(line()), query)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


def test_a_file_that_is_too_large_is_refused_while_it_comes(bank: ReadyBank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "IMPORT_BYTES", 1000)
    headers = bank.issuer.headers({"Idempotency-Key": "large", "Content-Type": "text/csv"})
    answer = bank.client.post("/v1/imports", content=iter([b"x" * 600] * 3), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_file_that_cannot_be_read_is_refused_with_the_remedy(bank: ReadyBank) -> None:
    one = imported(bank.issuer, csv_bytes(["1", "2"], header=("甲", "乙")))
    assert (one["state"], one["problem"]["code"], one["rows"]) == ("refused", "header_not_found", 0)
    assert one["problem"]["remedy"]["zh-CN"]
    assert results(bank.issuer, one) == []


def test_a_dry_run_tells_the_same_and_writes_nothing(own_bank: ReadyBank) -> None:
    content, before = table(line(), line(等级="特级"), line()), own_bank.events()
    one = imported(own_bank.issuer, content, "?dry_run=true")
    assert tally(one) == ("finished", 3, 2, 1)
    assert codes(results(own_bank.issuer, one)) == [[], ["level_unknown"], []]
    assert own_bank.events() == before

    assert tally(imported(own_bank.issuer, content)) == ("finished", 3, 2, 1)
    assert own_bank.events() == before + 4
    assert list(replay.differences(own_bank.core.engine)) == []


def test_all_or_nothing_writes_nothing_where_one_row_is_refused(own_bank: ReadyBank) -> None:
    before = own_bank.events()
    one = imported(own_bank.issuer, table(line(), line(), line(等级="特级")), "?mode=atomic")
    assert tally(one) == ("finished", 3, 0, 3)
    assert codes(results(own_bank.issuer, one)) == [["not_attempted"], ["not_attempted"], ["level_unknown"]]
    assert own_bank.events() == before
    assert tally(imported(own_bank.issuer, table(line(), line(), line()), "?mode=atomic")) == ("finished", 3, 3, 0)


# Exactly once


def test_the_same_bytes_again_are_a_conflict_that_names_the_former(bank: ReadyBank) -> None:
    content = table(line(), line())
    one = imported(bank.issuer, content)
    again = send(bank.issuer, content)
    assert (again.status_code, again.json()["code"]) == (409, "import_repeated")
    assert again.json()["import_id"] == one["import_id"]

    forced = imported(bank.issuer, content, "?force=true")
    assert codes(results(bank.issuer, forced)) == [["certificate_duplicate"], ["certificate_duplicate"]]


def test_a_file_of_which_nothing_was_taken_may_come_again(bank: ReadyBank) -> None:
    content = table(line(等级="特级"))
    imported(bank.issuer, content)
    assert tally(imported(bank.issuer, content)) == ("finished", 1, 0, 1)


def test_the_same_request_again_gets_the_same_import(bank: ReadyBank) -> None:
    content, key = table(line()), f"once-{next(_numbers)}"
    headers = bank.issuer.headers({"Idempotency-Key": key, "Content-Type": "text/csv"})
    first, second = (bank.client.post("/v1/imports", content=content, headers=headers) for _ in range(2))
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.json()["import_id"] == first.json()["import_id"]
    other = bank.client.post("/v1/imports?dry_run=true", content=content, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    ended(bank.issuer, first.json()["import_id"])


def test_files_that_were_not_taken_are_not_kept(own_bank: ReadyBank) -> None:
    content = table(line())
    imported(own_bank.issuer, content)
    send(own_bank.issuer, content)
    send(own_bank.issuer, b"{}", media_type="application/json")
    assert len(list(own_bank.client.app.state.importer.directory.iterdir())) == 1


# Look first


def test_a_file_may_wait_until_somebody_has_looked(bank: ReadyBank) -> None:
    header = ("流水", "姓名", "证件类型", "证件号码", "发证日期")
    cells = dict(zip(COLUMNS, line(), strict=True))
    row = [cells["证书编号"], cells["姓名"], "LOCAL", cells["证件号码"], "2026-07-01"]
    said = {"columns": {"流水": "external_id"}, "constants": {"standard": "BIM", "level": "中级"}}
    meant = said | {"columns": {"流水": "number"}}
    refused = imported(bank.issuer, csv_bytes(row, header=header), "?wait=true")
    assert refused["problem"]["code"] == "columns_missing"

    waiting = imported(bank.issuer, csv_bytes(row, header=header), f"?wait=true&mapping={json.dumps(meant)}")
    assert waiting["state"] == "waiting"
    preview = bank.issuer.get(f"/v1/imports/{waiting['import_id']}/preview").json()
    assert preview["columns"][0] == {"header": "流水", "column": "number", "confidence": 1.0}
    assert preview["preview"][0]["values"]["level"] == "中级"
    started = bank.issuer.post(
        f"/v1/imports/{waiting['import_id']}/start",
        {"mapping": {"columns": {"流水": "number"}, "constants": {"standard": "BIM", "level": "高级"}}},
    )
    assert started.status_code == 200, started.text
    one = ended(bank.issuer, waiting["import_id"])
    assert tally(one) == ("finished", 1, 1, 0)
    certificate_id = results(bank.issuer, one)[0]["certificate_id"]
    assert bank.issuer.get(f"/v1/certificates/{certificate_id}").json()["level"] == "高级"
    again = bank.issuer.post(f"/v1/imports/{waiting['import_id']}/start", {})
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")


def test_a_mapping_is_kept_under_its_name_and_used_by_its_id(bank: ReadyBank) -> None:
    body = {"name": "考务系统", "columns": {"流水": "number", "备注": None}, "constants": {"standard": "BIM"}}
    kept = bank.issuer.post("/v1/import-mappings", body)
    assert kept.status_code == 201, kept.text
    mapping_id = kept.json()["mapping_id"]
    assert [one["name"] for one in bank.issuer.get("/v1/import-mappings").json()["items"]] == ["考务系统"]
    assert bank.issuer.get(f"/v1/import-mappings/{mapping_id}").json() == kept.json()

    header = ("流水", "姓名", "证件类型", "证件号码", "备注", "等级", "发证日期")
    one = imported(bank.issuer, csv_bytes(line(), header=header), f"?mapping_id={mapping_id}")
    assert tally(one) == ("finished", 1, 1, 0)
    assert bank.other_issuer.get(f"/v1/import-mappings/{mapping_id}").status_code == 404
    assert send(bank.other_issuer, table(line()), f"?mapping_id={mapping_id}").status_code == 404
    replaced = bank.issuer.post("/v1/import-mappings", {**body, "columns": {}})
    assert bank.issuer.get(f"/v1/import-mappings/{mapping_id}").status_code == 404
    assert bank.issuer.delete(f"/v1/import-mappings/{replaced.json()['mapping_id']}").status_code == 204
    assert bank.issuer.get("/v1/import-mappings").json()["items"] == []


def test_a_mapping_that_names_no_column_is_refused(bank: ReadyBank) -> None:
    answer = bank.issuer.post("/v1/import-mappings", {"name": "x", "columns": {"a": "nothing"}})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "column_unknown")


def test_an_import_that_waits_can_be_cancelled(bank: ReadyBank) -> None:
    waiting = imported(bank.issuer, table(line(), line()), "?wait=true")
    cancelled = bank.issuer.post(f"/v1/imports/{waiting['import_id']}/cancellation")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    again = bank.issuer.post(f"/v1/imports/{waiting['import_id']}/cancellation")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    back = bank.issuer.get(f"/v1/imports/{waiting['import_id']}/result-file", {"Accept-Language": "zh-CN"})
    assert back.text.count("未处理") == 2


def test_the_import_of_an_organisation_that_is_suspended_stops_at_the_chunk_at_hand(own_bank: ReadyBank) -> None:
    with paused(own_bank) as next_chunk:
        import_id = begun(own_bank, table(*(line() for _ in range(6))))
        next_chunk()
        when(own_bank, import_id, lambda one: one["done"] == 2)
        said = own_bank.authority.post("/v1/organisations/BIM-EVAL/suspension", {"reason": "x"})
        assert said.status_code == 200, said.text
        before = own_bank.events()
    one = ended(own_bank.authority, import_id)
    assert (tally(one), one["done"]) == (("cancelled", 6, 2, 0), 2)
    assert one["problem"]["code"] == "organisation_suspended"
    assert own_bank.events() == before

    own_bank.authority.post("/v1/organisations/BIM-EVAL/reinstatement", {"reason": "x"})
    back = own_bank.issuer.get(f"/v1/imports/{import_id}/result-file", {"Accept-Language": "zh-CN"})
    assert (back.text.count("已登记"), back.text.count("未处理")) == (2, 4)


def test_the_authority_may_stop_an_import_and_its_sender_is_told(bank: ReadyBank) -> None:
    with paused(bank):
        import_id = begun(bank, table(*(line() for _ in range(4))))
        stopped = bank.authority.post(f"/v1/imports/{import_id}/cancellation")
        assert (stopped.status_code, stopped.json()["state"]) == (200, "cancelled")
    one = ended(bank.issuer, import_id)
    assert (tally(one), one["problem"]["code"]) == (("cancelled", 4, 0, 0), "cancelled_by_authority")
    assert bank.authority.post(f"/v1/imports/{import_id}/start", {}).status_code == 403


# Answers


def test_results_come_in_pages_and_as_ndjson(bank: ReadyBank) -> None:
    one = imported(bank.issuer, table(*(line(等级="特级" if number % 3 == 0 else "中级") for number in range(7))))
    path = f"/v1/imports/{one['import_id']}/results"
    rows, cursor = [], None
    while True:
        page = bank.issuer.get(f"{path}?limit=2" + (f"&cursor={cursor}" if cursor else "")).json()
        rows += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert [row["row"] for row in rows] == list(range(2, 9))
    lines = bank.issuer.get(path, {"Accept": "application/x-ndjson"}).text.splitlines()
    assert [json.loads(text) for text in lines] == rows
    refused = results(bank.issuer, one, "?verdict=refused&limit=2")
    assert [row["row"] for row in refused] == [2, 5]


def test_the_stream_of_an_import_ends_with_it(bank: ReadyBank) -> None:
    answer = send(bank.issuer, table(*(line() for _ in range(5))))
    told = bank.issuer.get(f"/v1/imports/{answer.json()['import_id']}/events")
    assert told.headers["Content-Type"].startswith("text/event-stream")
    last = told.text.strip().split("\n\n")[-1]
    assert last.startswith("event: end\n")
    shown = json.loads(last.partition("data: ")[2])
    assert tally(shown) == ("finished", 5, 5, 0)
    assert shown["seconds_left"] == 0


def test_a_person_may_be_named_by_the_account(bank: ReadyBank) -> None:
    account_id = bank.account()
    header = ("证书编号", "学习账户", "证书标准", "等级", "发证日期")
    rows = [
        [f"ACC{next(_numbers)}", account_id, "BIM", "中级", "2026-07-01"],
        [f"ACC{next(_numbers)}", str(UUID(int=7)), "BIM", "中级", "2026-07-01"],
    ]
    one = imported(bank.issuer, csv_bytes(*rows, header=header))
    found = results(bank.issuer, one)
    assert codes(found) == [[], ["not_found"]]
    assert found[0]["account_id"] == account_id


# Whose they are


def test_an_import_is_its_issuers_own(bank: ReadyBank) -> None:
    one = imported(bank.issuer, table(line()))
    path = f"/v1/imports/{one['import_id']}"
    for suffix in ("", "/preview", "/results", "/events", "/result-file", "/error-file"):
        assert bank.other_issuer.get(path + suffix).status_code == 404
        shows_what_was_sent = suffix in ("/preview", "/result-file", "/error-file")
        assert bank.authority.get(path + suffix).status_code == (403 if shows_what_was_sent else 200)
    assert bank.other_issuer.post(f"{path}/cancellation").status_code == 404
    assert one["import_id"] not in {each["import_id"] for each in bank.other_issuer.get("/v1/imports").json()["items"]}
    listed = bank.authority.get("/v1/imports?limit=1000").json()["items"]
    assert listed[0]["import_id"] == one["import_id"]


def test_imports_are_listed_the_newest_first(own_bank: ReadyBank) -> None:
    ids = [imported(own_bank.issuer, table(line()))["import_id"] for _ in range(3)]
    first = own_bank.issuer.get("/v1/imports?limit=2").json()
    rest = own_bank.issuer.get(f"/v1/imports?limit=2&cursor={first['next_cursor']}").json()
    assert [one["import_id"] for one in (*first["items"], *rest["items"])] == ids[::-1]
