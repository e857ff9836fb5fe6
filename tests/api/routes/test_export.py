"""The export of an account: everything in clear for the learner, what is theirs for others, and sums to recompute."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any
from uuid import UUID

from jsonschema import Draft202012Validator

from creditbank.api.answers import exports
from creditbank.commands import documents
from creditbank.domain import account as accounts
from creditbank.domain.balance import balance
from creditbank.domain.timeline import Moment
from creditbank.ledger import codec
from tests.api.bank import TODAY, Caller, ReadyBank, person, wish, wishes


def _life(bank: ReadyBank) -> dict[str, Any]:
    """An account with something of everything, and its holder."""
    holder = {**person(), "birth_date": "2000-02-29"}
    awarded = bank.award(holder=holder)
    account_id = awarded["account_id"]
    bank.award(holder=holder, level="高级")
    bank.deal(holder)
    bank.institution.post("/v1/exemptions", wishes(account_id, wish(awarded, "C1")))
    reserved = wishes(account_id, wish(awarded, "C2"), expires_at="2026-12-01T00:00:00Z")
    assert bank.institution.post("/v1/reservations", reserved).status_code == 201
    correction = {"holder": {"name": "王大明"}, "cause": "change", "reason": "更名"}
    bank.authority.post(f"/v1/accounts/{account_id}/correction", correction)
    learner, account = bank.learner(account_id), f"/v1/accounts/{account_id}"
    learner.post(f"{account}/consents", {"institution": "WHUT", "purpose": "升学", "until": "2027-08-31"})
    learner.post(f"{account}/shares", {"what": "balance", "purpose": "求职", "expires_at": "2026-12-31T00:00:00Z"})
    learner.post(f"{account}/requests", {"kind": "closure", "text": "毕业了"})
    return {"account_id": account_id, "holder": holder}


def _export(caller: Caller, account_id: str) -> dict[str, Any]:
    answer = caller.get(f"/v1/accounts/{account_id}/export")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_learner_gets_everything_in_clear(bank: ReadyBank) -> None:
    life = _life(bank)
    learner = bank.learner(life["account_id"])

    exported = _export(learner, life["account_id"])

    assert (exported["format"], exported["masked"]) == ("creditbank-account-export/1", False)
    assert exported["holder"] == {**life["holder"], "name": "王大明"}
    assert [(one["name"], one["cause"]) for one in exported["former_holders"]] == [("王小明", "change")]
    account = f"/v1/accounts/{life['account_id']}"
    assert exported["events"] == learner.get(f"{account}/events?limit=1000").json()["items"]
    for part in ("balance", "transcript"):
        assert exported[part] == learner.get(f"{account}/{part}").json()
    for part in ("consents", "shares", "requests"):
        assert exported[part] == learner.get(f"{account}/{part}").json()["items"]
        assert len(exported[part]) == 1
    assert [one["level"] for one in exported["certificates"]] == ["中级", "高级"]
    assert [("exemption_id" in one, "reservation_id" in one) for one in exported["uses"]] == [
        (True, False),
        (False, True),
    ]
    assert exported["account"]["version"] == len(exported["events"])


def test_a_reader_recomputes_the_balance_from_the_exported_events(bank: ReadyBank) -> None:
    life = _life(bank)
    exported = _export(bank.learner(life["account_id"]), life["account_id"])

    events = [codec.decode(item["type"], json.dumps(item["data"]).encode()) for item in exported["events"]]
    replayed = accounts.replay(accounts.empty(UUID(life["account_id"])), accounts.account_events(events))
    sums = balance(replayed.lots.values(), replayed.uses.values(), TODAY, bank.core.clock())

    assert documents.balance(sums, replayed.head, Moment()) == exported["balance"]
    assert exported["balance"]["used"] == "4"
    assert exported["balance"]["reserved"] == "2"


def test_the_schema_that_is_shipped_is_that_of_the_answer() -> None:
    """To write it anew, dump `exports.schema()` with an indent of two."""
    shipped = resources.files("creditbank.api.answers") / "account-export-1.schema.json"

    assert json.loads(shipped.read_text("utf-8")) == exports.schema()
    Draft202012Validator.check_schema(exports.schema())


def test_every_export_fits_the_schema_that_is_shipped(bank: ReadyBank) -> None:
    life, schema = _life(bank), Draft202012Validator(exports.schema())

    for role in ("learner", "authority", "auditor", "issuer", "institution", "other_institution"):
        caller = bank.learner(life["account_id"]) if role == "learner" else getattr(bank, role)
        faults = [fault.message for fault in schema.iter_errors(_export(caller, life["account_id"]))]
        assert faults == [], role


def test_an_auditor_gets_it_masked_and_without_words(bank: ReadyBank) -> None:
    life = _life(bank)

    exported = _export(bank.auditor, life["account_id"])

    assert exported["masked"] is True
    assert (exported["holder"]["name"], exported["holder"]["birth_date"]) == ("王**", None)
    assert "former_holders" not in exported
    assert [one["purpose"] for one in (*exported["consents"], *exported["shares"])] == [None, None]
    assert [one["text"] for one in exported["requests"]] == [None]
    text = json.dumps(exported, ensure_ascii=False)
    for word in ("大明", "小明", life["holder"]["document"]["number"], "2000-02-29", "升学", "求职", "毕业了"):
        assert word not in text


def test_an_issuer_gets_what_concerns_its_certificates(bank: ReadyBank) -> None:
    life = _life(bank)

    exported = _export(bank.issuer, life["account_id"])

    assert exported["account"] == {"account_id": life["account_id"]}
    assert {one["type"] for one in exported["events"]} == {"certificate-awarded/1"}
    assert len(exported["certificates"]) == 2
    assert not {"holder", "uses", "balance", "transcript", "consents", "shares", "requests"} & exported.keys()
    assert bank.other_issuer.get(f"/v1/accounts/{life['account_id']}/export").status_code == 404


def test_an_institution_gets_its_own_dealings(bank: ReadyBank) -> None:
    life = _life(bank)

    own = _export(bank.institution, life["account_id"])
    other = _export(bank.other_institution, life["account_id"])

    assert {one["type"] for one in own["events"]} == {"dealing-opened/1", "courses-exempted/1", "reservation-made/1"}
    assert (len(own["uses"]), other["uses"]) == (2, [])
    assert {one["type"] for one in other["events"]} == {"consent-given/1"}
    assert own["holder"]["name"] == "王**"
    assert not {"consents", "shares", "requests", "former_holders"} & own.keys()


def test_who_holds_the_version_gets_no_export_again(bank: ReadyBank) -> None:
    account_id = bank.account()
    learner, path = bank.learner(account_id), f"/v1/accounts/{account_id}/export"

    first = learner.get(path)
    same = learner.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["ETag"] == '"1"'
    assert (same.status_code, same.content) == (304, b"")


def test_a_stranger_finds_no_account_to_export(bank: ReadyBank) -> None:
    path = f"/v1/accounts/{bank.account()}/export"

    for caller in (bank.learner(bank.account()), bank.institution, bank.issuer):
        answer = caller.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_after_an_erasure_the_numbers_are_left_and_nobody_behind_them(bank: ReadyBank) -> None:
    life = _life(bank)
    bank.authority.post(f"/v1/accounts/{life['account_id']}/erasure", {"reason": "本人申请"})

    exported = _export(bank.authority, life["account_id"])

    assert (exported["holder"], exported["former_holders"]) == (None, [])
    assert exported["balance"]["earned"] == "14"
    assert [one["status"] for one in exported["shares"]] == ["revoked"]
    assert [one["text"] for one in exported["requests"]] == [None]


def test_the_survivor_of_a_merge_exports_what_came_with_it(bank: ReadyBank) -> None:
    life, kept = _life(bank), bank.award()
    body = {"merged": life["account_id"], "reason": "same person"}
    assert bank.authority.post(f"/v1/accounts/{kept['account_id']}/merge", body).status_code == 200

    exported = _export(bank.learner(kept["account_id"]), kept["account_id"])

    assert exported["account"]["merged_from"] == [life["account_id"]]
    assert len(exported["certificates"]) == 3
    assert [one["purpose"] for one in (*exported["consents"], *exported["shares"])] == ["升学", "求职"]
    assert {one["name"] for one in exported["former_holders"]} == {"王小明", "王大明"}
