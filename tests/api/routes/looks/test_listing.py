"""A learner lists who looked: over merges, in every state of the account, and after everything else is gone."""

from __future__ import annotations

from typing import Any

import pytest

from creditbank.commands.accesses import HOUR
from tests.api.bank import Caller, ReadyBank, person

REASON = {"reason": "x"}


def _listed(caller: Caller, account_id: str) -> list[dict[str, Any]]:
    answer = caller.get(f"/v1/accounts/{account_id}/accesses")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def _seen(bank: ReadyBank, account_id: str) -> list[str]:
    return [" ".join(item["fields"]) for item in _listed(bank.learner(account_id), account_id)]


def test_a_learner_sees_who_looked_the_newest_first(bank: ReadyBank) -> None:
    holder = person()
    account_id = bank.award(holder=holder)["account_id"]
    bank.deal(holder)
    said = {"Creditbank-Purpose": "%E6%A0%B8%E9%AA%8C", "Creditbank-On-Behalf-Of": "desk-0042"}
    bank.institution.get(f"/v1/accounts/{account_id}/transcript", headers=said)

    newest, oldest = _listed(bank.learner(account_id), account_id)

    at = newest.pop("accessed_at")
    assert at > oldest["accessed_at"]
    assert newest == {
        "account_id": account_id,
        "actor": {
            "role": "institution",
            "organisation": "HBVTC",
            "name": "HBVTC",
            "credential": bank.institution.token.split("_")[1],  # type: ignore[union-attr]
        },
        "operation": "accounts:read",
        "fields": ["transcript"],
        "purpose": "核验",
        "on_behalf_of": "desk-0042",
    }
    assert (oldest["operation"], oldest["fields"], oldest["purpose"]) == (
        "accounts:open",
        ["account_id"],
        "identification",
    )


def test_the_list_comes_in_pages(bank: ReadyBank) -> None:
    account_id = bank.account()
    for part in ("", "/balance", "/transcript", "/events", "/export"):
        bank.authority.get(f"/v1/accounts/{account_id}{part}")
    learner, path = bank.learner(account_id), f"/v1/accounts/{account_id}/accesses?limit=2"

    pages, cursor = [], ""
    while cursor is not None:
        page = learner.get(path + (f"&cursor={cursor}" if cursor else "")).json()
        pages.append([" ".join(item["fields"]) for item in page["items"]])
        cursor = page["next_cursor"]

    assert pages == [["export", "history"], ["transcript", "balance"], ["status holder_masked"]]


def test_an_account_at_which_nobody_looked_has_an_empty_list(bank: ReadyBank) -> None:
    account_id = bank.account()
    answer = bank.learner(account_id).get(f"/v1/accounts/{account_id}/accesses").json()
    assert answer == {"items": [], "next_cursor": None}


def test_whoever_asks_who_looked_has_looked(bank: ReadyBank) -> None:
    account_id = bank.account()

    assert _listed(bank.authority, account_id) == []

    [own] = _listed(bank.learner(account_id), account_id)
    assert (own["operation"], own["fields"], own["actor"]["role"]) == ("accesses:read", ["accesses"], "authority")


def test_organisations_do_not_see_who_looked(bank: ReadyBank) -> None:
    holder = person()
    account_id = bank.award(holder=holder)["account_id"]
    bank.deal(holder)
    path = f"/v1/accounts/{account_id}/accesses"

    assert [caller.get(path).status_code for caller in (bank.issuer, bank.institution)] == [403, 403]
    assert bank.learner(bank.account()).get(path).status_code == 404


def test_an_auditor_does_not_see_on_whose_behalf(bank: ReadyBank) -> None:
    account_id = bank.account()
    bank.authority.get(f"/v1/accounts/{account_id}", headers={"Creditbank-On-Behalf-Of": "officer-00421"})

    [seen] = _listed(bank.auditor, account_id)

    assert seen["on_behalf_of"] == "off*******421"
    assert [item["on_behalf_of"] for item in _listed(bank.authority, account_id)] == [None, "officer-00421"]


def test_a_share_that_was_opened_is_on_the_list(bank: ReadyBank) -> None:
    account_id = bank.account()
    learner = bank.learner(account_id)
    share = {"what": "balance", "purpose": "求职", "expires_at": "2026-12-31T00:00:00Z"}
    granted = learner.post(f"/v1/accounts/{account_id}/shares", share).json()

    for secret in (granted["secret"], granted["secret"], "cs_x"):
        bank.public.post("/v1/shared", {"secret": secret})

    [seen] = _listed(learner, account_id)
    assert seen["actor"] == {
        "role": "share",
        "organisation": None,
        "name": None,
        "credential": granted["share_id"],
    }
    assert (seen["operation"], seen["fields"], seen["purpose"]) == ("shares:open", ["balance"], "share")


def test_the_survivor_of_a_merge_lists_the_looks_at_both(own_bank: ReadyBank) -> None:
    bank = own_bank
    survivor, merged, before = bank.account(), bank.account(), bank.account()
    for account_id in (before, merged, survivor):
        bank.authority.get(f"/v1/accounts/{account_id}/balance")
    bank.authority.post(f"/v1/accounts/{merged}/merge", {"merged": before, **REASON})
    bank.authority.post(f"/v1/accounts/{survivor}/merge", {"merged": merged, **REASON})
    bank.clock.pass_by(HOUR)
    bank.authority.get(f"/v1/accounts/{survivor}/balance")

    listed = _listed(bank.learner(survivor), survivor)

    assert [one["account_id"] for one in listed] == [survivor, survivor, merged, before]


@pytest.mark.parametrize("act", ["suspension", "closure", "restriction", "erasure"])
def test_who_looked_can_be_read_in_every_state(bank: ReadyBank, act: str) -> None:
    account_id = bank.account()
    learner = bank.learner(account_id)
    bank.authority.get(f"/v1/accounts/{account_id}/balance")
    assert bank.authority.post(f"/v1/accounts/{account_id}/{act}", REASON).status_code == 200

    # Whoever is erased has no key any more; the record is there all the same.
    reader = bank.auditor if act == "erasure" else learner

    assert [item["fields"] for item in _listed(reader, account_id)] == [["balance"]]


def test_what_is_on_record_names_nobody(bank: ReadyBank) -> None:
    holder = {**person("欧阳记录"), "birth_date": "2001-02-03"}
    account_id = bank.award(holder=holder)["account_id"]
    bank.deal(holder)
    for part in ("", "/balance", "/transcript", "/events", "/export"):
        bank.institution.get(f"/v1/accounts/{account_id}{part}")

    listed = bank.learner(account_id).get(f"/v1/accounts/{account_id}/accesses").text

    for secret in (holder["name"], holder["document"]["number"], "2001-02-03"):
        assert secret not in listed


def test_the_record_is_part_of_the_export(bank: ReadyBank) -> None:
    account_id = bank.account()
    bank.authority.get(f"/v1/accounts/{account_id}/balance", headers={"Creditbank-On-Behalf-Of": "officer-00421"})
    learner = bank.learner(account_id)

    exported = learner.get(f"/v1/accounts/{account_id}/export").json()
    masked = bank.auditor.get(f"/v1/accounts/{account_id}/export").json()

    assert exported["accesses"] == _listed(learner, account_id)[-1:]
    assert masked["accesses"][-1]["on_behalf_of"] == "off*******421"
