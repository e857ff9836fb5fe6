"""Children under 14: whoever opens an account for one says that a guardian agrees, however it is opened."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.api.bank import ReadyBank, certificate, person

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _resident(born: date, serial: int, **more: Any) -> dict[str, Any]:
    """Somebody with an identity card of that day of birth."""
    body = f"110105{born:%Y%m%d}{serial:03d}"
    check = "10X98765432"[sum(int(sign) * weight for sign, weight in zip(body, WEIGHTS, strict=True)) % 11]
    return {"name": "王小明", "document": {"type": "CN-RIC", "number": body + check}, **more}


CHILD, FOURTEEN = date(2012, 11, 25), date(2012, 11, 24)
"""Thirteen and fourteen years old on the day of the tests."""


def test_an_account_of_a_child_needs_a_guardian_who_agrees(bank: ReadyBank) -> None:
    child = _resident(CHILD, 1)

    refused = bank.institution.post("/v1/accounts", {"holder": child})
    opened = bank.institution.post("/v1/accounts", {"holder": {**child, "guardian_consent": True}})
    again = bank.institution.post("/v1/accounts", {"holder": child})

    assert (refused.status_code, refused.json()["code"]) == (422, "guardian_consent_required")
    assert (opened.status_code, again.status_code) == (201, 200)
    history = bank.authority.get(f"/v1/accounts/{opened.json()['account_id']}/events").json()["items"]
    assert history[0]["data"] == {"opened_by": "HBVTC", "guardian_consent": True}


def test_from_the_fourteenth_birthday_on_nobody_is_asked(bank: ReadyBank) -> None:
    opened = bank.authority.post("/v1/accounts", {"holder": _resident(FOURTEEN, 2)})

    assert opened.status_code == 201
    history = bank.authority.get(f"/v1/accounts/{opened.json()['account_id']}/events").json()["items"]
    assert history[0]["data"]["guardian_consent"] is False


@pytest.mark.parametrize(("stated", "status"), [("2012-11-25", 422), ("2012-11-24", 201), (None, 201)])
def test_where_the_number_says_nothing_the_stated_day_counts(bank: ReadyBank, stated: str | None, status: int) -> None:
    assert bank.authority.post("/v1/accounts", {"holder": {**person(), "birth_date": stated}}).status_code == status


def test_in_a_batch_the_line_of_the_child_is_refused(bank: ReadyBank) -> None:
    lines = [{"holder": _resident(CHILD, 3)}, {"holder": person()}]

    answer = bank.institution.post("/v1/accounts:batch", {"items": lines}).json()

    assert [one["status"] for one in answer["results"]] == [422, 201]
    assert answer["results"][0]["problem"]["code"] == "guardian_consent_required"


def test_an_award_opens_no_account_for_a_child_without_a_guardian(bank: ReadyBank) -> None:
    child, before = _resident(CHILD, 4), bank.events()

    refused = bank.issuer.post("/v1/certificates", certificate(holder=child))
    batch = bank.issuer.post("/v1/certificates:batch", {"items": [certificate(holder=child)]}).json()

    assert (refused.status_code, refused.json()["code"]) == (422, "guardian_consent_required")
    assert batch["results"][0]["problem"]["code"] == "guardian_consent_required"
    assert bank.events() == before
    awarded = bank.issuer.post("/v1/certificates", certificate(holder={**child, "guardian_consent": True}))
    assert awarded.status_code == 201
