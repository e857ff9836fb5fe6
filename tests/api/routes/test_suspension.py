"""Suspended organisations: what asks in their name is refused everywhere within two seconds; what they did stays."""

from __future__ import annotations

from pathlib import Path

from creditbank.api.freshness import FRESH_MICROSECONDS
from tests.api.bank import Caller, ReadyBank, certificate, open_app

REASON = {"reason": "抽查不合格"}
TWO_SECONDS = 2_000_000


def _post(bank: ReadyBank, act: str) -> tuple[int, str]:
    answer = bank.authority.post(f"/v1/organisations/BIM-EVAL/{act}", REASON)
    return answer.status_code, answer.json().get("status")


def test_the_keys_of_a_suspended_organisation_are_refused_until_it_is_reinstated(own_bank: ReadyBank) -> None:
    assert own_bank.issuer.get("/v1/organisations").status_code == 200

    assert _post(own_bank, "suspension") == (200, "suspended")
    refused = own_bank.issuer.post("/v1/certificates", certificate())
    unknown = Caller(own_bank.client, "cb_nobody").post("/v1/certificates", certificate())
    others = own_bank.other_issuer.get("/v1/organisations/BIM-EVAL")
    assert _post(own_bank, "reinstatement") == (200, "active")
    posted = own_bank.issuer.post("/v1/certificates", certificate())

    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert {**refused.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}
    assert refused.headers["WWW-Authenticate"] == unknown.headers["WWW-Authenticate"]
    assert others.json()["status"] == "suspended"
    assert posted.status_code == 201


def test_another_process_refuses_within_two_seconds(own_bank: ReadyBank, database_url: str, tmp_path: Path) -> None:
    assert FRESH_MICROSECONDS < TWO_SECONDS
    with open_app(database_url, tmp_path, own_bank.clock) as other:
        there = Caller(other, own_bank.issuer.token)
        assert there.get("/v1/organisations").status_code == 200

        _post(own_bank, "suspension")
        own_bank.clock.pass_by(FRESH_MICROSECONDS)
        assert there.get("/v1/organisations").status_code == 401

        _post(own_bank, "reinstatement")
        assert there.get("/v1/organisations").status_code == 200


def test_what_a_suspended_organisation_did_stays(own_bank: ReadyBank) -> None:
    awarded = own_bank.award()
    before = own_bank.balance(awarded["account_id"])

    _post(own_bank, "suspension")

    assert own_bank.balance(awarded["account_id"]) == before
    read = own_bank.authority.get(f"/v1/certificates/{awarded['certificate_id']}")
    assert (read.status_code, read.json()["status"]) == (200, "active")
    verified = own_bank.public.get(f"/v1/verify/BIM-EVAL/{awarded['number']}").json()
    assert verified["status"] == "active"


def test_an_organisation_is_suspended_once(own_bank: ReadyBank) -> None:
    assert own_bank.authority.post("/v1/organisations/BIM-EVAL/reinstatement", REASON).json()["code"] == "wrong_state"
    _post(own_bank, "suspension")
    again = own_bank.authority.post("/v1/organisations/BIM-EVAL/suspension", REASON)
    nobody = own_bank.authority.post("/v1/organisations/NOBODY/suspension", REASON)

    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "not_found")


def test_who_registers_a_suspended_organisation_again_is_told_its_state(own_bank: ReadyBank) -> None:
    body = {"code": "BIM-EVAL", "name": "BIM-EVAL", "roles": ["issuer"]}
    _post(own_bank, "suspension")

    again = own_bank.authority.post("/v1/organisations", body)

    assert (again.status_code, again.json()["status"]) == (200, "suspended")


def test_a_suspension_is_an_event_that_the_organisation_can_read_later(own_bank: ReadyBank) -> None:
    _post(own_bank, "suspension")
    _post(own_bank, "reinstatement")

    types = "organisation-suspended/1,organisation-reinstated/1"
    seen = own_bank.issuer.get(f"/v1/events?types={types}").json()["items"]

    assert [(item["type"], item["stream"]["id"], item["data"]["reason"]) for item in seen] == [
        ("organisation-suspended/1", "BIM-EVAL", REASON["reason"]),
        ("organisation-reinstated/1", "BIM-EVAL", REASON["reason"]),
    ]
    assert own_bank.other_issuer.get(f"/v1/events?types={types}").json()["items"] == []
