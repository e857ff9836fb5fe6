"""Access: what credentials open, and what of an account is seen by whom. Who may do what: `access/test_matrix.py`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.api.bank import TODAY, Caller, ReadyBank, certificate, on_one_database, person, wish, wishes


@on_one_database
@pytest.mark.parametrize("path", ["/v1/verify/BIM-EVAL/1", "/livez", "/readyz", "/openapi.json"])
def test_what_is_public_needs_no_credentials(bank: ReadyBank, path: str) -> None:
    assert bank.public.get(path).status_code == 200


# Keys


@on_one_database
@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer cb_0000000000_" + "0" * 38,
        "Basic dXNlcjpwYXNz",
        "Bearer " + "k" * 5000,
        b"Bearer cb_\xe4\xbd\xa0\xe5\xa5\xbd_key",
    ],
)
def test_bad_credentials_are_all_alike(bank: ReadyBank, header: str | bytes) -> None:
    answer = bank.client.get("/v1/organisations", headers={"Authorization": header})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_a_key_with_one_sign_changed_is_unknown(bank: ReadyBank) -> None:
    key = bank.auditor.token
    assert key is not None
    changed = key[:20] + ("A" if key[20] != "A" else "B") + key[21:]

    assert Caller(bank.client, changed).get("/v1/organisations").status_code == 401


def test_a_revoked_key_works_no_more(bank: ReadyBank) -> None:
    made = bank.authority.post("/v1/organisations/AUDIT/keys", {"role": "auditor"}).json()
    caller = Caller(bank.client, made["key"])
    assert caller.get("/v1/organisations").status_code == 200

    revoked = bank.authority.delete(f"/v1/keys/{made['key_id']}")

    assert (revoked.status_code, revoked.content) == (204, b"")
    assert caller.get("/v1/organisations").status_code == 401
    assert bank.auditor.get("/v1/organisations").status_code == 200


def test_a_key_that_is_not_there_cannot_be_revoked(bank: ReadyBank) -> None:
    for key_id in ("0000000000", "é", "k" * 500):
        assert bank.authority.delete(f"/v1/keys/{key_id}").json()["code"] == "not_found"


def test_a_key_works_until_it_expires(own_bank: ReadyBank) -> None:
    body = {"role": "auditor", "expires_at": "2026-11-25T00:00:00+08:00"}
    made = own_bank.authority.post("/v1/organisations/AUDIT/keys", body).json()
    caller = Caller(own_bank.client, made["key"])

    assert made["expires_at"] == "2026-11-24T16:00:00.000000Z"
    assert caller.get("/v1/organisations").status_code == 200
    own_bank.clock.set(TODAY + timedelta(days=1))
    assert caller.get("/v1/organisations").status_code == 401


# What is seen


def test_an_issuer_sees_of_an_account_what_concerns_its_certificates(bank: ReadyBank) -> None:
    awarded = bank.award()
    path = f"/v1/accounts/{awarded['account_id']}/events"

    own = bank.issuer.get(path).json()["items"]

    assert [item["type"] for item in own] == ["certificate-awarded/1"]
    assert bank.other_issuer.get(path).status_code == 404


def test_an_institution_sees_of_an_account_what_concerns_its_dealings(bank: ReadyBank) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    bank.other_institution.post("/v1/accounts/lookup", {"document": holder["document"]})
    bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], wish(awarded, "C1")))
    path = f"/v1/accounts/{awarded['account_id']}/events"

    own = [item["type"] for item in bank.institution.get(path).json()["items"]]
    other = [item["type"] for item in bank.other_institution.get(path).json()["items"]]

    assert own == ["dealing-opened/1", "courses-exempted/1"]
    assert other == ["dealing-opened/1"]


def test_an_issuer_naming_another_one_is_forbidden_to_post(bank: ReadyBank) -> None:
    before = bank.events()

    single = bank.issuer.post("/v1/certificates", certificate(issuer="OTHER-EVAL"))
    nobody = bank.issuer.post("/v1/certificates", certificate(issuer="NOBODY"))

    assert (single.status_code, single.json()["code"]) == (403, "forbidden")
    assert nobody.status_code == 403
    assert bank.events() == before


def test_an_auditor_sees_holders_masked(bank: ReadyBank) -> None:
    holder = person(name="欧阳小明")
    awarded = bank.award(holder=holder)

    seen = bank.auditor.get(f"/v1/accounts/{awarded['account_id']}")

    assert seen.json()["holder"]["name"] == "欧***"
    assert holder["document"]["number"] not in seen.text
