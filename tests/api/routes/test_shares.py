"""Shares over HTTP: a secret shows what the learner chose, for as long as the learner wants."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from creditbank.ledger.tables import command_log, event
from creditbank.vault.tables import sealed_text, share_key
from tests.api.bank import Caller, ReadyBank, person

ENDS = "2026-12-31T00:00:00Z"


def _grant(bank: ReadyBank, account_id: str, what: str = "balance", **changes: Any) -> dict[str, Any]:
    body = {"what": what, "purpose": "求职", "expires_at": ENDS, **changes}
    answer = bank.learner(account_id).post(f"/v1/accounts/{account_id}/shares", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def _open(bank: ReadyBank, secret: str) -> Any:
    return bank.public.post("/v1/shared", {"secret": secret})


def test_whoever_has_the_secret_sees_the_balance_without_knowing_the_account(bank: ReadyBank) -> None:
    awarded = bank.award()
    granted = _grant(bank, awarded["account_id"])

    shown = _open(bank, granted["secret"])

    assert shown.status_code == 200
    assert {name: value for name, value in shown.json().items() if name != "balance"} == {
        "what": "balance",
        "purpose": "求职",
        "expires_at": "2026-12-31T00:00:00.000000Z",
        "holder": "王**",
    }
    balance = bank.balance(awarded["account_id"])
    assert shown.json()["balance"] == {
        name: value for name, value in balance.items() if name not in ("account_id", "version")
    }
    assert awarded["account_id"] not in shown.text


def test_a_transcript_is_shown_as_it_stands_today(bank: ReadyBank) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    granted = _grant(bank, awarded["account_id"], "transcript", holder_name="clear")
    later = bank.award(holder=holder)

    shown = _open(bank, granted["secret"]).json()

    assert shown["holder"] == "王小明"
    assert [one["certificate_id"] for one in shown["transcript"]["entries"]] == [
        awarded["certificate_id"],
        later["certificate_id"],
    ]


def test_named_certificates_are_shown_and_no_others(bank: ReadyBank) -> None:
    holder = person()
    one, other = bank.award(holder=holder), bank.award(holder=holder)
    some = _grant(bank, one["account_id"], "certificates", certificates=[one["certificate_id"]])
    every = _grant(bank, one["account_id"], "certificates")
    bank.issuer.post(f"/v1/certificates/{one['certificate_id']}/revocation", {"reason": "forged"})

    shown = _open(bank, some["secret"]).json()["certificates"]

    assert [(it["certificate_id"], it["status"]) for it in shown] == [(one["certificate_id"], "revoked")]
    assert "account_id" not in shown[0]
    all_of_them = _open(bank, every["secret"]).json()["certificates"]
    assert [it["certificate_id"] for it in all_of_them] == [one["certificate_id"], other["certificate_id"]]


def test_unknown_revoked_and_expired_secrets_are_answered_alike(own_bank: ReadyBank) -> None:
    account_id = own_bank.account()
    revoked, expired = _grant(own_bank, account_id), _grant(own_bank, account_id, expires_at="2026-11-25T00:00:00Z")
    path = f"/v1/accounts/{account_id}/shares"
    assert own_bank.learner(account_id).post(f"{path}/{revoked['share_id']}/revocation").status_code == 200
    own_bank.clock.set(date(2026, 11, 26))

    answers = [_open(own_bank, secret) for secret in (revoked["secret"], expired["secret"], "cs_x", "x" * 200)]

    assert {answer.status_code for answer in answers} == {404}
    bodies = [{**answer.json(), "request_id": None} for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    listed = own_bank.learner(account_id).get(path).json()["items"]
    assert [one["status"] for one in listed] == ["revoked", "expired"]


def test_the_secret_is_shown_once_and_stands_nowhere(own_bank: ReadyBank) -> None:
    account_id = own_bank.account()
    learner, path = own_bank.learner(account_id), f"/v1/accounts/{account_id}/shares"
    body = {"what": "balance", "purpose": "给李四看", "expires_at": ENDS}

    first, again = (learner.post(path, body, key="one-share") for _ in range(2))

    secret = first.json()["secret"]
    assert secret.startswith("cs_")
    assert "secret" not in again.json()
    assert secret not in learner.get(path).text
    assert learner.get(path).json()["items"][0]["purpose"] == "给李四看"
    with own_bank.core.engine.connect() as connection, connection.begin():
        rows = [
            row for table in (event, command_log, share_key, sealed_text) for row in connection.execute(select(table))
        ]
    stored = b"".join(
        bytes(it) if isinstance(it, bytes | memoryview) else str(it).encode() for row in rows for it in row
    )
    assert len(stored) > 1_000
    for word in (secret, secret[-43:], "李四"):
        assert word.encode() not in stored


def test_a_share_names_own_certificates_and_an_end_to_come(bank: ReadyBank) -> None:
    own, foreign = bank.award(), bank.award()
    learner, path = bank.learner(own["account_id"]), f"/v1/accounts/{own['account_id']}/shares"
    body = {"what": "certificates", "purpose": "求职", "expires_at": "2026-11-24T00:00:00Z"}

    refused = learner.post(path, {**body, "certificates": [foreign["certificate_id"]]}).json()

    assert [(one["code"], one["pointer"]) for one in refused["errors"]] == [
        ("certificate_unknown", "/certificates/0"),
        ("out_of_range", "/expires_at"),
    ]
    misplaced = {**body, "what": "balance", "certificates": [own["certificate_id"]]}
    assert learner.post(path, misplaced).json()["code"] == "validation_failed"


def test_a_learner_shares_the_own_account_only(bank: ReadyBank) -> None:
    granted, stranger = _grant(bank, bank.account()), bank.learner(bank.account())
    path = f"/v1/accounts/{granted['account_id']}/shares"

    for answer in (
        stranger.get(path),
        stranger.post(path, {"what": "balance", "purpose": "求职", "expires_at": ENDS}),
        stranger.post(f"{path}/{granted['share_id']}/revocation"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert _open(bank, granted["secret"]).status_code == 200


@pytest.mark.parametrize("change", ["restriction", "erasure"])
def test_nothing_is_shown_of_an_account_that_is_not_used_any_more(bank: ReadyBank, change: str) -> None:
    granted = _grant(bank, bank.account())

    bank.authority.post(f"/v1/accounts/{granted['account_id']}/{change}", {"reason": "本人申请"})

    assert _open(bank, granted["secret"]).status_code == 404


def test_a_secret_opens_the_survivor_after_a_merge(bank: ReadyBank) -> None:
    kept, merged = bank.award(), bank.award()
    granted = _grant(bank, merged["account_id"])

    body = {"merged": merged["account_id"], "reason": "same person"}
    assert bank.authority.post(f"/v1/accounts/{kept['account_id']}/merge", body).status_code == 200

    assert _open(bank, granted["secret"]).json()["balance"]["earned"] == "12"
    listed = bank.learner(kept["account_id"]).get(f"/v1/accounts/{kept['account_id']}/shares").json()["items"]
    assert [(one["share_id"], one["purpose"]) for one in listed] == [(granted["share_id"], "求职")]


def test_opening_needs_no_credentials_and_is_limited_like_verification(bank: ReadyBank) -> None:
    answer = _open(bank, "cs_unknown")

    assert answer.status_code == 404
    assert answer.headers["RateLimit-Policy"].startswith('"verify"')
    assert Caller(bank.client, "nonsense").post("/v1/shared", {"secret": "cs_unknown"}).status_code == 404
