"""Corrections of one group: each sees what the one before it put right, and a document finds one account."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import Engine

from creditbank.commands.accounts import LookUp, OpenAccount
from creditbank.commands.corrections import CorrectHolder, Particulars
from creditbank.commands.desk import Desk
from creditbank.domain import errors
from creditbank.domain.events import AccountOpened, HolderCorrected
from creditbank.vault import formers
from creditbank.vault.persons import Holder
from tests.commands.bank import asked, bank_on, body, furnish, history, holder, open_desk, tell, together


def opened(desk: Desk, one: Holder) -> UUID:
    command = OpenAccount(holder=one, opened_by="college", institution=None)
    return UUID(body(tell(desk, command))["account_id"])


def correction(account_id: UUID, one: Holder, cause: str = "change") -> CorrectHolder:
    particulars = Particulars(name=one.person.name, document=one.document)
    return CorrectHolder(account_id=account_id, particulars=particulars, cause=cause, reason="-")  # type: ignore[arg-type]


def found(desk: Desk, one: Holder) -> UUID | None:
    try:
        return UUID(body(tell(desk, LookUp(holder=one, institution=None)))["account_id"])
    except errors.NotFound:
        return None


def test_of_two_corrections_in_a_group_the_second_sees_what_the_first_put_right(engine: Engine) -> None:
    bank = bank_on(engine)
    with open_desk(bank) as desk:
        furnish(desk)
        account_id = opened(desk, holder("first"))

        answers = together(
            desk,
            asked(correction(account_id, holder("second"))),
            asked(correction(account_id, holder("third"), "error")),
        )

        assert [body(answer)["version"] for answer in answers] == [2, 3]
        assert [found(desk, holder(name)) for name in ("first", "second", "third")] == [account_id, None, account_id]
    with engine.connect() as connection, connection.begin():
        names = [one.person.name for one in formers.of_accounts(connection, bank.vault, [account_id])[account_id]]
    assert names == ["first", "second"]


def test_a_document_that_two_want_at_once_finds_the_first_of_them(engine: Engine) -> None:
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        ours, theirs = opened(desk, holder("ours")), opened(desk, holder("theirs"))

        first, second = together(desk, asked(correction(ours, holder("new"))), asked(correction(theirs, holder("new"))))

        assert body(first)["version"] == 2
        assert isinstance(second, errors.DocumentTaken)
        assert found(desk, holder("new")) == ours


@pytest.mark.parametrize("cause", ["change", "error"])
def test_an_account_that_is_opened_beside_a_correction_gets_what_is_free(engine: Engine, cause: str) -> None:
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        account_id = opened(desk, holder("old"))
        opening = OpenAccount(holder=holder("old"), opened_by="college", institution=None)

        _, answer = together(desk, asked(correction(account_id, holder("new"), cause)), asked(opening))

        other = UUID(body(answer)["account_id"])
        assert (other == account_id) is (cause == "change")
        assert found(desk, holder("old")) == other
        assert found(desk, holder("new")) == account_id


def test_a_repeated_correction_is_recorded_once(engine: Engine) -> None:
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        account_id = opened(desk, holder("old"))

        tell(desk, correction(account_id, holder("new")), key="once")
        again = tell(desk, correction(account_id, holder("new")), key="once")

    assert again.replayed
    assert [type(one) for one in history(engine, account_id)] == [AccountOpened, HolderCorrected]
