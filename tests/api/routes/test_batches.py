"""Batches of certificates: a verdict per line in their order, all or nothing where asked, and never twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.bank import ReadyBank, certificate, person

PATH = "/v1/certificates:batch"


def _codes(answer: Any) -> list[str | None]:
    return [line.get("problem", {}).get("code") for line in answer.json()["results"]]


def _mixed() -> list[Any]:
    """Fit, of an unknown level, no object, fit, of another issuer, with a field at fault, and the first one again."""
    first = certificate()
    return [
        first,
        certificate(level="特级"),
        7,
        certificate(),
        certificate(issuer="OTHER-EVAL"),
        certificate(issued_on="2026-02-30"),
        first,
    ]


MIXED = [None, "level_unknown", "validation_failed", None, "forbidden", "validation_failed", "certificate_duplicate"]


def test_a_bad_line_never_stops_the_rest(bank: ReadyBank) -> None:
    items = _mixed()

    answer = bank.issuer.post(PATH, {"items": items, "mode": "partial", "dry_run": False})

    assert answer.status_code == 207
    lines = answer.json()["results"]
    assert [line["index"] for line in lines] == list(range(7))
    assert [line["status"] for line in lines] == [201, 422, 422, 201, 403, 422, 409]
    assert _codes(answer) == MIXED
    assert (answer.json()["accepted"], answer.json()["refused"]) == (2, 5)
    assert lines[5]["problem"]["errors"][0]["pointer"] == "/issued_on"
    assert lines[6]["problem"]["certificate_id"] == lines[0]["certificate_id"]
    for line in (lines[0], lines[3]):
        found = bank.issuer.get(f"/v1/certificates/{line['certificate_id']}")
        assert found.json()["number"] == items[line["index"]]["number"]


def test_accepted_lines_carry_their_positions(bank: ReadyBank) -> None:
    answer = bank.issuer.post(PATH, {"items": [certificate(), certificate(level="特级"), certificate()]})

    lines = answer.json()["results"]
    positions = {lines[0]["position"], lines[2]["position"]}
    assert "position" not in lines[1]
    assert positions >= set(answer.headers["Creditbank-Position"].split(","))
    history = bank.authority.get(f"/v1/accounts/{lines[0]['account_id']}/events").json()["items"]
    assert history[-1]["position"] == lines[0]["position"]


def test_lines_of_one_new_person_share_an_account(bank: ReadyBank) -> None:
    holder = person()

    answer = bank.issuer.post(PATH, {"items": [certificate(holder=holder) for _ in range(3)]})

    accounts = {line["account_id"] for line in answer.json()["results"]}
    assert len(accounts) == 1
    assert bank.balance(accounts.pop())["earned"] == "18"


def test_two_persons_in_one_batch_cannot_share_a_number(bank: ReadyBank) -> None:
    first = certificate()

    answer = bank.issuer.post(PATH, {"items": [first, {**first, "holder": person()}]})

    assert _codes(answer) == [None, "certificate_number_taken"]


def test_an_atomic_batch_is_refused_as_a_whole(bank: ReadyBank) -> None:
    before = bank.events()

    answer = bank.issuer.post(PATH, {"items": _mixed(), "mode": "atomic"})

    assert answer.status_code == 207
    assert _codes(answer) == ["not_attempted" if code is None else code for code in MIXED]
    assert [line["status"] for line in answer.json()["results"]] == [424, 422, 422, 424, 403, 422, 409]
    assert (answer.json()["accepted"], answer.json()["refused"]) == (0, 7)
    assert "Creditbank-Position" not in answer.headers
    assert bank.events() == before


def test_an_atomic_batch_without_fault_is_written(bank: ReadyBank) -> None:
    answer = bank.issuer.post(PATH, {"items": [certificate(), certificate()], "mode": "atomic"})

    assert _codes(answer) == [None, None]
    assert answer.json()["accepted"] == 2


@pytest.mark.parametrize(("mode", "accepted"), [("partial", 2), ("atomic", 0)])
def test_a_dry_run_says_what_would_be_and_needs_no_key(bank: ReadyBank, mode: str, accepted: int) -> None:
    items, before = _mixed(), bank.events()
    body = {"items": items, "mode": mode, "dry_run": True}

    answer = bank.client.post(PATH, json=body, headers=bank.issuer.headers())

    assert (answer.status_code, answer.json()["accepted"]) == (207, accepted)
    assert bank.events() == before
    assert bank.issuer.post(PATH, {"items": items, "mode": "partial"}).json()["accepted"] == 2


def test_the_whole_batch_again_under_a_new_key_adds_nothing(bank: ReadyBank) -> None:
    items = [certificate() for _ in range(5)]
    first = bank.issuer.post(PATH, {"items": items})
    before = bank.events()

    again = bank.issuer.post(PATH, {"items": items})

    assert _codes(again) == ["certificate_duplicate"] * 5
    named = [line["problem"]["certificate_id"] for line in again.json()["results"]]
    assert named == [line["certificate_id"] for line in first.json()["results"]]
    assert bank.events() == before


def test_the_whole_batch_again_under_its_key_gets_its_answer(bank: ReadyBank) -> None:
    body = {"items": [certificate() for _ in range(3)]}
    first = bank.issuer.post(PATH, body, key="batch-1")

    again = bank.issuer.post(PATH, body, key="batch-1")

    assert (again.status_code, again.content) == (207, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Creditbank-Position"] == first.headers["Creditbank-Position"]


@pytest.mark.parametrize(("items", "code"), [([], "too_few"), ([{}] * 5001, "too_many"), ({}, "wrong_type")])
def test_a_batch_holds_one_to_five_thousand_lines(bank: ReadyBank, items: Any, code: str) -> None:
    for path, caller in ((PATH, bank.issuer), ("/v1/accounts:batch", bank.institution)):
        refused = caller.post(path, {"items": items})

        assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
        assert [(fault["pointer"], fault["code"]) for fault in refused.json()["errors"]] == [("/items", code)]


def test_five_thousand_lines_are_taken_at_once(sqlite_bank: ReadyBank) -> None:
    sqlite_bank.client.app.state.beside.close()  # this is about the number: who makes the lines ready, about nothing

    answer = sqlite_bank.issuer.post(PATH, {"items": [certificate() for _ in range(5000)]})

    assert (answer.status_code, answer.json()["accepted"]) == (207, 5000)


def test_only_an_object_is_a_batch(bank: ReadyBank) -> None:
    for body in ([certificate()], {"items": [certificate()], "mode": "some"}, {"items": [], "dry_run": "yes"}):
        refused = bank.issuer.post(PATH, body)

        assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")


def test_no_refusal_of_a_line_holds_personal_data(bank: ReadyBank) -> None:
    items = [
        certificate(holder={"name": "王小明", "document": {"type": "CN-RIC", "number": "110105194912310021"}}),
        certificate(holder={"name": "王小明", "document": {"type": "CN-RIC", "number": "1" * 65}}),
        certificate(holder={"name": "王小明", "document": {"type": "王小明", "number": "110105194912310021"}}),
    ]

    answer = bank.issuer.post(PATH, {"items": items})

    assert answer.json()["refused"] == 3
    for secret in ("王小明", "110105194912310021", "1" * 65):
        assert secret not in answer.text
