"""Corrections of a holder: the new counts, the old stays sealed, and documents under the old name verify, marked so."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from creditbank.ledger.tables import command_log, event
from tests.api.bank import ReadyBank, person

UNCHANGED = {"status", "standard", "level", "issued_on", "holder_masked"}


def _correct(bank: ReadyBank, account_id: str, holder: dict[str, Any], cause: str = "change", **headers: str) -> Any:
    body = {"holder": holder, "cause": cause, "reason": "本人申请"}
    return bank.authority.post(f"/v1/accounts/{account_id}/correction", body, headers=headers)


def _verify(bank: ReadyBank, awarded: dict[str, Any]) -> dict[str, Any]:
    return bank.public.get(f"/v1/verify/BIM-EVAL/{awarded['number']}").json()


def _found(bank: ReadyBank, holder: dict[str, Any]) -> str | None:
    return bank.authority.post("/v1/accounts/lookup", {"document": holder["document"]}).json().get("account_id")


def test_certificates_under_the_old_name_verify_and_say_so(own_bank: ReadyBank) -> None:
    holder = person(name="李小明")
    before = own_bank.award(holder=holder)

    corrected = _correct(own_bank, before["account_id"], {"name": "王大明"})
    own_bank.clock.set(date(2026, 11, 25))
    after = own_bank.award(holder={**holder, "name": "王大明"})

    assert (corrected.status_code, corrected.json()["version"]) == (200, 3)
    marked, unmarked = _verify(own_bank, before), _verify(own_bank, after)
    assert marked["status"] == "active"
    assert marked["holder_masked"] == "王**"
    assert (marked["holder_changed"], marked["former_holders_masked"]) == (True, ["李**"])
    assert set(unmarked) == UNCHANGED


def test_a_correction_of_the_number_alone_marks_nothing(bank: ReadyBank) -> None:
    awarded = bank.award()

    _correct(bank, awarded["account_id"], {"document": person()["document"], "birth_date": "2000-01-01"})

    assert set(_verify(bank, awarded)) == UNCHANGED


@pytest.mark.parametrize(("cause", "still_finds"), [("change", True), ("error", False)])
def test_a_changed_document_still_finds_the_account_and_a_wrong_one_does_not(
    bank: ReadyBank, cause: str, still_finds: bool
) -> None:
    old, new = person(), person()
    account_id = bank.authority.post("/v1/accounts", {"holder": old}).json()["account_id"]

    assert _correct(bank, account_id, {"document": new["document"]}, cause).status_code == 200

    assert _found(bank, new) == account_id
    assert _found(bank, old) == (account_id if still_finds else None)
    again = bank.authority.post("/v1/accounts", {"holder": old})
    assert (again.status_code, again.json()["account_id"] == account_id) == (
        (200, True) if still_finds else (201, False)
    )


def test_a_document_of_somebody_else_is_refused_without_naming_them(bank: ReadyBank) -> None:
    taken = person()
    owner = bank.authority.post("/v1/accounts", {"holder": taken}).json()["account_id"]
    account_id, before = bank.account(), bank.events()

    refused = _correct(bank, account_id, {"document": taken["document"]})

    assert (refused.status_code, refused.json()["code"]) == (409, "document_taken")
    assert owner not in refused.text
    assert bank.events() == before


def test_a_person_may_return_to_a_former_document(bank: ReadyBank) -> None:
    old, new = person(), person()
    account_id = bank.authority.post("/v1/accounts", {"holder": old}).json()["account_id"]

    for document in (new["document"], old["document"]):
        assert _correct(bank, account_id, {"document": document}).status_code == 200

    assert (_found(bank, old), _found(bank, new)) == (account_id, account_id)


def test_what_is_right_already_changes_nothing(bank: ReadyBank) -> None:
    account_id, before = bank.account(), bank.events()

    answer = _correct(bank, account_id, {"name": "王小明"})

    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert bank.events() == before


def test_the_event_names_fields_and_nothing_that_is_personal(own_bank: ReadyBank) -> None:
    account_id, new = own_bank.account(), person(name="欧阳明明")

    _correct(own_bank, account_id, {**new, "birth_date": "1999-12-31"}, "error")

    history = own_bank.authority.get(f"/v1/accounts/{account_id}/events").json()["items"]
    assert history[-1]["type"] == "holder-corrected/1"
    assert history[-1]["data"] == {
        "fields": ["name", "document", "birth_date"],
        "cause": "error",
        "reason": "本人申请",
    }
    with own_bank.core.engine.connect() as connection, connection.begin():
        rows = [*connection.execute(select(event.c.body)), *connection.execute(select(command_log.c.body))]
    for word in ("欧阳明明", new["document"]["number"], "1999-12-31"):
        assert not any(word.encode() in bytes(row.body) for row in rows)


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"holder": {}, "cause": "error", "reason": "-"}, "/holder", "too_few"),
        ({"holder": {"name": "王"}, "cause": "whim", "reason": "-"}, "/cause", "value_unknown"),
        ({"holder": {"name": "王"}, "cause": "error"}, "/reason", "field_missing"),
    ],
)
def test_a_correction_says_what_why_and_how_it_came(bank: ReadyBank, body: Any, pointer: str, code: str) -> None:
    refused = bank.authority.post(f"/v1/accounts/{bank.account()}/correction", body)

    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [(pointer, code)]


def test_a_number_that_fails_its_check_is_refused(bank: ReadyBank) -> None:
    wrong = {"document": {"type": "CN-RIC", "number": "110105194912310021"}}

    assert _correct(bank, bank.account(), wrong).json()["code"] == "identity_number_invalid"


def test_a_correction_is_decided_on_the_version_that_is_named(bank: ReadyBank) -> None:
    account_id = bank.account()

    assert _correct(bank, account_id, {"name": "王大明"}, **{"If-Match": '"7"'}).status_code == 412
    assert _correct(bank, account_id, {"name": "王大明"}, **{"If-Match": '"1"'}).status_code == 200


def test_the_right_to_correction_ends_with_the_account(bank: ReadyBank) -> None:
    closed, erased, merged, kept = (bank.account() for _ in range(4))
    for account_id, change in ((closed, "closure"), (erased, "erasure")):
        bank.authority.post(f"/v1/accounts/{account_id}/{change}", {"reason": "本人申请"})
    bank.authority.post(f"/v1/accounts/{kept}/merge", {"merged": merged, "reason": "same person"})

    assert _correct(bank, closed, {"name": "王大明"}).status_code == 200
    assert _correct(bank, erased, {"name": "王大明"}).json()["code"] == "wrong_state"
    assert _correct(bank, merged, {"name": "王大明"}).json()["merged_into"] == kept


def test_after_a_merge_certificates_of_both_names_verify(bank: ReadyBank) -> None:
    kept, merged = bank.award(holder=person(name="王小明")), bank.award(holder=person(name="李小明"))

    body = {"merged": merged["account_id"], "reason": "same person"}
    assert bank.authority.post(f"/v1/accounts/{kept['account_id']}/merge", body).status_code == 200

    verified = _verify(bank, merged)
    assert (verified["holder_masked"], verified["former_holders_masked"]) == ("王**", ["李**"])


def test_after_an_erasure_no_former_name_can_be_read(bank: ReadyBank) -> None:
    awarded = bank.award(holder=person(name="李小明"))
    _correct(bank, awarded["account_id"], {"name": "王大明"})

    bank.authority.post(f"/v1/accounts/{awarded['account_id']}/erasure", {"reason": "本人申请"})

    verified = _verify(bank, awarded)
    assert (verified["status"], verified["holder_masked"]) == ("active", None)
    assert set(verified) == UNCHANGED
