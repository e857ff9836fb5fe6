"""An erasure is confirmed when it stands on the list that outlives the database, and not before."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine

from creditbank.commands.accounts import Erase, Merge, OpenAccount
from creditbank.commands.bank import Bank
from creditbank.commands.erasures import erased_by
from creditbank.domain import errors
from creditbank.domain.events import AccountErased
from creditbank.vault.erased import Erased
from tests.commands.bank import asked, award, bank_on, body, furnish, history, holder, open_desk, tell, together


@pytest.fixture
def bank(engine: Engine) -> Bank:
    return bank_on(engine)


def opened(bank: Bank, *names: str) -> list[UUID]:
    with open_desk(bank) as desk:
        commands = [OpenAccount(holder=holder(name), opened_by="college", institution="college") for name in names]
        return [UUID(body(tell(desk, command))["account_id"]) for command in commands]


def erasure(account_id: UUID) -> Erase:
    return Erase(account_id=account_id, reason="asked")


def block(bank: Bank) -> Path:
    """Something in the way of the list, so that it cannot be written."""
    path = bank.erased.folder
    path.touch()
    return path


def test_a_confirmed_erasure_stands_on_the_list_with_its_receipt(bank: Bank) -> None:
    [account_id] = opened(bank, "Li")
    with open_desk(bank) as desk:
        receipt = body(tell(desk, erasure(account_id)))["receipt"]
    line = bank.erased.read()[account_id]
    assert str(line.receipt) == receipt["receipt_id"]
    assert line.erased_at == bank.clock()


def test_accounts_that_were_merged_into_it_stand_there_too_and_others_do_not(bank: Bank) -> None:
    survivor, merged, longer_ago, _ = opened(bank, "Li", "Li before", "Li long before", "Wang")
    with open_desk(bank) as desk:
        tell(desk, Merge(account_id=merged, merged=longer_ago, reason="same person"))
        tell(desk, Merge(account_id=survivor, merged=merged, reason="same person"))
        tell(desk, erasure(survivor))
    assert set(bank.erased.read()) == {survivor, merged, longer_ago}


def test_what_cannot_be_listed_is_not_confirmed_and_others_of_the_group_are(bank: Bank) -> None:
    [account_id] = opened(bank, "Li")
    block(bank)
    with open_desk(bank) as desk:
        furnish(desk)
        refused, awarded = together(desk, asked(erasure(account_id), key="one"), asked(award("N1", holder("Wang"))))
    assert isinstance(refused, errors.Unavailable)
    assert body(awarded)["status"] == "active"


def test_who_asks_again_is_answered_behind_the_line_that_was_missing(bank: Bank, engine: Engine) -> None:
    [account_id] = opened(bank, "Li")
    in_the_way, request = block(bank), asked(erasure(account_id), key="one")
    with open_desk(bank) as desk:
        for _ in range(2):
            with pytest.raises(errors.Unavailable):
                desk.call(request)
        in_the_way.unlink()
        settled = desk.call(request)
    assert settled.replayed
    [erased] = [event for event in history(engine, account_id) if isinstance(event, AccountErased)]
    line = Erased(account_id=account_id, receipt=erased.receipt, erased_at=bank.clock())
    assert bank.erased.read() == {account_id: line}


def test_only_a_receipt_confirms_an_erasure(bank: Bank) -> None:
    [account_id] = opened(bank, "Li")
    assert erased_by(b'{"status":"open"}') is None
    assert erased_by(b'{"note":"\\"receipt_id\\"","receipt":"receipt_id","receipt_id":"receipt_id"}') is None
    with open_desk(bank) as desk:
        assert erased_by(tell(desk, erasure(account_id)).body) == account_id
