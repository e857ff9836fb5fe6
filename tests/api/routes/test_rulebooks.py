"""Rulebook versions with their own cases; what was decided stays decided, and an auditor finds what was touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic_core import from_json, to_json
from sqlalchemy import Table, select, update

from creditbank.audit import replay
from creditbank.audit.replay import Difference
from creditbank.ledger.database import writing
from creditbank.ledger.tables import event
from creditbank.projections.usages import usage
from tests.api.bank import RULES, ReadyBank, person, wish, wishes

PATH = "/v1/rulebooks/hbvtc-x/versions"
GIVEN: dict[str, Any] = {
    "applied_on": "2026-09-01",
    "programme": {"id": "P", "credits": 100, "courses": {"A": {"credits": 4}, "B": {"credits": 5}}},
    "outcomes": [{"id": "X1", "kind": "x-cert"}],
    "requests": [{"outcome": "X1", "target": "A"}, {"outcome": "X1", "target": "B"}],
}


def case(total: Any, name: str = "K-1", **changes: Any) -> dict[str, Any]:
    return {
        "id": name,
        "title": "two courses",
        "op": "convert",
        "given": GIVEN,
        "expect": {"granted_total": total},
        **changes,
    }


def _dealt(bank: ReadyBank, **changes: Any) -> dict[str, Any]:
    holder = person()
    awarded = bank.award(holder=holder, **changes)
    bank.deal(holder)
    return awarded


def _exempt(bank: ReadyBank, awarded: dict[str, Any], *targets: str, **changes: Any) -> Any:
    requests = [wish(awarded, target) for target in targets]
    return bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], *requests, **changes))


def _differences(bank: ReadyBank) -> list[Difference]:
    return list(replay.differences(bank.core.engine))


# A version brings its cases


def test_a_version_whose_cases_pass_is_published(sqlite_bank: ReadyBank) -> None:
    cases = [case(4), case(4, "K-2", expect={"refused": [{"target": "B", "reason": "CAP_PER_OUTCOME"}]})]

    answer = sqlite_bank.institution.post(PATH, {"rules": RULES, "effective_from": "2027-01-01", "cases": cases})

    assert (answer.status_code, answer.json()["version"]) == (201, 2)
    assert sqlite_bank.institution.get(f"{PATH}/2").json()["rules"] == RULES


def test_a_version_whose_cases_fail_is_refused_case_by_case(bank: ReadyBank) -> None:
    cases = [case(4), case(9), case(4, "K-3"), case(4, "K-4", expect={"refused": []})]
    before = bank.events()

    refused = bank.institution.post(PATH, {"rules": RULES, "effective_from": "2027-01-01", "cases": cases})

    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert [(fault["code"], fault["pointer"]) for fault in refused.json()["errors"]] == [
        ("case_failed", "/cases/1"),
        ("case_failed", "/cases/3"),
    ]
    assert bank.events() == before


def test_rules_with_faults_are_refused_before_any_case_is_run(bank: ReadyBank) -> None:
    refused = bank.institution.post(PATH, {"rules": {**RULES, "colour": "red"}, "cases": [case(9)]})

    assert [(fault["code"], fault["pointer"]) for fault in refused.json()["errors"]] == [
        ("rule_invalid", "/rules/colour")
    ]


@pytest.mark.parametrize(
    "cases",
    [
        [{}],
        [{"id": "K-1", "op": "convert"}],
        [case(4, op="guess")],
        [case(4, given={"requests": 7})],
        [case(4, given=None)],
        [case(4, expect=None)],
        [case(4, expect={"granted_total": {"a": []}})],
        [case(4, id=None)],
    ],
)
def test_a_case_that_cannot_be_run_is_never_an_error_of_the_bank(bank: ReadyBank, cases: list[Any]) -> None:
    owned = f"odd-{person()['document']['number']}".lower()

    answer = bank.institution.post(f"/v1/rulebooks/{owned}/versions", {"rules": RULES, "cases": cases})

    assert answer.status_code in (201, 422), answer.text
    if answer.status_code == 422:
        assert all(fault["pointer"].startswith("/cases") for fault in answer.json()["errors"])


# What was decided stays decided


def test_a_later_version_changes_no_earlier_decision(own_bank: ReadyBank) -> None:
    bank = own_bank
    early = _dealt(bank)
    before = _exempt(bank, early, "C1", "C2").json()
    stricter = {**RULES, "caps": [{**RULES["caps"][0], "limit": 2}]}
    assert bank.institution.post(PATH, {"rules": stricter, "effective_from": "2026-10-01"}).status_code == 201

    late = _dealt(bank)
    on_the_old_day = _exempt(bank, _dealt(bank), "C1", applied_on="2026-09-30").json()
    on_the_new_day = _exempt(bank, late, "C1", "C2", applied_on="2026-10-01").json()

    read = bank.institution.get(f"/v1/exemptions/{before['exemption_id']}").json()
    for name in ("granted", "refused", "caps", "version", "granted_total"):
        assert read[name] == before[name]
    assert (before["version"], on_the_old_day["version"], on_the_new_day["version"]) == (1, 1, 2)
    assert [one["target"] for one in on_the_new_day["granted"]] == ["C2"]
    assert bank.balance(early["account_id"])["used"] == "6"
    assert _differences(bank) == []


def test_every_recorded_decision_comes_out_the_same_again(own_bank: ReadyBank) -> None:
    """Granted, refused by the rules, by the ledger before them and after them; reserved, confirmed, merged."""
    bank, holder = own_bank, person()
    first, second = bank.award(holder=holder), bank.award(holder=holder, level="初级")
    held = bank.award(holder=holder)
    bank.deal(holder)
    bank.issuer.post(f"/v1/certificates/{held['certificate_id']}/hold", {"reason": "-"})
    account_id = first["account_id"]
    asked = [wish(first, "C1"), wish(first, "P1"), wish(held, "C2"), wish(second, "C3"), wish(second, "C2")]
    recorded = bank.institution.post("/v1/exemptions", wishes(account_id, *asked)).json()
    assert [one["reason"] for one in recorded["refused"]] == ["TARGET_NOT_EXEMPTIBLE", "OUTCOME_HELD", "CREDITS_USED"]
    reserved = wishes(account_id, wish(first, "C2"), expires_at="2026-12-01T00:00:00Z")
    reservation = bank.institution.post("/v1/reservations", reserved).json()["reservation_id"]
    assert bank.institution.post(f"/v1/reservations/{reservation}/confirmation").status_code == 201
    merged = {"merged": account_id, "reason": "同一人"}
    assert bank.authority.post(f"/v1/accounts/{bank.account()}/merge", merged).status_code == 200

    assert _differences(bank) == []


# What was touched is found

Touch = Callable[[dict[str, Any]], None]


def _edit(bank: ReadyBank, table: Table, column: str, where: Any, touch: Touch) -> None:
    """Change a stored JSON column as somebody with a password would."""
    with writing(bank.core.engine) as connection:
        (body,) = connection.execute(select(table.c[column]).where(where)).scalars()
        document = from_json(body)
        touch(document)
        connection.execute(update(table).where(where).values({column: to_json(document)}))


def test_a_touched_answer_is_found_and_named(sqlite_bank: ReadyBank) -> None:
    bank = sqlite_bank
    awarded = _dealt(bank)
    _exempt(bank, awarded, "C1")

    _edit(bank, usage, "decision", usage.c.kind == "exemption", lambda document: document.update(rulebook_version=2))

    (found,) = _differences(bank)
    assert (found.where, found.what) == (f"account {awarded['account_id']}", "uses")


def _touch_grant(decision: dict[str, Any], grants: list[dict[str, Any]]) -> None:
    grants[0]["credits"] = 50_000


def _touch_consumption(decision: dict[str, Any], grants: list[dict[str, Any]]) -> None:
    grants[0]["consumed"] = {}


def _touch_grade(decision: dict[str, Any], grants: list[dict[str, Any]]) -> None:
    grants[0]["grade"] = "A"


def _touch_situation(decision: dict[str, Any], grants: list[dict[str, Any]]) -> None:
    decision["situation"]["programme"]["courses"]["C1"]["credits"] = 3


def _touch_cap(decision: dict[str, Any], grants: list[dict[str, Any]]) -> None:
    decision["caps"][0]["before"] = "1"


def _touch_refusal(decision: dict[str, Any], grants: list[dict[str, Any]]) -> None:
    decision["refused"][0]["reason"] = "CAP_PER_OUTCOME"


def _drop_refusals(decision: dict[str, Any], grants: list[dict[str, Any]]) -> None:
    del decision["refused"]  # as one is stored that refuses nothing


def _touch_version(decision: dict[str, Any], grants: list[dict[str, Any]]) -> None:
    decision["rulebook_version"] = 9


def _touch_hash(decision: dict[str, Any], grants: list[dict[str, Any]]) -> None:
    decision["rules_sha256"] = "0" * 64


TOUCHES = [
    _touch_grant,
    _touch_consumption,
    _touch_grade,
    _touch_situation,
    _touch_cap,
    _touch_refusal,
    _drop_refusals,
    _touch_version,
    _touch_hash,
]


def test_a_decision_that_was_touched_in_history_and_in_the_answer_alike_is_found(own_bank: ReadyBank) -> None:
    bank = own_bank
    awarded = _dealt(bank)
    recorded = _exempt(bank, awarded, "C1", "P1").json()
    of_event, of_answer = event.c.type == "courses-exempted/1", usage.c.kind == "exemption"
    with bank.core.engine.connect() as connection:
        body = connection.execute(select(event.c.body).where(of_event)).scalar_one()
        row = connection.execute(select(usage.c.grants, usage.c.decision, usage.c.credits).where(of_answer)).one()
    for touch in TOUCHES:
        document = from_json(body)
        touch(document["decision"], document["grants"])
        with writing(bank.core.engine) as connection:
            connection.execute(update(event).where(of_event).values(body=to_json(document)))
            touched = {
                "grants": to_json(document["grants"]),
                "decision": to_json(document["decision"]),
                "credits": sum(one["credits"] for one in document["grants"]),
            }
            connection.execute(update(usage).where(of_answer).values(touched))

        (found,) = _differences(bank)

        assert found.where == f"account {awarded['account_id']}", touch
        assert found.what == f"decision of exemption {recorded['exemption_id']}", touch
    with writing(bank.core.engine) as connection:
        connection.execute(update(event).where(of_event).values(body=body))
        connection.execute(update(usage).where(of_answer).values(row._asdict()))
    assert _differences(bank) == []


def test_touched_rules_are_found(sqlite_bank: ReadyBank) -> None:
    bank = sqlite_bank
    _exempt(bank, _dealt(bank), "C1")
    published = event.c.type == "rulebook-version-published/1"

    _edit(bank, event, "body", published, lambda document: document["rules"]["caps"][0].update(limit=100))

    found = [one.what.split()[0] for one in _differences(bank)]
    assert "rulebook-version-published/1" in found
