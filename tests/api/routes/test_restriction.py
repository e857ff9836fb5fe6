"""A restricted account: its data are kept, and nobody but the learner, the authority and the auditor meets them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.bank import Caller, ReadyBank, certificate, person, wish, wishes

REASON = {"reason": "数据有争议"}
UNKNOWN = {"status": "unknown", "standard": None, "level": None, "issued_on": None, "holder_masked": None}


def _change(bank: ReadyBank, account_id: str, change: str = "restriction") -> Any:
    return bank.authority.post(f"/v1/accounts/{account_id}/{change}", REASON)


@pytest.fixture
def used(bank: ReadyBank) -> dict[str, Any]:
    """A certificate, one exemption and one reservation of its account, which then is restricted."""
    holder = person()
    awarded = bank.award(holder=holder, level="高级")
    bank.deal(holder)
    exempted = bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], wish(awarded, "C1"))).json()
    asked = wishes(awarded["account_id"], wish(awarded, "C2"), expires_at="2026-12-01T00:00:00Z")
    reserved = bank.institution.post("/v1/reservations", asked).json()
    assert _change(bank, awarded["account_id"]).json()["status"] == "restricted"
    return {**awarded, **exempted, **reserved, "holder": holder, "number": awarded["number"]}


def test_organisations_find_nothing_any_more(bank: ReadyBank, used: dict[str, Any]) -> None:
    account = f"/v1/accounts/{used['account_id']}"
    reads: list[tuple[Caller, str]] = [
        *((bank.institution, f"{account}{part}") for part in ("", "/balance", "/transcript", "/events", "/export")),
        (bank.institution, f"/v1/exemptions/{used['exemption_id']}"),
        (bank.institution, f"/v1/reservations/{used['reservation_id']}"),
        (bank.institution, f"/v1/certificates/{used['certificate_id']}"),
        (bank.issuer, f"/v1/certificates/{used['certificate_id']}"),
        (bank.issuer, f"/v1/certificates?issuer=BIM-EVAL&number={used['number']}"),
        (bank.issuer, f"{account}/events"),
        (bank.issuer, f"{account}/export"),
    ]
    for caller, path in reads:
        answer = caller.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


def test_organisations_can_do_nothing_any_more(bank: ReadyBank, used: dict[str, Any]) -> None:
    asked = wishes(used["account_id"], wish(used, "C3"))
    commands: list[tuple[Caller, str, dict[str, Any]]] = [
        (bank.institution, "/v1/eligibility", asked),
        (bank.institution, "/v1/exemptions", asked),
        (bank.institution, f"/v1/exemptions/{used['exemption_id']}/reversal", REASON),
        (bank.institution, f"/v1/reservations/{used['reservation_id']}/confirmation", {}),
        (bank.institution, "/v1/accounts/lookup", {"document": used["holder"]["document"]}),
        (bank.issuer, f"/v1/certificates/{used['certificate_id']}/hold", REASON),
        (bank.issuer, f"/v1/certificates/{used['certificate_id']}/revocation", REASON),
    ]
    before = bank.events()
    for caller, path, body in commands:
        answer = caller.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    for answer in (
        bank.issuer.post("/v1/certificates", certificate(holder=used["holder"])),
        bank.institution.post("/v1/accounts", {"holder": used["holder"]}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "account_not_open")
        assert answer.json()["account_status"] == "restricted"
        assert used["account_id"] not in answer.text
    assert bank.events() == before


def test_the_feed_of_organisations_leaves_it_out(own_bank: ReadyBank) -> None:
    awarded, other = own_bank.award(), own_bank.award()
    _change(own_bank, awarded["account_id"])

    seen = own_bank.issuer.get("/v1/events?types=certificate-awarded/1").json()["items"]
    all_of_them = own_bank.auditor.get("/v1/events?types=certificate-awarded/1").json()["items"]

    assert [item["stream"]["id"] for item in seen] == [other["account_id"]]
    assert len(all_of_them) == 2


def test_the_public_meets_an_unknown_number(bank: ReadyBank, used: dict[str, Any]) -> None:
    assert bank.public.get(f"/v1/verify/BIM-EVAL/{used['number']}").json() == UNKNOWN


def test_learner_authority_and_auditor_still_read(bank: ReadyBank, used: dict[str, Any]) -> None:
    account = f"/v1/accounts/{used['account_id']}"

    for caller in (bank.learner(used["account_id"]), bank.authority, bank.auditor):
        assert caller.get(account).json()["status"] == "restricted"
        assert caller.get(f"{account}/balance").json()["used"] == "4"
        assert caller.get(f"{account}/export").status_code == 200
    document = {"document": used["holder"]["document"]}
    assert bank.authority.post("/v1/accounts/lookup", document).json() == {"account_id": used["account_id"]}


def test_the_authority_may_still_revoke_what_is_false(bank: ReadyBank, used: dict[str, Any]) -> None:
    revoked = bank.authority.post(f"/v1/certificates/{used['certificate_id']}/revocation", REASON)

    assert revoked.json()["status"] == "revoked"


def test_the_learner_keeps_the_rights_and_shows_nothing(bank: ReadyBank, used: dict[str, Any]) -> None:
    learner, account = bank.learner(used["account_id"]), f"/v1/accounts/{used['account_id']}"
    share = {"what": "balance", "purpose": "求职", "expires_at": "2026-12-31T00:00:00Z"}
    consent = {"institution": "WHUT", "purpose": "升学", "until": "2027-01-01"}

    assert learner.post(f"{account}/requests", {"kind": "erasure"}).status_code == 201
    for path, body in ((f"{account}/shares", share), (f"{account}/consents", consent)):
        assert learner.post(path, body).json()["code"] == "account_not_open"


def test_a_restriction_is_lifted_to_what_was_before(bank: ReadyBank) -> None:
    for before, status in (("suspension", "suspended"), ("closure", "closed"), (None, "open")):
        account_id = bank.account()
        if before:
            _change(bank, account_id, before)
        _change(bank, account_id)

        lifted = _change(bank, account_id, "restriction-lifting")

        assert (lifted.status_code, lifted.json()["status"]) == (200, status)
        assert _change(bank, account_id, "restriction-lifting").json()["code"] == "wrong_state"


def test_after_the_lifting_everything_is_there_again(bank: ReadyBank, used: dict[str, Any]) -> None:
    _change(bank, used["account_id"], "restriction-lifting")

    assert bank.institution.get(f"/v1/exemptions/{used['exemption_id']}").status_code == 200
    assert bank.public.get(f"/v1/verify/BIM-EVAL/{used['number']}").json()["status"] == "active"
    assert bank.institution.post(f"/v1/reservations/{used['reservation_id']}/confirmation").status_code == 201


def test_what_is_restricted_is_not_merged_and_may_be_erased(bank: ReadyBank) -> None:
    restricted, other = bank.account(), bank.account()
    _change(bank, restricted)
    merge = {"merged": restricted, "reason": "same person"}

    assert bank.authority.post(f"/v1/accounts/{other}/merge", merge).json()["code"] == "wrong_state"
    reverse = {"merged": other, "reason": "same person"}
    assert bank.authority.post(f"/v1/accounts/{restricted}/merge", reverse).json()["code"] == "account_not_open"
    assert bank.authority.post(f"/v1/accounts/{restricted}/erasure", REASON).json()["status"] == "erased"


def test_a_restriction_is_decided_on_the_version_that_is_named(bank: ReadyBank) -> None:
    path = f"/v1/accounts/{bank.account()}/restriction"

    assert bank.authority.post(path, REASON, headers={"If-Match": '"2"'}).status_code == 412
    assert bank.authority.post(path, REASON, headers={"If-Match": '"1"'}).status_code == 200
