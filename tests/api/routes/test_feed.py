"""The feed: everything in order, as pages, as NDJSON and as server-sent events, resumable from any cursor."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from starlette.types import Message

from creditbank.api.streams import MOST_STREAMS
from tests.api.bank import Caller, ReadyBank, on_one_database, person, wish, wishes

SSE = {"Accept": "text/event-stream"}
NDJSON = {"Accept": "application/x-ndjson"}


def _pages(caller: Caller, query: str = "") -> list[dict[str, Any]]:
    """All items of the feed, page by page, until the cursor moves no more: a page may hold nothing that is seen."""
    page = _page(caller, query)
    items = page["items"]
    while (more := _page(caller, f"{query}&cursor={page['next_cursor']}"))["next_cursor"] != page["next_cursor"]:
        items += more["items"]
        page = more
    return items


def _page(caller: Caller, query: str) -> dict[str, Any]:
    answer = caller.get(f"/v1/events?limit=7{query}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["next_cursor"] is not None
    return answer.json()


def test_the_feed_holds_every_event_once_and_in_order(own_bank: ReadyBank) -> None:
    for _ in range(5):
        own_bank.award()

    items = _pages(own_bank.authority)

    assert len(items) == own_bank.events()
    positions = [tuple(map(int, item["position"].split(":"))) for item in items]
    assert positions == sorted(set(positions))
    for item in items:
        assert set(item) >= {"position", "cursor", "stream", "type", "recorded_at", "actor", "data"}
    kinds = {item["stream"]["kind"] for item in items}
    assert kinds == {"organisation", "standard", "programme", "rulebook", "account"}


def test_a_follower_polls_on_from_the_end(own_bank: ReadyBank) -> None:
    end = own_bank.authority.get("/v1/events?limit=1000").json()["next_cursor"]
    empty = own_bank.authority.get(f"/v1/events?cursor={end}").json()
    awarded = own_bank.award()

    news = own_bank.authority.get(f"/v1/events?cursor={empty['next_cursor']}").json()["items"]

    assert empty["items"] == []
    assert [item["type"] for item in news] == ["account-opened/1", "certificate-awarded/1"]
    assert {item["stream"]["id"] for item in news} == {awarded["account_id"]}


def test_each_items_own_cursor_goes_on_behind_it(own_bank: ReadyBank) -> None:
    whole = own_bank.authority.get("/v1/events?limit=1000").json()["items"]

    for number, item in enumerate(whole):
        rest = own_bank.authority.get(f"/v1/events?limit=1000&cursor={item['cursor']}").json()["items"]
        assert rest == whole[number + 1 :]


def test_the_feed_is_filtered_by_types(own_bank: ReadyBank) -> None:
    own_bank.award()

    items = _pages(own_bank.authority, "&types=standard-published/1,certificate-awarded/1")

    assert sorted(item["type"] for item in items) == ["certificate-awarded/1", "standard-published/1"]


def test_an_unknown_type_is_a_fault_of_the_parameter(bank: ReadyBank) -> None:
    refused = bank.authority.get("/v1/events?types=certificate-awarded/1,nothing/1")

    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert refused.json()["errors"][0]["parameter"] == "types"


@on_one_database
@pytest.mark.parametrize("cursor", ["x", "AAAA", "é", "%F0%9F%98%80", "A" * 5000, "AQ" + "_" * 85, "-1"])
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream", "application/x-ndjson"])
def test_a_cursor_that_the_bank_did_not_issue_is_refused(bank: ReadyBank, cursor: str, accept: str) -> None:
    refused = bank.authority.get(f"/v1/events?cursor={cursor}", {"Accept": accept})

    assert (refused.status_code, refused.json()["code"]) == (400, "cursor_invalid")


@pytest.mark.parametrize("path", ["organisations", "standards", "programmes", "organisations/BIM-EVAL/accreditations"])
def test_lists_refuse_the_cursors_of_others(bank: ReadyBank, path: str) -> None:
    other = "standards" if path == "organisations" else "organisations"
    foreign = bank.authority.get(f"/v1/{other}?limit=1").json()["next_cursor"] or "none"

    for cursor in (foreign, "x", "é", "A" * 3000):
        refused = bank.authority.get(f"/v1/{path}?cursor={cursor}")
        assert (refused.status_code, refused.json()["code"]) == (400, "cursor_invalid")


@on_one_database
@pytest.mark.parametrize("limit", ["0", "-1", "1001", "many", "1e2", "9" * 30, ""])
def test_a_limit_is_a_number_from_one_to_a_thousand(bank: ReadyBank, limit: str) -> None:
    account_id = bank.account()
    for path in ("events", "organisations", "standards", "programmes", f"accounts/{account_id}/events"):
        refused = bank.authority.get(f"/v1/{path}?limit={limit}")

        assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
        assert refused.json()["errors"][0]["parameter"] == "limit"


def test_ndjson_streams_to_the_present_end_and_stops(own_bank: ReadyBank) -> None:
    own_bank.award()
    whole = own_bank.authority.get("/v1/events?limit=1000").json()["items"]

    answer = own_bank.authority.get("/v1/events", NDJSON)
    rest = own_bank.authority.get(f"/v1/events?cursor={whole[3]['cursor']}", NDJSON)

    assert answer.headers["Content-Type"].startswith("application/x-ndjson")
    assert [json.loads(line) for line in answer.text.splitlines()] == whole
    assert [json.loads(line) for line in rest.text.splitlines()] == whole[4:]


class Reader:
    """Reads server-sent events of one request until so many have come, then hangs up."""

    def __init__(self, bank: ReadyBank, caller: Caller, wanted: int) -> None:
        self.bank, self.caller, self.wanted = bank, caller, wanted
        self.enough = asyncio.Event()
        self.began = Event()
        self.text = ""
        self.content_type = ""

    def read(self, query: str = "", **headers: str) -> list[dict[str, str]]:
        sent = self.caller.headers({**SSE, **headers})
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/v1/events",
            "raw_path": b"/v1/events",
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        self.bank.client.portal.call(self.bank.client.app, scope, self._receive, self._send)
        return [_fields(block) for block in self.text.split("\n\n") if "data:" in block][: self.wanted]

    async def _receive(self) -> Message:
        await self.enough.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.content_type = dict(message["headers"])[b"content-type"].decode()
            return
        self.text += message.get("body", b"").decode()
        self.began.set()
        if self.text.count("data:") >= self.wanted:
            self.enough.set()


def _fields(block: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)


def test_server_sent_events_begin_at_the_beginning(own_bank: ReadyBank) -> None:
    whole = own_bank.authority.get("/v1/events?limit=1000").json()["items"]
    reader = Reader(own_bank, own_bank.authority, len(whole))

    read = reader.read()

    assert reader.content_type.startswith("text/event-stream")
    assert [json.loads(one["data"]) for one in read] == whole
    assert [one["id"] for one in read] == [item["cursor"] for item in whole]
    assert [one["event"] for one in read] == [item["type"] for item in whole]


def test_server_sent_events_resume_from_the_last_id_or_a_cursor(own_bank: ReadyBank) -> None:
    whole = own_bank.authority.get("/v1/events?limit=1000").json()["items"]
    third, fifth = whole[2]["cursor"], whole[4]["cursor"]

    by_id = Reader(own_bank, own_bank.authority, 2).read(**{"Last-Event-ID": third})
    by_cursor = Reader(own_bank, own_bank.authority, 2).read(f"cursor={third}")
    reconnected = Reader(own_bank, own_bank.authority, 2).read(f"cursor={third}", **{"Last-Event-ID": fifth})

    assert [json.loads(one["data"]) for one in by_id] == whole[3:5]
    assert by_cursor == by_id
    assert [json.loads(one["data"]) for one in reconnected] == whole[5:7]


def test_server_sent_events_end_when_the_key_is_revoked(own_bank: ReadyBank) -> None:
    issued = own_bank.authority.post("/v1/organisations/AUDIT/keys", {"role": "auditor"}).json()
    reader = Reader(own_bank, Caller(own_bank.client, issued["key"]), 1_000)

    with ThreadPoolExecutor() as threads:
        reading = threads.submit(reader.read)
        assert reader.began.wait(10)
        own_bank.authority.delete(f"/v1/keys/{issued['key_id']}")
        try:
            read = reading.result(timeout=10)
        finally:
            own_bank.client.portal.call(reader.enough.set)

    assert len(read) < 1_000


def test_nobody_keeps_more_streams_open_than_so_many(own_bank: ReadyBank) -> None:
    streams = own_bank.client.app.state.streams
    Reader(own_bank, own_bank.auditor, 1).read()
    [credential] = streams
    assert streams[credential] == 0
    streams[credential] = MOST_STREAMS - 1
    assert len(Reader(own_bank, own_bank.auditor, 1).read()) == 1

    streams[credential] = MOST_STREAMS
    refused = own_bank.auditor.get("/v1/events", SSE)

    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert len(Reader(own_bank, own_bank.issuer, 1).read()) == 1


def test_an_issuer_follows_its_own_certificates(own_bank: ReadyBank) -> None:
    awarded = own_bank.award()
    scope = {"standard": "BIM", "levels": ["初级"], "valid_from": "2019-04-01"}
    own_bank.authority.post("/v1/organisations/OTHER-EVAL/accreditations", scope)

    own = [item for item in _pages(own_bank.issuer) if item["stream"]["kind"] == "account"]
    foreign = _pages(own_bank.other_issuer)

    assert [item["data"]["certificate_id"] for item in own] == [awarded["certificate_id"]]
    assert [item for item in foreign if item["stream"]["kind"] == "account"] == []
    assert {item["stream"]["id"] for item in foreign} == {"BIM", "OTHER-EVAL"}


def test_an_institution_follows_its_own_dealings(own_bank: ReadyBank) -> None:
    holder = person()
    awarded = own_bank.award(holder=holder)
    own_bank.award()
    own_bank.deal(holder)
    own_bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], wish(awarded, "C1")))

    own = [item["type"] for item in _pages(own_bank.institution) if item["stream"]["kind"] == "account"]
    foreign = [item for item in _pages(own_bank.other_institution) if item["stream"]["kind"] == "account"]

    assert own == ["dealing-opened/1", "courses-exempted/1"]
    assert foreign == []


def test_an_institution_follows_its_own_reservations(own_bank: ReadyBank) -> None:
    holder = person()
    awarded = own_bank.award(holder=holder)
    own_bank.deal(holder)
    asked = wishes(awarded["account_id"], wish(awarded, "C1"), expires_at="2026-12-01T00:00:00Z")
    first = own_bank.institution.post("/v1/reservations", asked).json()["reservation_id"]
    own_bank.institution.post(f"/v1/reservations/{first}/release", {"reason": "withdrawn"})
    second = own_bank.institution.post("/v1/reservations", asked).json()["reservation_id"]
    own_bank.institution.post(f"/v1/reservations/{second}/confirmation")

    own = [item["type"] for item in _pages(own_bank.institution) if item["stream"]["kind"] == "account"]
    foreign = [item for item in _pages(own_bank.other_institution) if item["stream"]["kind"] == "account"]

    reserved = ["reservation-made/1", "reservation-released/1", "reservation-made/1", "reservation-confirmed/1"]
    assert own == ["dealing-opened/1", *reserved, "courses-exempted/1"]
    assert foreign == []


def test_a_learner_follows_the_own_account(own_bank: ReadyBank) -> None:
    awarded = own_bank.award()
    own_bank.award()

    items = _pages(own_bank.learner(awarded["account_id"]))

    assert [item["type"] for item in items] == ["account-opened/1", "certificate-awarded/1"]
    assert {item["stream"]["id"] for item in items} == {awarded["account_id"]}


def test_an_auditor_follows_everything(own_bank: ReadyBank) -> None:
    own_bank.award()

    assert len(own_bank.auditor.get("/v1/events?limit=1000").json()["items"]) == own_bank.events()


def test_a_write_names_the_last_event_of_each_partition_that_it_touched(own_bank: ReadyBank) -> None:
    survivor, merged = own_bank.account(), own_bank.account()
    end = own_bank.authority.get("/v1/events?limit=1000").json()["next_cursor"]

    answer = own_bank.authority.post(f"/v1/accounts/{survivor}/merge", {"merged": merged, "reason": "同一人"})

    last: dict[int, int] = {}
    for item in own_bank.authority.get(f"/v1/events?cursor={end}").json()["items"]:
        partition, position = map(int, item["position"].split(":"))
        last[partition] = position
    named = ",".join(f"{partition}:{position}" for partition, position in sorted(last.items()))
    assert answer.headers["Creditbank-Position"] == named
