"""What learners allow and ask for follows from history: replay finds no difference, and a rebuild changes no answer."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import delete, update

from creditbank.audit.rebuild import rebuild
from creditbank.audit.replay import differences
from creditbank.ledger.database import writing
from creditbank.projections.consents import consent
from creditbank.projections.learner_requests import learner_request
from tests.api.bank import ReadyBank


def _rights(bank: ReadyBank, account_id: str) -> dict[str, str]:
    """Give, share and ask for something: the ids."""
    learner, account = bank.learner(account_id), f"/v1/accounts/{account_id}"
    consent = learner.post(f"{account}/consents", {"institution": "WHUT", "purpose": "升学", "until": "2027-08-31"})
    share = learner.post(
        f"{account}/shares", {"what": "balance", "purpose": "求职", "expires_at": "2026-12-31T00:00:00Z"}
    )
    request = learner.post(f"{account}/requests", {"kind": "closure", "text": "毕业了"})
    return {
        "consent": consent.json()["consent_id"],
        "share": share.json()["share_id"],
        "request": request.json()["request_id"],
    }


def _lives(bank: ReadyBank) -> list[str]:
    """Accounts in every state that concerns a learner's rights."""
    plain, restricted, erased, kept, merged = (bank.award()["account_id"] for _ in range(5))
    given = {account_id: _rights(bank, account_id) for account_id in (plain, restricted, erased, kept, merged)}
    learner, account = bank.learner(plain), f"/v1/accounts/{plain}"
    learner.post(f"{account}/consents/{given[plain]['consent']}/withdrawal")
    learner.post(f"{account}/shares/{given[plain]['share']}/revocation")
    _rights(bank, plain)
    settlement = {"outcome": "declined", "reason": "尚有未结事项"}
    bank.authority.post(f"/v1/requests/{given[plain]['request']}/settlement", settlement)
    bank.authority.post(f"{account}/correction", {"holder": {"name": "王大明"}, "cause": "error", "reason": "笔误"})
    for account_id, change in ((restricted, "restriction"), (erased, "erasure")):
        assert bank.authority.post(f"/v1/accounts/{account_id}/{change}", {"reason": "本人申请"}).status_code == 200
    body = {"merged": merged, "reason": "same person"}
    assert bank.authority.post(f"/v1/accounts/{kept}/merge", body).status_code == 200
    bank.authority.post(f"/v1/requests/{given[merged]['request']}/settlement", settlement)
    return [plain, restricted, erased, kept, merged]


def _answers(bank: ReadyBank, accounts: list[str]) -> list[Any]:
    paths = [f"/v1/accounts/{one}{part}" for one in accounts for part in ("", "/consents", "/shares", "/requests")]
    answers = [bank.authority.get(path).json() for path in (*paths, "/v1/requests?limit=1000")]
    return [*answers, *(bank.other_institution.get(f"/v1/accounts/{one}").status_code for one in accounts)]


def test_replay_and_rebuild_agree_with_what_is_answered(own_bank: ReadyBank) -> None:
    accounts, engine = _lives(own_bank), own_bank.core.engine
    answered = _answers(own_bank, accounts)
    assert answered[-5:] == [200, 404, 404, 200, 404]
    assert list(differences(engine)) == []

    rebuild(engine)

    assert list(differences(engine)) == []
    assert _answers(own_bank, accounts) == answered


def test_replay_names_a_consent_and_a_request_that_history_does_not_know(own_bank: ReadyBank) -> None:
    account_id = own_bank.account()
    _rights(own_bank, account_id)
    with writing(own_bank.core.engine) as connection:
        connection.execute(update(learner_request).values(status="done"))
        connection.execute(update(consent).values(until=date(2099, 1, 1)))

    found = list(differences(own_bank.core.engine))

    assert {(one.where, one.what) for one in found} == {
        (f"account {account_id}", "consents"),
        (f"account {account_id}", "requests"),
    }
    with writing(own_bank.core.engine) as connection:
        connection.execute(delete(consent))
    assert [one.what for one in differences(own_bank.core.engine)] == ["consents", "requests"]


def test_rights_as_the_bank_knew_them_do_not_change_what_an_institution_sees_today(own_bank: ReadyBank) -> None:
    awarded = own_bank.award()
    given = _rights(own_bank, awarded["account_id"])
    path = f"/v1/accounts/{awarded['account_id']}/balance?as_of=2026-11-24"
    assert own_bank.other_institution.get(path).json()["earned"] == "6"
    own_bank.clock.set(date(2026, 11, 30))

    withdrawal = f"/v1/accounts/{awarded['account_id']}/consents/{given['consent']}/withdrawal"
    assert own_bank.learner(awarded["account_id"]).post(withdrawal).status_code == 200

    assert own_bank.other_institution.get(path).status_code == 404
    assert own_bank.authority.get(path).json()["version"] == 6
