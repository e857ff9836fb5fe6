"""A backup is restored from before an erasure: before anybody can ask, whoever was erased is erased again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Thread
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, insert, select

from creditbank.audit import replay
from creditbank.commands import restored
from creditbank.commands.accounts import Erase, Merge, OpenAccount
from creditbank.commands.bank import Bank
from creditbank.commands.catalogue import set_retention
from creditbank.commands.desk import Desk
from creditbank.domain import errors
from creditbank.domain.events import AccountErased, RetentionRuleSet
from creditbank.ledger.database import open_engine, writing
from creditbank.vault import persons
from creditbank.vault.erased import ErasedList, ListDamaged
from creditbank.vault.tables import person, person_claim
from tests.commands.bank import award, bank_on, body, furnish, history, holder, open_desk, tell

Backup = Callable[[str], str]
LATER = 3_600_000_000


@contextmanager
def bank_at(url: str, data_dir: Path) -> Iterator[Bank]:
    """The bank on a database, with the list below this directory; nobody is connected afterwards."""
    engine = open_engine(url)
    yield replace_list(bank_on(engine), data_dir)
    engine.dispose()


def replace_list(bank: Bank, data_dir: Path) -> Bank:
    return replace(bank, erased=ErasedList(data_dir))


def opened(bank: Bank, *names: str) -> list[UUID]:
    with open_desk(bank) as desk:
        furnish(desk)
        awards = [award(f"N-{name}", holder(name)) for name in names]
        return [UUID(body(tell(desk, one))["account_id"]) for one in awards]


def tell_all(bank: Bank, *commands: Erase | Merge) -> None:
    with open_desk(bank) as desk:
        for command in commands:
            tell(desk, command)


def reconciled(bank: Bank) -> restored.Discord:
    with open_desk(bank) as desk:
        return restored.reconcile(bank, desk)


def kept(bank: Bank) -> dict[str, set[UUID]]:
    """Whose keys, and whose claims, are there."""
    with bank.engine.connect() as connection, connection.begin():
        keys = set(connection.execute(select(person.c.account_id)).scalars())
        claims = set(connection.execute(select(person_claim.c.account_id)).scalars())
    return {"keys": keys, "claims": claims}


def erasures(engine: Engine, account_id: UUID) -> list[AccountErased]:
    return [event for event in history(engine, account_id) if isinstance(event, AccountErased)]


def test_who_was_erased_is_erased_again_and_nobody_else(database_url: str, backup: Backup, tmp_path: Path) -> None:
    with bank_at(database_url, tmp_path) as bank:
        li, wang = opened(bank, "Li", "Wang")
    old = backup(database_url)
    with bank_at(database_url, tmp_path) as bank:
        tell_all(bank, Erase(account_id=li, reason="asked"))
        [first] = erasures(bank.engine, li)
        listed = bank.erased.read()
    with bank_at(old, tmp_path) as bank:
        assert kept(bank) == {"keys": {li, wang}, "claims": {li, wang}}
        before = replay.account_at(bank.engine, wang)
        assert set(reconciled(bank).alive) == {li}
        assert kept(bank) == {"keys": {wang}, "claims": {wang}}
        assert erasures(bank.engine, li) == [AccountErased(reason=restored.REASON, receipt=first.receipt)]
        assert replay.account_at(bank.engine, wang) == before
        assert list(replay.differences(bank.engine)) == []
        assert bank.erased.read() == listed
        assert reconciled(bank) == restored.Discord(alive={}, unlisted=frozenset())


@pytest.mark.parametrize("merged_before_the_backup", [True, False])
def test_accounts_that_were_merged_are_erased_again_too(
    database_url: str, backup: Backup, tmp_path: Path, merged_before_the_backup: bool
) -> None:
    with bank_at(database_url, tmp_path) as bank:
        li, before, wang = opened(bank, "Li", "Li before", "Wang")
        merge = Merge(account_id=li, merged=before, reason="same person")
        if merged_before_the_backup:
            tell_all(bank, merge)
    old = backup(database_url)
    with bank_at(database_url, tmp_path) as bank:
        if not merged_before_the_backup:
            tell_all(bank, merge)
        tell_all(bank, Erase(account_id=li, reason="asked"))
        [first] = erasures(bank.engine, li)
    with bank_at(old, tmp_path) as bank:
        reconciled(bank)
        assert kept(bank) == {"keys": {wang}, "claims": {wang}}
        again = [one.receipt for account_id in (li, before) for one in erasures(bank.engine, account_id)]
        assert again == [first.receipt] * (1 if merged_before_the_backup else 2)


def test_no_rule_of_retention_keeps_who_was_erased_already(database_url: str, backup: Backup, tmp_path: Path) -> None:
    with bank_at(database_url, tmp_path) as bank:
        [li] = opened(bank, "Li")
        with open_desk(bank) as desk:
            rule = RetentionRuleSet(organisation="BIM-EVAL", kind="certificate", years=90, basis="§ 1")
            tell(desk, set_retention(rule))
            with pytest.raises(errors.RetentionApplies):
                tell(desk, Erase(account_id=li, reason="asked"))
    old = backup(database_url)
    with bank_at(database_url, tmp_path) as bank:
        tell_all(bank, Erase(account_id=li, reason="by a court", is_repeated=True))
    with bank_at(old, tmp_path) as bank:
        reconciled(bank)
        assert kept(bank) == {"keys": set(), "claims": set()}


def test_a_row_that_was_copied_back_from_a_backup_is_destroyed_again(
    database_url: str, backup: Backup, tmp_path: Path
) -> None:
    with bank_at(database_url, tmp_path) as bank:
        li, wang = opened(bank, "Li", "Wang")
    old = backup(database_url)
    with bank_at(old, tmp_path) as backed_up, backed_up.engine.connect() as connection, connection.begin():
        rows = {table: [row._asdict() for row in connection.execute(select(table))] for table in (person, person_claim)}
    with bank_at(database_url, tmp_path) as bank:
        tell_all(bank, Erase(account_id=li, reason="asked"))
        with writing(bank.engine) as connection:
            for table, copied in rows.items():
                connection.execute(insert(table), [row for row in copied if row["account_id"] == li])
        assert kept(bank)["keys"] == {li, wang}
        assert set(reconciled(bank).alive) == {li}
        assert kept(bank) == {"keys": {wang}, "claims": {wang}}
        assert len(erasures(bank.engine, li)) == 1


def test_a_list_that_was_lost_is_written_again_from_history(database_url: str, tmp_path: Path) -> None:
    with bank_at(database_url, tmp_path / "one") as bank:
        li, before, _ = opened(bank, "Li", "Li before", "Wang")
        merge = Merge(account_id=li, merged=before, reason="same person")
        tell_all(bank, merge, Erase(account_id=li, reason="asked"))
        listed = bank.erased.read()
    with bank_at(database_url, tmp_path / "another") as bank:
        assert reconciled(bank).unlisted == {li}
        assert bank.erased.read() == listed
        assert set(listed) == {li, before}


def test_a_crash_between_the_commit_and_the_line_is_healed_at_the_start(database_url: str, tmp_path: Path) -> None:
    with bank_at(database_url, tmp_path) as bank:
        [li] = opened(bank, "Li")
        (tmp_path / "erased").touch()  # in the way of the list
        with pytest.raises(errors.Unavailable):
            tell_all(bank, Erase(account_id=li, reason="asked"))
        (tmp_path / "erased").unlink()
    with bank_at(database_url, tmp_path) as bank:
        reconciled(bank)
        assert set(bank.erased.read()) == {li}


def test_accounts_that_the_backup_does_not_know_stay_unknown(database_url: str, backup: Backup, tmp_path: Path) -> None:
    old = backup(database_url)
    with bank_at(database_url, tmp_path) as bank:
        [li] = opened(bank, "Li")
        tell_all(bank, Erase(account_id=li, reason="asked"))
    with bank_at(old, tmp_path) as bank:
        assert reconciled(bank) == restored.Discord(alive={}, unlisted=frozenset())
        assert history(bank.engine, li) == []


def test_who_came_again_after_the_erasure_is_somebody_new(database_url: str, tmp_path: Path) -> None:
    with bank_at(database_url, tmp_path) as bank:
        [li] = opened(bank, "Li")
        tell_all(bank, Erase(account_id=li, reason="asked"))
        with open_desk(bank) as desk:
            again = body(tell(desk, OpenAccount(holder=holder("Li"), opened_by="college", institution=None)))
        reconciled(bank)
        assert kept(bank)["keys"] == {UUID(again["account_id"])}


def test_a_list_that_cannot_be_read_lets_nobody_start(database_url: str, tmp_path: Path) -> None:
    with bank_at(database_url, tmp_path) as bank:
        bank.erased.folder.mkdir()
        (bank.erased.folder / "host.list").write_text("x" * 101)
        with pytest.raises(ListDamaged):
            reconciled(bank)


def test_of_many_that_start_at_once_one_erases(database_url: str, backup: Backup, tmp_path: Path) -> None:
    with bank_at(database_url, tmp_path) as bank:
        people = opened(bank, *(f"P{number}" for number in range(5)))
    old = backup(database_url)
    with bank_at(database_url, tmp_path) as bank:
        tell_all(bank, *(Erase(account_id=one, reason="asked") for one in people))
    together, failures = Barrier(3), []

    def start() -> None:
        with bank_at(old, tmp_path) as bank:
            together.wait()
            try:
                reconciled(bank)
            except errors.BankError as refusal:
                failures.append(refusal)

    threads = [Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with bank_at(old, tmp_path) as bank:
        assert [len(erasures(bank.engine, one)) for one in people] == [1] * 5
        assert kept(bank) == {"keys": set(), "claims": set()}


def test_a_start_looks_only_at_those_who_were_erased(sqlite_engine: Engine) -> None:
    with sqlite_engine.connect() as connection:
        plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN SELECT account_id FROM account WHERE status = 'erased'")
        assert "INDEX account_erased" in str(plan.all())


def test_what_is_erased_is_overwritten_in_the_file(sqlite_url: str, tmp_path: Path) -> None:
    with bank_at(sqlite_url, tmp_path) as bank:
        [li] = opened(bank, "Li")
        with bank.engine.connect() as connection:
            row = connection.execute(select(person)).one()
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    assert row.wrapped_key in path.read_bytes()
    with bank_at(sqlite_url, tmp_path) as bank, writing(bank.engine) as connection:
        persons.erase(connection, [li])
    assert row.wrapped_key not in path.read_bytes()
    assert row.name not in path.read_bytes()


def test_where_published_history_is_missing_too_the_key_goes_at_once_and_the_event_follows(
    database_url: str, backup: Backup, tmp_path: Path
) -> None:
    def refuse(_connection: Connection) -> None:
        raise errors.HistoryBehind()

    with bank_at(database_url, tmp_path) as bank:
        li, _ = opened(bank, "Li", "Wang")
    old = backup(database_url)
    with bank_at(database_url, tmp_path) as bank:
        tell_all(bank, Erase(account_id=li, reason="asked"))
    with bank_at(old, tmp_path) as bank:
        desk = Desk(bank, refuse)
        restored.reconcile(bank, desk)
        desk.close()
        assert li not in kept(bank)["keys"] | kept(bank)["claims"]
        assert erasures(bank.engine, li) == []

        reconciled(bank)  # history is back

        assert len(erasures(bank.engine, li)) == 1
