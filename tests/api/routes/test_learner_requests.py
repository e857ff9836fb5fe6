"""What learners ask the authority for, over HTTP: asked, read, settled, and gone with the person."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from creditbank.ledger.tables import command_log, event
from tests.api.bank import ReadyBank

NOWHERE = "0192f0c1-2d3e-7f40-8a5b-6c7d8e9f0a1b"
WORDS = "我叫李大明，\n请更正。"


def _ask(bank: ReadyBank, account_id: str, kind: str = "correction", **changes: Any) -> dict[str, Any]:
    body = {"kind": kind, "text": WORDS, **changes}
    answer = bank.learner(account_id).post(f"/v1/accounts/{account_id}/requests", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def _listed(bank: ReadyBank, **params: str) -> list[dict[str, Any]]:
    return bank.authority.get("/v1/requests", params={"limit": "1000", **params}).json()["items"]


@pytest.mark.parametrize("kind", ["closure", "erasure", "correction", "restriction"])
def test_a_learner_asks_and_the_authority_reads_it(bank: ReadyBank, kind: str) -> None:
    account_id = bank.account()

    asked = _ask(bank, account_id, kind)

    assert (asked["kind"], asked["status"], asked["text"], asked["reason"]) == (kind, "open", WORDS, None)
    assert asked in _listed(bank, status="open")
    own = bank.learner(account_id)
    assert own.get(f"/v1/accounts/{account_id}/requests").json() == {"items": [asked], "next_cursor": None}
    assert own.get("/v1/requests").json() == {"items": [asked], "next_cursor": None}


def test_a_request_without_words_is_one_too(bank: ReadyBank) -> None:
    account_id = bank.account()
    path = f"/v1/accounts/{account_id}/requests"

    answer = bank.learner(account_id).post(path, {"kind": "closure"})

    assert (answer.status_code, answer.json()["text"]) == (201, None)
    refused = bank.learner(account_id).post(path, {"kind": "praise"})
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/kind"]


def test_requests_come_page_by_page_the_oldest_first(own_bank: ReadyBank) -> None:
    asked = [_ask(own_bank, own_bank.account())["request_id"] for _ in range(3)]

    first = own_bank.authority.get("/v1/requests?limit=2").json()
    second = own_bank.authority.get("/v1/requests", params={"limit": "2", "cursor": first["next_cursor"]}).json()

    assert [one["request_id"] for one in (*first["items"], *second["items"])] == asked
    assert second["next_cursor"] is None


def test_a_request_is_settled_once_and_the_learner_reads_the_answer(bank: ReadyBank) -> None:
    asked = _ask(bank, bank.account())
    path = f"/v1/requests/{asked['request_id']}/settlement"

    settled = bank.authority.post(path, {"outcome": "declined", "reason": "证明材料不足"})
    again = bank.authority.post(path, {"outcome": "done", "reason": "-"})

    assert settled.status_code == 200
    assert settled.json() == {**asked, "status": "declined", "reason": "证明材料不足", "text": None}
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    own = bank.learner(asked["account_id"]).get(f"/v1/accounts/{asked['account_id']}/requests").json()["items"]
    assert [(one["status"], one["reason"]) for one in own] == [("declined", "证明材料不足")]
    assert asked["request_id"] not in [one["request_id"] for one in _listed(bank, status="open")]
    assert asked["request_id"] in [one["request_id"] for one in _listed(bank, status="declined")]


def test_a_request_that_is_not_there_cannot_be_settled(bank: ReadyBank) -> None:
    answer = bank.authority.post(f"/v1/requests/{NOWHERE}/settlement", {"outcome": "done", "reason": "-"})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_an_auditor_reads_that_something_was_asked_and_not_its_words(bank: ReadyBank) -> None:
    asked = _ask(bank, bank.account())

    seen = [
        one
        for one in bank.auditor.get("/v1/requests?limit=1000").json()["items"]
        if one["request_id"] == asked["request_id"]
    ]

    assert seen == [{**asked, "text": None}]
    assert bank.learner(bank.account()).get(f"/v1/accounts/{asked['account_id']}/requests").status_code == 404


def test_the_words_stand_in_no_event_and_no_stored_answer_and_go_with_the_person(own_bank: ReadyBank) -> None:
    account_id = own_bank.account()
    asked = _ask(own_bank, account_id, "erasure")
    with own_bank.core.engine.connect() as connection, connection.begin():
        rows = [*connection.execute(select(event.c.body)), *connection.execute(select(command_log.c.body))]
    assert rows
    assert not any("李大明".encode() in bytes(row.body) for row in rows)

    erased = own_bank.authority.post(f"/v1/accounts/{account_id}/erasure", {"reason": "本人申请"})
    assert erased.status_code == 200

    assert [one["text"] for one in _listed(own_bank)] == [None]
    settled = own_bank.authority.post(
        f"/v1/requests/{asked['request_id']}/settlement", {"outcome": "done", "reason": "已清除"}
    )
    assert settled.json()["status"] == "done"


def test_after_a_merge_the_request_waits_on_the_survivor(bank: ReadyBank) -> None:
    kept, merged = bank.account(), bank.account()
    asked = _ask(bank, merged)

    bank.authority.post(f"/v1/accounts/{kept}/merge", {"merged": merged, "reason": "same person"})

    mine = [one for one in _listed(bank) if one["request_id"] == asked["request_id"]]
    assert mine == [{**asked, "account_id": kept}]
    commanded = bank.learner(merged).post(f"/v1/accounts/{merged}/requests", {"kind": "closure"})
    assert (commanded.status_code, commanded.json()["merged_into"]) == (409, kept)
