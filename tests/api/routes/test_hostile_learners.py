"""Hostile input with a learner's key, or with a secret: refused with a stable code, and nothing is written."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.bank import ReadyBank, on_one_database

BODIES: dict[str, dict[str, Any]] = {
    "consents": {"institution": "HBVTC", "purpose": "升学", "until": "2027-08-31"},
    "shares": {
        "what": "certificates",
        "certificates": ["0192f0c1-2d3e-7f40-8a5b-6c7d8e9f0a1b"],
        "purpose": "求职",
        "holder_name": "masked",
        "expires_at": "2026-12-31T00:00:00Z",
    },
    "requests": {"kind": "closure", "text": "毕业了"},
}
HOSTILE: list[Any] = [
    True,
    1,
    1.5,
    [],
    [[]],
    {},
    {"$ne": ""},
    "",
    " ",
    "\x00",
    "x" * 10_000,
    "2026-02-30",
    "../x",
    "\u202e",
]


@on_one_database
@pytest.mark.parametrize("part", BODIES)
def test_no_field_takes_what_it_cannot_mean(bank: ReadyBank, part: str) -> None:
    account_id = bank.account()
    learner, path, before = bank.learner(account_id), f"/v1/accounts/{account_id}/{part}", bank.events()

    for name in BODIES[part]:
        for value in HOSTILE:
            if name in ("purpose", "text") and isinstance(value, str) and 0 < len(value.strip("\x00 ")) < 100:
                continue  # words may be anything
            answer = learner.post(path, {**BODIES[part], name: value})
            assert (answer.status_code, answer.json()["code"]) in (
                (422, "validation_failed"),
                (422, "organisation_unknown"),
            ), (name, value, answer.text)
    assert learner.post(path, {**BODIES[part], "account_id": account_id}).json()["code"] == "validation_failed"
    assert bank.events() == before


@on_one_database
@pytest.mark.parametrize("account_id", ["x", "0", "0192f0c1-2d3e-7f40-8a5b-6c7d8e9f0a1", "%00"])
def test_an_account_that_cannot_be_is_refused(bank: ReadyBank, account_id: str) -> None:
    learner = bank.learner(bank.account())

    for part, body in BODIES.items():
        assert learner.post(f"/v1/accounts/{account_id}/{part}", body).status_code in (404, 422)


@on_one_database
@pytest.mark.parametrize("secret", ["cs_" + "{" * 76, "cs_" + "０" * 76, "\u202e" * 79, "cs_" + "0" * 76, "x", "💥"])
def test_a_secret_that_cannot_be_is_like_one_that_is_unknown(bank: ReadyBank, secret: str) -> None:
    answer = bank.public.post("/v1/shared", {"secret": secret})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert secret not in answer.text


@on_one_database
@pytest.mark.parametrize("body", [{}, {"secret": ""}, {"secret": None}, {"secret": 1}, {"secret": "x" * 201}, []])
def test_a_body_without_a_secret_is_refused(bank: ReadyBank, body: Any) -> None:
    answer = bank.public.post("/v1/shared", body)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
