"""Retention: an erasure is refused with reason and day while records must be kept; restriction is offered instead."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.api.bank import ReadyBank, person, wish, wishes

RULE = {"kind": "certificate", "years": 30, "basis": "《职业技能等级证书管理办法》"}


def _erase(bank: ReadyBank, account_id: str) -> Any:
    return bank.authority.post(f"/v1/accounts/{account_id}/erasure", {"reason": "本人申请"})


def _keep(bank: ReadyBank, code: str = "BIM-EVAL", **changes: Any) -> Any:
    return bank.authority.post(f"/v1/organisations/{code}/retention", {**RULE, **changes})


def test_a_rule_is_set_read_and_replaced(own_bank: ReadyBank) -> None:
    path = "/v1/organisations/BIM-EVAL/retention"

    first, again, other = _keep(own_bank), _keep(own_bank), _keep(own_bank, years=10)

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 201)
    assert first.json() == {"organisation": "BIM-EVAL", **RULE}
    assert own_bank.issuer.get(path).json() == {"items": [other.json()], "next_cursor": None}
    assert own_bank.auditor.get("/v1/organisations/HBVTC/retention").json()["items"] == []
    assert own_bank.authority.get("/v1/organisations/NOBODY/retention").status_code == 404
    assert _keep(own_bank, "NOBODY").status_code == 404
    seen = own_bank.issuer.get("/v1/events?types=retention-rule-set/1").json()["items"]
    assert [(item["stream"], item["data"]["years"]) for item in seen] == [
        ({"kind": "organisation", "id": "BIM-EVAL"}, 30),
        ({"kind": "organisation", "id": "BIM-EVAL"}, 10),
    ]


@pytest.mark.parametrize("change", [{"years": 0}, {"years": 201}, {"kind": "cake"}, {"basis": ""}, {"years": "30"}])
def test_a_rule_that_makes_no_sense_is_refused(bank: ReadyBank, change: dict[str, Any]) -> None:
    refused = _keep(bank, **change)

    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert [one["pointer"] for one in refused.json()["errors"]] == [f"/{next(iter(change))}"]


def test_an_erasure_waits_for_the_end_of_the_last_obligation(own_bank: ReadyBank) -> None:
    holder = person()
    awarded = own_bank.award(holder=holder)
    own_bank.deal(holder)
    own_bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], wish(awarded, "C1")))
    _keep(own_bank, years=2)
    _keep(own_bank, "HBVTC", kind="exemption", years=2, basis="学籍档案管理办法")

    refused = _erase(own_bank, awarded["account_id"])

    assert (refused.status_code, refused.json()["code"]) == (422, "retention_applies")
    named = {name: refused.json()[name] for name in ("until", "basis", "alternative")}
    assert named == {"until": "2028-11-24", "basis": "学籍档案管理办法", "alternative": "restriction"}
    assert own_bank.learner(awarded["account_id"]).get(f"/v1/accounts/{awarded['account_id']}").json()["holder"]
    own_bank.clock.set(date(2028, 11, 24))
    assert _erase(own_bank, awarded["account_id"]).status_code == 422
    own_bank.clock.set(date(2028, 11, 25))
    assert _erase(own_bank, awarded["account_id"]).status_code == 200


def test_whoever_has_no_records_to_keep_is_erased(own_bank: ReadyBank) -> None:
    _keep(own_bank)
    revoked = own_bank.award()
    own_bank.issuer.post(f"/v1/certificates/{revoked['certificate_id']}/revocation", {"reason": "forged"})

    for account_id in (own_bank.account(), revoked["account_id"]):
        assert _erase(own_bank, account_id).status_code == 200


def test_restriction_is_there_where_erasure_is_not(own_bank: ReadyBank) -> None:
    awarded = own_bank.award()
    _keep(own_bank)
    assert _erase(own_bank, awarded["account_id"]).json()["alternative"] == "restriction"

    restricted = own_bank.authority.post(f"/v1/accounts/{awarded['account_id']}/restriction", {"reason": "本人申请"})

    assert restricted.json()["status"] == "restricted"
    assert _erase(own_bank, awarded["account_id"]).json()["code"] == "retention_applies"


def test_years_of_what_came_with_a_merge_count_from_its_first_record(own_bank: ReadyBank) -> None:
    holder = person()
    merged = own_bank.award(holder=holder)
    own_bank.deal(holder)
    own_bank.institution.post("/v1/exemptions", wishes(merged["account_id"], wish(merged, "C1")))
    kept = own_bank.account()
    own_bank.clock.set(date(2027, 3, 1))
    own_bank.authority.post(f"/v1/accounts/{kept}/merge", {"merged": merged["account_id"], "reason": "same person"})
    _keep(own_bank, "HBVTC", kind="exemption", years=1)

    assert _erase(own_bank, kept).json()["until"] == "2027-11-24"


def test_the_refusal_is_told_in_both_languages(own_bank: ReadyBank) -> None:
    awarded = own_bank.award()
    _keep(own_bank)
    path, body = f"/v1/accounts/{awarded['account_id']}/erasure", {"reason": "本人申请"}

    for language, word in (("en", "2056-07-01"), ("zh-CN", "须保存至 2056-07-01")):
        refused = own_bank.authority.post(path, body, headers={"Accept-Language": language})
        assert word in refused.json()["detail"]
        assert RULE["basis"] in refused.json()["detail"]
