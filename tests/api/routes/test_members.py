"""Members: added by the authority for organisations that are there, each subject once, and removed for good."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.bank import ReadyBank
from tests.api.routes.test_sessions import added, visitor

ISSUER = "https://idp.example"


def body(subject: str, **changes: Any) -> dict[str, Any]:
    return {"issuer": ISSUER, "subject": subject, "role": "issuer", "organisation": "BIM-EVAL", **changes}


def test_a_member_is_listed_with_whoever_added_it(own_bank: ReadyBank) -> None:
    first = own_bank.authority.post("/v1/members", body("clerk"), key="once")
    again = own_bank.authority.post("/v1/members", body("clerk"), key="once")
    own_bank.authority.post("/v1/members", body("officer", role="authority", organisation=None))
    removed = first.json()["member_id"]
    own_bank.authority.delete(f"/v1/members/{removed}")

    listed = own_bank.authority.get("/v1/members").json()["items"]

    assert again.json() == first.json()
    assert [(one["subject"], one["role"], one["status"]) for one in listed] == [
        ("clerk", "issuer", "removed"),
        ("officer", "authority", "active"),
    ]
    assert all(one["created_by"].startswith("authority:") for one in listed)
    page = own_bank.authority.get("/v1/members?limit=1").json()
    rest = own_bank.authority.get(f"/v1/members?limit=1&cursor={page['next_cursor']}").json()
    assert page["items"] + rest["items"] == listed


def test_a_subject_is_a_member_once_until_it_is_removed(own_bank: ReadyBank) -> None:
    member = own_bank.authority.post("/v1/members", body("clerk")).json()["member_id"]

    again = own_bank.authority.post("/v1/members", body("clerk", role="authority", organisation=None))
    assert (again.status_code, again.json()["code"], again.json()["member_id"]) == (409, "member_exists", member)

    own_bank.authority.delete(f"/v1/members/{member}")
    anew = own_bank.authority.post("/v1/members", body("clerk"))
    assert anew.status_code == 201
    assert anew.json()["member_id"] != member


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"organisation": None}, "", "organisation_missing"),
        ({"role": "institution"}, "/role", "role_not_held"),
        ({"role": "learner"}, "/role", "value_unknown"),
        ({"issuer": None}, "/issuer", "field_missing"),
        ({"subject": ""}, "/subject", "too_short"),
        ({"subject": "a" * 256}, "/subject", "too_long"),
        ({"subject": "a\u200b\n"}, "/subject", "pattern_mismatch"),
        ({"subject": "a\u0000"}, "/subject", "nul_character"),
    ],
)
def test_a_member_of_nothing_is_not_added(bank: ReadyBank, changes: dict[str, Any], pointer: str, code: str) -> None:
    refused = bank.authority.post("/v1/members", {**body("nobody"), **changes})
    assert refused.status_code == 422, refused.text
    [fault] = refused.json()["errors"]
    assert (fault.get("pointer", ""), fault["code"]) == (pointer, code)


def test_an_organisation_that_is_not_there_has_no_members(bank: ReadyBank) -> None:
    refused = bank.authority.post("/v1/members", body("nobody", organisation="GHOST"))
    assert (refused.status_code, refused.json()["code"]) == (422, "organisation_unknown")


def test_who_is_not_there_cannot_be_removed(bank: ReadyBank) -> None:
    assert bank.authority.delete("/v1/members/member-0123456789abcdef").status_code == 404


def test_an_auditor_is_one_for_a_time(own_bank: ReadyBank) -> None:
    auditor = {"role": "auditor", "organisation": "AUDIT"}
    usual = own_bank.authority.post("/v1/members", body("usual", **auditor)).json()
    short = own_bank.authority.post("/v1/members", body("short", **auditor, expires_at="2026-11-24T13:00:00Z")).json()
    long = own_bank.authority.post("/v1/members", body("long", **auditor, expires_at="2029-01-01T00:00:00Z"))
    one = visitor(own_bank, short["member_id"])
    assert one.get("/v1/session").status_code == 200

    own_bank.clock.pass_by(3_600 * 1_000_000)

    assert usual["expires_at"].startswith("2027-02-22T12:")
    assert (long.status_code, long.json()["errors"][0]["code"]) == (422, "term_too_long")
    assert one.get("/v1/session").status_code == 401
    listed = {item["member_id"]: item["status"] for item in own_bank.authority.get("/v1/members").json()["items"]}
    assert listed == {usual["member_id"]: "active", short["member_id"]: "expired"}
    assert own_bank.authority.post("/v1/members", body("short", **auditor)).status_code == 201


def test_a_member_who_made_a_key_is_not_another_person_than_the_key(own_bank: ReadyBank) -> None:
    own_bank.client.app.state.two_persons = frozenset({"erasure"})
    officer = visitor(own_bank, added(own_bank, "authority"))
    path = f"/v1/accounts/{own_bank.account()}/erasure"

    # The key of the bank's authority has added the officer.
    asked = own_bank.authority.post(path, {"reason": "x"})
    approved = officer.post(f"/v1/approvals/{asked.json()['approval_id']}")

    assert asked.status_code == 202
    assert (approved.status_code, approved.json()["code"]) == (409, "second_person_needed")
