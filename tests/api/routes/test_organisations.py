"""Organisations, their accreditations and keys: registered once, dated, scoped, and withdrawn with effect."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.bank import ReadyBank, certificate, on_one_database, person

ORGANISATION = {
    "name": "廊坊市中科建筑产业化创新研究中心",
    "roles": ["issuer"],
    "region": "HB",
    "aliases": ["中科建筑"],
}


def test_an_organisation_is_registered(bank: ReadyBank) -> None:
    wanted = {**ORGANISATION, "code": "REG-1", "uscc": "91350100M000100Y43", "assessor_kind": "S"}

    registered = bank.authority.post("/v1/organisations", wanted)

    assert registered.status_code == 201
    assert registered.json() == {**wanted, "status": "active"}
    assert bank.issuer.get("/v1/organisations/REG-1").json() == registered.json()


def test_the_same_organisation_again_changes_nothing(bank: ReadyBank) -> None:
    wanted = {**ORGANISATION, "code": "REG-2"}
    first = bank.authority.post("/v1/organisations", wanted)

    again = bank.authority.post("/v1/organisations", wanted)

    assert (again.status_code, again.json()) == (200, first.json())
    assert "Creditbank-Position" not in again.headers


def test_other_content_under_a_taken_code_is_refused(bank: ReadyBank) -> None:
    bank.authority.post("/v1/organisations", {**ORGANISATION, "code": "REG-3"})

    other = bank.authority.post("/v1/organisations", {**ORGANISATION, "code": "REG-3", "name": "别的机构"})

    assert (other.status_code, other.json()["code"]) == (409, "organisation_exists")


def test_a_credit_code_that_fails_its_check_is_refused(bank: ReadyBank) -> None:
    wanted = {**ORGANISATION, "code": "REG-4", "uscc": "91350100M000100Y44"}

    refused = bank.authority.post("/v1/organisations", wanted)

    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert refused.json()["errors"][0]["pointer"] == "/uscc"
    assert bank.authority.get("/v1/organisations/REG-4").status_code == 404


@on_one_database
@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"roles": []}, "/roles"),
        ({"roles": ["learner"]}, "/roles/0"),
        ({"code": "with space"}, "/code"),
        ({"code": "a/b"}, "/code"),
        ({"name": "  "}, "/name"),
        ({"surprise": 1}, "/surprise"),
    ],
)
def test_each_field_at_fault_is_pointed_at(bank: ReadyBank, changes: dict[str, Any], pointer: str) -> None:
    refused = bank.authority.post("/v1/organisations", {**ORGANISATION, "code": "REG-5", **changes})

    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert [fault["pointer"] for fault in refused.json()["errors"]] == [pointer]


def test_organisations_are_listed_page_by_page(own_bank: ReadyBank) -> None:
    first = own_bank.auditor.get("/v1/organisations?limit=2").json()
    second = own_bank.auditor.get(f"/v1/organisations?limit=2&cursor={first['next_cursor']}").json()
    third = own_bank.auditor.get(f"/v1/organisations?limit=2&cursor={second['next_cursor']}").json()

    codes = [item["code"] for page in (first, second, third) for item in page["items"]]
    assert codes == ["AUDIT", "BIM-EVAL", "HBVTC", "OTHER-EVAL", "WHUT"]
    assert third["next_cursor"] is None


@pytest.mark.parametrize(
    ("issued_on", "status"),
    [("2021-03-31", 422), ("2021-04-01", 201), ("2023-03-31", 201), ("2023-04-01", 422)],
)
def test_an_accreditation_counts_from_its_first_day_to_its_last(bank: ReadyBank, issued_on: str, status: int) -> None:
    code = f"TERM-{issued_on}"
    issuer = bank.organisation(code, "issuer")
    term = {"standard": "BIM", "levels": ["初级"], "valid_from": "2021-04-01", "valid_until": "2023-03-31"}
    granted = bank.authority.post(f"/v1/organisations/{code}/accreditations", term)
    assert granted.status_code == 201
    assert granted.json()["accreditation_id"]

    posted = issuer.post("/v1/certificates", certificate(issuer=code, level="初级", issued_on=issued_on))

    assert posted.status_code == status
    assert status == 201 or posted.json()["code"] == "organisation_not_accredited"


def test_an_accreditation_is_for_its_levels_only(bank: ReadyBank) -> None:
    issuer = bank.organisation("SCOPED", "issuer")
    scope = {"standard": "BIM", "levels": ["初级"], "valid_from": "2021-04-01"}
    bank.authority.post("/v1/organisations/SCOPED/accreditations", scope)

    posted = issuer.post("/v1/certificates", certificate(issuer="SCOPED", level="中级"))

    assert (posted.status_code, posted.json()["code"]) == (422, "organisation_not_accredited")


def test_accreditations_are_listed_in_the_order_of_their_grant(bank: ReadyBank) -> None:
    bank.organisation("LISTED", "issuer")
    path = "/v1/organisations/LISTED/accreditations"
    granted = [
        bank.authority.post(path, {"standard": "BIM", "levels": [level], "valid_from": "2021-04-01"}).json()
        for level in ("高级", "初级", "中级")
    ]

    assert bank.institution.get(path).json() == {"items": granted, "next_cursor": None}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"standard": "NONE"}, "standard_unknown"),
        ({"levels": ["特级"]}, "level_unknown"),
        ({"levels": []}, "validation_failed"),
        ({"valid_from": "2026-02-30"}, "validation_failed"),
        ({"valid_from": "2024-01-01", "valid_until": "2023-12-31"}, "validation_failed"),
    ],
)
def test_an_accreditation_for_what_is_not_there_is_refused(bank: ReadyBank, changes: dict[str, Any], code: str) -> None:
    scope = {"standard": "BIM", "levels": ["初级"], "valid_from": "2021-04-01", **changes}

    refused = bank.authority.post("/v1/organisations/BIM-EVAL/accreditations", scope)

    assert (refused.status_code, refused.json()["code"]) == (422, code)


def test_only_issuers_that_exist_are_accredited(bank: ReadyBank) -> None:
    scope = {"standard": "BIM", "levels": ["初级"], "valid_from": "2021-04-01"}

    assert bank.authority.post("/v1/organisations/NOBODY/accreditations", scope).status_code == 404
    assert bank.authority.post("/v1/organisations/HBVTC/accreditations", scope).json()["code"] == "wrong_state"


def _accredited(bank: ReadyBank, code: str) -> tuple[Any, str]:
    issuer = bank.organisation(code, "issuer")
    scope = {"standard": "BIM", "levels": ["初级", "中级"], "valid_from": "2019-04-01"}
    granted = bank.authority.post(f"/v1/organisations/{code}/accreditations", scope)
    return issuer, f"/v1/organisations/{code}/accreditations/{granted.json()['accreditation_id']}/withdrawal"


def test_a_withdrawal_with_effect_in_the_past_holds_what_was_issued_since(bank: ReadyBank) -> None:
    issuer, withdrawal = _accredited(bank, "FALLEN")
    awarded = {
        day: issuer.post("/v1/certificates", certificate(issuer="FALLEN", issued_on=day)).json()
        for day in ("2024-12-31", "2025-01-01", "2026-05-05")
    }

    answer = bank.authority.post(withdrawal, {"effective_from": "2025-01-01", "reason": "抽查不合格"})

    assert (answer.status_code, answer.json()["affected"]) == (200, 2)
    assert answer.json()["withdrawn_from"] == "2025-01-01"
    job = bank.authority.get(f"/v1/jobs/{answer.json()['job_id']}").json()
    assert (job["state"], job["total"], job["done"]) == ("finished", 2, 2)
    standing = {day: issuer.get(f"/v1/certificates/{one['certificate_id']}").json() for day, one in awarded.items()}
    assert {day: one["status"] for day, one in standing.items()} == {
        "2024-12-31": "active",
        "2025-01-01": "held",
        "2026-05-05": "held",
    }
    for day, held in (("2024-12-31", "0"), ("2025-01-01", "6")):
        assert bank.balance(awarded[day]["account_id"])["held"] == held


def test_after_a_withdrawal_new_posts_are_refused(bank: ReadyBank) -> None:
    issuer, withdrawal = _accredited(bank, "ENDED")
    bank.authority.post(withdrawal, {"effective_from": "2025-01-01", "reason": "抽查不合格"})

    posted = issuer.post("/v1/certificates", certificate(issuer="ENDED", issued_on="2025-01-01"))

    assert (posted.status_code, posted.json()["code"]) == (422, "organisation_not_accredited")


def test_a_withdrawal_holds_more_than_one_chunk_of_certificates(
    own_bank: ReadyBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("creditbank.commands.jobs.CHUNK", 3)
    holder = person()
    items = [certificate(holder=holder) for _ in range(4)] + [certificate() for _ in range(4)]
    posted = own_bank.issuer.post("/v1/certificates:batch", {"items": items}).json()
    path = f"/v1/organisations/BIM-EVAL/accreditations/{own_bank.accreditation_id}/withdrawal"

    answer = own_bank.authority.post(path, {"effective_from": "2019-04-01", "reason": "抽查不合格"})

    job = own_bank.authority.get(f"/v1/jobs/{answer.json()['job_id']}").json()
    assert (job["state"], job["total"], job["done"]) == ("finished", 8, 8)
    assert own_bank.balance(posted["results"][0]["account_id"])["held"] == "24"


def test_a_second_withdrawal_may_only_reach_further_back(bank: ReadyBank) -> None:
    _, withdrawal = _accredited(bank, "TWICE")
    bank.authority.post(withdrawal, {"effective_from": "2025-01-01", "reason": "抽查不合格"})

    later = bank.authority.post(withdrawal, {"effective_from": "2025-01-01", "reason": "抽查不合格"})
    earlier = bank.authority.post(withdrawal, {"effective_from": "2024-01-01", "reason": "复查"})

    assert (later.status_code, later.json()["code"]) == (409, "wrong_state")
    assert earlier.json()["withdrawn_from"] == "2024-01-01"


def test_a_repeated_withdrawal_request_gets_its_answer_again(bank: ReadyBank) -> None:
    _, withdrawal = _accredited(bank, "REPEATED")
    body = {"effective_from": "2025-01-01", "reason": "抽查不合格"}
    first = bank.authority.post(withdrawal, body, key="withdraw-once")

    again = bank.authority.post(withdrawal, body, key="withdraw-once")

    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_an_issuer_cannot_lift_a_hold_that_a_withdrawal_imposed(bank: ReadyBank) -> None:
    issuer, withdrawal = _accredited(bank, "LIFTED")
    awarded = issuer.post("/v1/certificates", certificate(issuer="LIFTED")).json()
    bank.authority.post(withdrawal, {"effective_from": "2025-01-01", "reason": "抽查不合格"})
    release = f"/v1/certificates/{awarded['certificate_id']}/hold-release"

    by_issuer = issuer.post(release, {"reason": "复核"})
    by_authority = bank.authority.post(release, {"reason": "复核"})

    assert (by_issuer.status_code, by_issuer.json()["code"]) == (403, "forbidden")
    assert (by_authority.status_code, by_authority.json()["status"]) == (200, "active")


def test_withdrawals_and_jobs_that_are_not_there_are_not_found(bank: ReadyBank) -> None:
    body = {"effective_from": "2025-01-01", "reason": "抽查不合格"}
    nowhere = "0192f0c1-2d3e-7f40-8a5b-6c7d8e9f0a1b"

    for path in (f"BIM-EVAL/accreditations/{nowhere}", f"OTHER-EVAL/accreditations/{bank.accreditation_id}"):
        assert bank.authority.post(f"/v1/organisations/{path}/withdrawal", body).status_code == 404
    assert bank.authority.get(f"/v1/jobs/{nowhere}").status_code == 404


def test_a_key_is_shown_once(bank: ReadyBank) -> None:
    first = bank.authority.post("/v1/organisations/BIM-EVAL/keys", {"role": "issuer", "expires_at": None}, key="one")
    again = bank.authority.post("/v1/organisations/BIM-EVAL/keys", {"role": "issuer", "expires_at": None}, key="one")

    assert first.status_code == 201
    assert first.json()["key"].startswith("cb_")
    assert again.json() == {name: value for name, value in first.json().items() if name != "key"}


def test_a_key_has_a_role_of_its_organisation(bank: ReadyBank) -> None:
    refused = bank.authority.post("/v1/organisations/BIM-EVAL/keys", {"role": "institution"})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/role")
