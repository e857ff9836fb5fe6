"""What a look is for, as the caller says it: text for a learner to read, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.bank import ReadyBank, person
from tests.api.routes.looks.records import looks_at

PURPOSE, ON_BEHALF_OF = "Creditbank-Purpose", "Creditbank-On-Behalf-Of"


def _look(bank: ReadyBank, account_id: str, name: str, value: bytes) -> Any:
    headers = [*bank.authority.headers().items(), (name.encode(), value)]
    return bank.client.get(f"/v1/accounts/{account_id}/balance", headers=headers)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"admission", "admission"),
        ("核验入学资格".encode(), "核验入学资格"),
        (b"%E6%A0%B8%E9%AA%8C", "核验"),
        (b"  two words ", "two words"),
        ("école".encode(), "école"),
        (b"50% of the credits", "50% of the credits"),
        ("业".encode() * 200, "业" * 200),
    ],
)
def test_a_purpose_is_kept_as_it_was_said(bank: ReadyBank, sent: bytes, read: str) -> None:
    account_id = bank.account()

    assert _look(bank, account_id, PURPOSE, sent).status_code == 200

    assert [look.purpose for look in looks_at(bank, account_id)] == [read]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"", "too_short"),
        (b"   ", "too_short"),
        (b"%20", "too_short"),
        (b"x" * 201, "too_long"),
        (b"%41" * 201, "too_long"),
        (b"%ff", "header_malformed"),
        (b"%ED%A0%80", "header_malformed"),
        (b"a%0D%0ASet-Cookie: x", "header_malformed"),
        (b"a\r\nb", "header_malformed"),
        (b"a\0b", "header_malformed"),
        (b"a%00b", "header_malformed"),
        (b"a\tb", "header_malformed"),
        ("a\u202eb".encode(), "header_malformed"),
        ("a\u2028b".encode(), "header_malformed"),
        (b"about 11010519491231002X", "personal_number"),
        (b"about 110105194912310021", "personal_number"),
    ],
)
def test_what_is_no_purpose_is_refused_and_not_recorded(bank: ReadyBank, sent: bytes, code: str) -> None:
    account_id = bank.account()

    answer = _look(bank, account_id, PURPOSE, sent)

    assert answer.status_code == 422
    [fault] = answer.json()["errors"]
    assert (fault["parameter"], fault["code"]) == (PURPOSE, code)
    assert looks_at(bank, account_id) == []


def test_on_whose_behalf_is_shorter(bank: ReadyBank) -> None:
    account_id = bank.account()

    assert _look(bank, account_id, ON_BEHALF_OF, b"x" * 100).status_code == 200
    refused = _look(bank, account_id, ON_BEHALF_OF, b"x" * 101)

    assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (422, ON_BEHALF_OF)
    assert [look.on_behalf_of for look in looks_at(bank, account_id)] == ["x" * 100]


def test_a_purpose_is_said_once(bank: ReadyBank) -> None:
    account_id = bank.account()
    headers = [*bank.authority.headers().items(), (PURPOSE, "one"), (PURPOSE, "two")]

    answer = bank.client.get(f"/v1/accounts/{account_id}", headers=headers)  # type: ignore[arg-type]

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "header_repeated")


def test_a_look_up_with_a_malformed_purpose_does_nothing(bank: ReadyBank) -> None:
    holder = person()
    account_id = bank.authority.post("/v1/accounts", {"holder": holder}).json()["account_id"]
    before, headers = bank.events(), {PURPOSE: "%ff"}

    answer = bank.institution.post("/v1/accounts/lookup", {"document": holder["document"]}, headers=headers)

    assert answer.status_code == 422
    assert (bank.events(), looks_at(bank, account_id)) == (before, [])
