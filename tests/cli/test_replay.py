"""`creditbank rebuild` makes the answers from history, `creditbank replay` finds the one that is not its."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, update

from creditbank.projections import accounts, lots
from tests.cli.conftest import Command
from tests.cli.history import ACCOUNT, award, open_account, register


@pytest.fixture
def bank(database_url: str, engine: Engine, creditbank: Command) -> Command:
    """The command line on a bank with one account that holds one certificate."""
    register(engine, "BIM-EVAL", "issuer")
    open_account(engine)
    award(engine)
    rebuilt = creditbank("rebuild", "--json", url=database_url)
    assert rebuilt.code == 0
    assert rebuilt.json["events"] == 3
    return creditbank


def test_rebuilt_answers_agree_with_history(bank: Command) -> None:
    assert bank("replay", "--all").out == "what the bank answers is what its history says\n"
    assert bank("replay", "--all", "--json").json["agrees"] is True


def test_an_answer_that_was_changed_is_named_and_an_integrity_violation(bank: Command, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(update(lots.lot).values(credits=90_000))
    ended = bank("replay", "--all")
    assert ended.code == 3
    assert ended.err.startswith(f"account {ACCOUNT}: certificates is not what history says\n")
    assert "60000" in ended.err
    found = bank("replay", "--all", "--json")
    assert (found.code, found.json["agrees"], found.json["difference"]["what"]) == (3, False, "certificates")
    assert bank("rebuild").code == 0
    assert bank("replay", "--all").code == 0


def test_an_account_is_recomputed_without_what_is_stored(bank: Command, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(update(accounts.account).values(status="closed"))
        connection.execute(update(lots.lot).values(credits=90_000))
    ended = bank("replay", "--account", str(ACCOUNT), "--at", "2026-06-30", "--json")
    assert ended.code == 0
    assert ended.json["balance"]["available"] == ended.json["balance"]["earned"] == "6"
    [entry] = ended.json["transcript"]["entries"]
    assert (entry["kind"], entry["status"]) == ("certificate", "active")
    assert entry["recorded_at"] == "2026-01-02T00:00:00.000000Z"


def test_an_account_is_shown_as_it_was_at_a_version_or_on_a_day(bank: Command) -> None:
    account = ["replay", "--account", str(ACCOUNT)]
    assert "earned                6" in bank(*account, "--at", "2026-06-30").out
    assert "expired               6" in bank(*account, "--at", "2026-07-01").out
    assert "BIM-EVAL BIM1" in bank(*account, "--version", "2").out
    assert "BIM-EVAL BIM1" not in bank(*account, "--version", "1").out
    assert "version 1, on 2026-01-01" in bank(*account, "--at", "2026-01-01").out
    assert bank(*account, "--at", "2025-12-31").err == f"history knows no account {ACCOUNT} on 2025-12-31\n"
