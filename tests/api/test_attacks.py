"""Attacks that a running server was once open to, and what they get now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.bank import Caller, ReadyBank, certificate, ready_bank

SOURCE = {"match": {"o.kind": "x-cert"}, "value": {"carry": True}}
MANY = {f"k{number}": 1 for number in range(30_000)}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[ReadyBank]:
    """One bank for all attacks, none of which may change it."""
    directory = tmp_path_factory.mktemp("attacked")
    path = directory / "bank.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    with ready_bank(f"sqlite:///{path}", directory) as found:
        before = found.events()
        yield found
        assert found.events() == before


def evaluate(caller: Caller, rules: dict[str, Any]) -> Any:
    return caller.post("/v1/rulebooks:evaluate", {"rules": rules, "op": "convert", "given": {}})


@pytest.mark.parametrize("name", ["Authorization", "Idempotency-Key"])
def test_a_header_that_can_only_mean_one_thing_is_not_taken_twice(bank: ReadyBank, name: str) -> None:
    once = bank.authority.headers({"Idempotency-Key": "one"})
    twice = [*once.items(), (name, once[name])]
    answer = bank.client.post("/v1/accounts", json={}, headers=twice)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [(fault["code"], fault["parameter"]) for fault in answer.json()["errors"]] == [("header_repeated", name)]


@pytest.mark.parametrize("path", ["/v1/certificates:batch", "/v1/accounts:batch"])
def test_names_without_end_in_a_batch_are_one_fault(bank: ReadyBank, path: str) -> None:
    caller = bank.issuer if "certificates" in path else bank.authority
    whole = caller.post(path, MANY)
    assert [fault["code"] for fault in whole.json()["errors"]] == ["too_many"]
    line = caller.post(path, {"items": [MANY, certificate(holder=MANY)], "dry_run": True}).json()
    assert line["accepted"] == 0
    assert "too_many" in [fault["code"] for fault in line["results"][0]["problem"]["errors"]]


def test_keys_without_end_in_a_rulebook_are_one_fault(bank: ReadyBank) -> None:
    answer = evaluate(bank.authority, {"sources": [SOURCE], **MANY})
    assert [fault["detail"] for fault in answer.json()["errors"]] == ["has more than 20000 keys."]


def test_the_name_of_an_unknown_event_type_is_not_repeated(bank: ReadyBank) -> None:
    answer = bank.authority.get("/v1/events", params={"types": "account-opened/1,王小明"})
    assert [fault["code"] for fault in answer.json()["errors"]] == ["type_unknown"]
    assert "王小明" not in answer.text


def test_a_rulebook_with_faults_without_end_is_told_a_hundred(bank: ReadyBank) -> None:
    wrong = {"match": {"o.credits": {"gte": "nothing"}}, "value": {}}
    answer = evaluate(bank.authority, {"sources": [wrong] * 2_000})
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 100


def test_an_answer_does_not_repeat_a_name_of_a_megabyte(bank: ReadyBank) -> None:
    answer = evaluate(bank.authority, {"sources": [SOURCE], "x" * 1_000_000: 1})
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/rules"]
