"""Idempotency keys: the same request gets the same answer, another request under the same key is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.bank import ReadyBank, certificate, on_one_database, person, wish, wishes


def test_the_same_key_with_the_same_body_gives_the_stored_answer(bank: ReadyBank) -> None:
    posted = certificate()
    first = bank.issuer.post("/v1/certificates", posted, key="again-1")
    before = bank.events()

    again = bank.issuer.post("/v1/certificates", posted, key="again-1")

    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["Creditbank-Position"] == first.headers["Creditbank-Position"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert bank.events() == before


def test_the_stored_answer_stays_although_the_facts_have_changed(bank: ReadyBank) -> None:
    posted = certificate()
    first = bank.issuer.post("/v1/certificates", posted, key="again-2")
    bank.issuer.post(f"/v1/certificates/{first.json()['certificate_id']}/revocation", {"reason": "误发"})

    assert bank.issuer.post("/v1/certificates", posted, key="again-2").json()["status"] == "active"


def test_the_same_key_with_another_body_is_refused(bank: ReadyBank) -> None:
    bank.issuer.post("/v1/certificates", certificate(), key="reused")

    other = bank.issuer.post("/v1/certificates", certificate(), key="reused")

    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_the_same_key_with_the_same_body_on_another_path_is_refused(bank: ReadyBank) -> None:
    account, other, reason = bank.account(), bank.account(), {"reason": "本人申请"}
    bank.authority.post(f"/v1/accounts/{account}/suspension", reason, key="path")

    refused = bank.authority.post(f"/v1/accounts/{other}/suspension", reason, key="path")

    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert bank.authority.get(f"/v1/accounts/{other}").json()["status"] == "open"


@on_one_database
@pytest.mark.parametrize("value", [None, "", " ", '""', '"open', "two words", "é", "k" * 256, '"a"b"'])
def test_a_write_without_a_readable_key_is_refused(bank: ReadyBank, value: str | None) -> None:
    before = bank.events()
    headers = bank.issuer.headers() | ({} if value is None else {"Idempotency-Key": value.encode("latin-1")})

    refused = bank.client.post("/v1/certificates", json=certificate(), headers=headers)

    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_missing")
    assert bank.events() == before


WRITES = [
    ("authority", "/v1/organisations", {"code": "K", "name": "K", "roles": ["issuer"]}),
    ("authority", "/v1/standards", {"code": "K", "title": "K", "scheme": "K", "levels": []}),
    ("authority", "/v1/organisations/BIM-EVAL/keys", {"role": "issuer"}),
    ("institution", "/v1/rulebooks/k/versions", {"rules": {}}),
    ("institution", "/v1/accounts", {"holder": person()}),
    ("institution", "/v1/accounts:batch", {"items": [{"holder": person()}]}),
    ("issuer", "/v1/certificates:batch", {"items": [certificate()]}),
]


@on_one_database
@pytest.mark.parametrize(("caller", "path", "body"), WRITES, ids=[path for _, path, _ in WRITES])
def test_every_write_needs_a_key(bank: ReadyBank, caller: str, path: str, body: dict[str, Any]) -> None:
    if path == "/v1/standards":
        body = {**body, "levels": [{"level": "K", "rank": 1, "credits": "1"}]}
    who = getattr(bank, caller)

    refused = bank.client.post(path, json=body, headers=who.headers())

    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_missing")


def test_a_key_may_be_bare_or_quoted(bank: ReadyBank) -> None:
    posted = certificate()
    bare = bank.issuer.post("/v1/certificates", posted, key="quotable")

    quoted = bank.issuer.post("/v1/certificates", posted, key='"quotable"')

    assert (quoted.status_code, quoted.content) == (201, bare.content)


def test_refusals_are_not_stored_and_judged_anew(bank: ReadyBank) -> None:
    account_id, reason = bank.account(), {"reason": "本人申请"}
    posted = certificate(holder={"account_id": account_id})
    bank.authority.post(f"/v1/accounts/{account_id}/suspension", reason)

    refused = bank.issuer.post("/v1/certificates", posted, key="anew")
    bank.authority.post(f"/v1/accounts/{account_id}/reinstatement", reason)
    accepted = bank.issuer.post("/v1/certificates", posted, key="anew")

    assert (refused.status_code, accepted.status_code) == (409, 201)
    assert "Idempotency-Replayed" not in accepted.headers


def test_a_dry_run_leaves_its_key_free(bank: ReadyBank) -> None:
    items = [certificate()]
    bank.issuer.post("/v1/certificates:batch", {"items": items, "dry_run": True}, key="dry")

    answer = bank.issuer.post("/v1/certificates:batch", {"items": items, "dry_run": False}, key="dry")

    assert answer.json()["accepted"] == 1


def test_keys_belong_to_the_organisation_and_not_to_the_api_key(bank: ReadyBank) -> None:
    posted = certificate()
    first = bank.issuer.post("/v1/certificates", posted, key="shared")

    colleague = bank.caller("issuer", "BIM-EVAL").post("/v1/certificates", posted, key="shared")
    stranger = bank.institution.post("/v1/accounts", {"holder": person()}, key="shared")

    assert colleague.content == first.content
    assert colleague.headers["Idempotency-Replayed"] == "true"
    assert stranger.status_code == 201


def test_an_organisation_with_the_name_of_a_role_does_not_share_the_authoritys_keys(bank: ReadyBank) -> None:
    holder = person()
    bank.authority.post("/v1/accounts", {"holder": holder}, key="named-alike")
    namesake = bank.organisation("authority", "institution")

    answer = namesake.post("/v1/accounts", {"holder": person()}, key="named-alike")

    assert answer.status_code == 201
    assert namesake.get(f"/v1/accounts/{bank.account()}").status_code == 404


def test_a_decision_is_repeated_under_its_key(bank: ReadyBank) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    asked = wishes(awarded["account_id"], wish(awarded, "C1"))
    first = bank.institution.post("/v1/exemptions", asked, key="decided")

    again = bank.institution.post("/v1/exemptions", asked, key="decided")

    assert (again.status_code, again.content) == (201, first.content)
    assert bank.balance(awarded["account_id"])["used"] == "4"
