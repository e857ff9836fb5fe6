"""Locks: the counters of the log come last, so that nobody who waits for something else holds them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from sqlalchemy import Engine, text

from creditbank.audit.rebuild import rebuild
from creditbank.commands import catalogue
from creditbank.projections import catalogue as catalogue_projection
from tests.commands.bank import PATIENCE, bank_on, open_desk, tell
from tests.domain.facts import ISSUER

WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


def wait_until_somebody_waits(engine: Engine) -> None:
    for _ in range(PATIENCE * 50):
        with engine.connect() as connection:
            if connection.execute(WAITING).scalar_one():
                return
        Event().wait(0.02)
    raise AssertionError("nobody waits")


def test_who_publishes_waits_for_the_writes_under_way_without_a_counter(postgresql_engine: Engine) -> None:
    with open_desk(bank_on(postgresql_engine)) as desk, ThreadPoolExecutor() as threads:
        with postgresql_engine.connect() as writer, writer.begin():
            catalogue_projection.held_later(writer)()
            published = threads.submit(tell, desk, catalogue.register(ISSUER))
            wait_until_somebody_waits(postgresql_engine)
            counters = writer.execute(text("SELECT head FROM log_partition FOR UPDATE NOWAIT")).all()
        assert published.result(PATIENCE).status == 201
    assert len(counters) == 64


def test_a_rebuild_waits_for_the_writes_under_way_without_a_table(postgresql_engine: Engine) -> None:
    with ThreadPoolExecutor() as threads:
        with postgresql_engine.connect() as writer, writer.begin():
            catalogue_projection.held_later(writer)()
            rebuilt = threads.submit(rebuild, postgresql_engine)
            wait_until_somebody_waits(postgresql_engine)
            writer.execute(text("LOCK TABLE account IN ROW EXCLUSIVE MODE NOWAIT"))
        assert rebuilt.result(PATIENCE) == 0


def test_after_a_rebuild_every_process_reads_the_catalogue_again(engine: Engine) -> None:
    bank = bank_on(engine)
    before = bank.catalogue().epoch
    rebuild(engine)
    with engine.connect() as connection, connection.begin():
        assert bank.catalogue_in(connection).epoch > before
