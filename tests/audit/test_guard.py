"""The rollback guard: an old backup, a promoted standby that lagged, another history are noticed before a write."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine, QueuePool, create_engine, text

from creditbank.audit.guard import Guard
from creditbank.audit.publisher import Publisher
from creditbank.audit.transparency.shelf import Forked
from creditbank.commands.desk import Desk
from creditbank.domain import errors
from creditbank.ledger.database import open_engine, writing
from tests.audit.bank import fill, filled, publisher
from tests.commands.bank import award, bank_on, holder, tell

TABLES = ("event", "log_partition", "log_tree", "log_round", "log_seal", "log_head", "log_checkpoint")


BEGINNINGS = {"published": filled(4)}


@pytest.fixture
def published(engine: Engine, tmp_path: Path) -> Publisher:
    return publisher(engine, tmp_path)


def back_up(engine: Engine) -> None:
    with writing(engine) as connection:
        for table in TABLES:
            connection.execute(text(f"CREATE TABLE old_{table} AS SELECT * FROM {table}"))


def restore(engine: Engine) -> None:
    """What a restored backup or a standby that lagged looks like from outside."""
    with writing(engine) as connection:
        for table in TABLES:
            connection.execute(text(f"DELETE FROM {table}"))
            connection.execute(text(f"INSERT INTO {table} SELECT * FROM old_{table}"))


def test_a_whole_history_may_be_written_on(published: Publisher) -> None:
    guard = Guard(published.engine, published.shelf)
    assert guard.missing is None
    with published.engine.connect() as connection:
        guard.check(connection)


def test_an_old_backup_is_not_written_on(published: Publisher) -> None:
    engine = published.engine
    back_up(engine)
    fill(engine, 4, first=4, furnished=True)
    head = published.publish()
    assert head is not None
    restore(engine)
    guard = Guard(engine, published.shelf)
    desk = Desk(bank_on(engine), guard.check)

    with pytest.raises(errors.HistoryBehind):
        tell(desk, award("N99", holder("somebody")))

    desk.close()
    assert guard.missing is not None
    assert f"to {head.size - 1} of the log" in guard.missing


def test_another_history_of_the_same_length_is_not_written_on(published: Publisher) -> None:
    with writing(published.engine) as connection:
        connection.execute(text("UPDATE log_checkpoint SET root = (SELECT commitment FROM log_head LIMIT 1)"))

    assert Guard(published.engine, published.shelf).missing is not None


def test_a_counter_that_fell_behind_the_log_is_noticed(published: Publisher) -> None:
    with writing(published.engine) as connection:
        connection.execute(text("UPDATE log_partition SET head = head - 1 WHERE head > 0"))

    missing = Guard(published.engine, published.shelf).missing

    assert missing is not None
    assert "of partition" in missing


def test_a_failover_while_serving_is_noticed_with_the_next_connection(published: Publisher) -> None:
    engine = published.engine
    back_up(engine)
    fill(engine, 4, first=4, furnished=True)
    published.publish()
    guard = Guard(engine, published.shelf)
    assert guard.missing is None
    restore(engine)

    desk = Desk(bank_on(engine), guard.check)
    engine.dispose()  # as when the old server is gone

    with pytest.raises(errors.HistoryBehind):
        tell(desk, award("N99", holder("somebody")))
    desk.close()


def test_a_look_through_one_connection_vouches_for_no_other(sqlite_engine: Engine, tmp_path: Path) -> None:
    """The old connection still leads to the server that has everything, the new one to a standby that lagged."""
    one = publisher(sqlite_engine, tmp_path)
    fill(sqlite_engine, 3)
    one.publish()
    path = str(sqlite_engine.url.database)
    with sqlite_engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(path, tmp_path / "lagging.db")
    fill(sqlite_engine, 6, first=3, furnished=True)
    one.publish()
    leads = iter([path, str(tmp_path / "lagging.db")])
    pool = QueuePool(lambda: sqlite3.connect(next(leads)))
    engine = create_engine("sqlite://", pool=pool)
    guard = Guard(engine, one.shelf)

    with engine.connect() as old, engine.connect() as new:
        guard.check(old)
        for _ in range(2):
            with pytest.raises(errors.HistoryBehind):
                guard.check(new)
        guard.check(old)
    engine.dispose()


def test_what_was_lost_and_brought_back_may_be_written_on(sqlite_url: str, tmp_path: Path) -> None:
    engine = open_engine(sqlite_url)
    one = publisher(engine, tmp_path)
    fill(engine, 2)
    one.publish()
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    engine.dispose()
    shutil.copyfile(path, tmp_path / "backup.db")

    again = open_engine(f"sqlite:///{tmp_path / 'backup.db'}")

    assert Guard(again, one.shelf).missing is None
    again.dispose()


def test_no_round_is_published_on_a_history_that_lost_its_end(published: Publisher) -> None:
    """Of other widths the new files would stand beside the old ones, and nothing but the checkpoints would tell."""
    engine = published.engine
    back_up(engine)
    fill(engine, 4, first=4, furnished=True)
    published.publish()
    shown = published.shelf.checkpoint()
    restore(engine)
    fill(engine, 9, first=30, furnished=True)

    with pytest.raises(Forked):
        published.publish()

    assert published.shelf.checkpoint() == shown


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff\xfe", b"a\n1\n"])
def test_a_checkpoint_that_cannot_be_read_is_not_written_over(published: Publisher, content: bytes) -> None:
    """A bank that cannot read what it has published does not know whether it may write."""
    (published.shelf.folder / "checkpoint").write_bytes(content)
    guard = Guard(published.engine, published.shelf)
    desk = Desk(bank_on(published.engine), guard.check)

    with pytest.raises(errors.HistoryBehind):
        tell(desk, award("N99", holder("somebody")))
    with pytest.raises(Forked, match="cannot be read"):
        published.publish()

    desk.close()
    assert (published.shelf.folder / "checkpoint").read_bytes() == content
