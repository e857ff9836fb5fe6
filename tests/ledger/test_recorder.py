"""The recorder keeps what the eventsourcing library promises: its own test cases, on both databases."""

from __future__ import annotations

import threading
import unittest
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from eventsourcing.application import Repository
from eventsourcing.persistence import (
    ConnectionUnavailableError,
    EventStore,
    IntegrityError,
    OperationalError,
    ProgrammingError,
    StoredEvent,
    Tracking,
)
from eventsourcing.tests import persistence as library
from sqlalchemy import Engine, select

from creditbank.domain.account import Account, empty, evolve
from creditbank.domain.events import AccountOpened, AccountSuspended
from creditbank.ledger import log, tables
from creditbank.ledger.database import open_engine, writing
from creditbank.ledger.migration import upgrade
from creditbank.ledger.recorder import LedgerMapper, PartitionRecorder, StreamEvent, StreamRecorder
from tests.ledger.entries import stream_in

PARTITION = 17
NOW = 1_800_000_000_000_000


def clock() -> int:
    return NOW


def partition_recorder(engine: Engine) -> PartitionRecorder:
    return PartitionRecorder(engine, PARTITION, actor="library", clock=clock)


class OnEngine(library.RecorderTestCase):
    """A test case of the library on the engine of the running test."""

    __test__ = False  # run below, with a database of the test's own
    engine: Engine

    def new_originator_id(self) -> UUID:
        return stream_in(PARTITION)

    def create_recorder(self) -> Any:
        return partition_recorder(self.engine)


class Streams(OnEngine, library.AggregateRecorderTestCase):
    def create_recorder(self) -> StreamRecorder:
        return StreamRecorder(self.engine, actor="library", clock=clock)


class Notifications(OnEngine, library.ApplicationRecorderTestCase[PartitionRecorder]):
    def test_subscription(self) -> None:
        self.optional_test_insert_subscribe()


class Followers(OnEngine, library.TrackingRecorderTestCase):
    pass


class Processes(OnEngine, library.ProcessRecorderTestCase):
    pass


class Batches(OnEngine, library.NonInterleavingNotificationIDsBaseCase):
    pass


CASES = [Streams, Notifications, Followers, Processes, Batches]
PROMISES = [(case, name) for case in CASES for name in dir(case) if name.startswith("test")]
# Loops that print a rate and check nothing.
PROMISES = [(case, name) for case, name in PROMISES if name not in ("test_performance", "test_concurrent_throughput")]


@pytest.mark.parametrize(("case", "name"), PROMISES, ids=[f"{case.__name__}-{name}" for case, name in PROMISES])
def test_the_library_finds_what_it_expects(case: Any, name: str, engine: Engine) -> None:
    promise = case(name)
    promise.engine = engine
    result, running = unittest.TestResult(), set(threading.enumerate())
    promise.run(result)
    for reader in set(threading.enumerate()) - running:
        reader.join()  # told to stop, but left behind
    assert result.testsRun == 1
    assert not result.skipped
    assert not result.failures + result.errors, (result.failures + result.errors)[0][1]


def stored(stream_id: UUID, version: int = 1) -> StoredEvent:
    return StoredEvent(stream_id, version, "account-opened/1", b'{"opened_by":"school-1"}')


def test_events_and_tracking_of_a_caller_roll_back_together(engine: Engine) -> None:
    recorder, stream_id = partition_recorder(engine), stream_in(PARTITION)
    with writing(engine) as connection:
        recorder.insert_events([stored(stream_id)], connection=connection)
        recorder.insert_tracking(Tracking("statistics", 9), connection=connection)
        connection.rollback()
    assert recorder.select_events(stream_id) == []
    assert recorder.max_notification_id() is None
    assert recorder.max_tracking_id("statistics") is None


def test_a_follower_has_a_place_of_its_own_in_every_partition(engine: Engine) -> None:
    here, there = (PartitionRecorder(engine, number, actor="library", clock=clock) for number in (17, 18))
    here.insert_tracking(Tracking("statistics", 5))
    there.insert_tracking(Tracking("statistics", 2))
    assert (here.max_tracking_id("statistics"), there.max_tracking_id("statistics")) == (5, 2)


def test_a_partition_refuses_a_stream_of_another(engine: Engine) -> None:
    with pytest.raises(ProgrammingError, match="not in partition 17"):
        partition_recorder(engine).insert_events([stored(stream_in(18))])


def test_streams_of_several_partitions_are_appended_at_once_or_not_at_all(engine: Engine) -> None:
    recorder = StreamRecorder(engine, actor="library", clock=clock)
    one, other = stream_in(3), stream_in(40)
    with pytest.raises(IntegrityError):
        recorder.insert_events([stored(one), stored(other), stored(other)])
    assert recorder.select_events(one) == []
    recorder.insert_events([stored(one), stored(other)])
    with engine.connect() as connection:
        assert log.heads(connection) == {3: 1, 40: 1}


def test_an_insert_is_recorded_with_actor_time_and_cause(engine: Engine) -> None:
    stream_id, cause = stream_in(PARTITION), uuid4()
    partition_recorder(engine).insert_events([stored(stream_id)], causation=cause)
    with engine.connect() as connection:
        [recorded] = log.stream(connection, stream_id)
    assert (recorded.actor, recorded.recorded_at, recorded.causation) == ("library", NOW, cause)
    assert recorded.event == AccountOpened(opened_by="school-1")


def test_a_subscription_passes_by_what_its_topics_leave_out(engine: Engine) -> None:
    recorder = partition_recorder(engine)
    recorder.insert_events([stored(stream_in(PARTITION)) for _ in range(3)])
    wanted = StoredEvent(stream_in(PARTITION), 1, "account-closed/1", b"{}")
    with recorder.subscribe(topics=["account-closed/1"]) as subscription:
        recorder.insert_events([wanted])
        assert next(subscription).id == 4


def test_the_library_repository_reads_an_account_as_it_was(engine: Engine) -> None:
    def project(account: Account | None, events: Sequence[StreamEvent]) -> Account | None:
        for happened in events:
            account = evolve(account or empty(happened.originator_id), happened.event)  # type: ignore[arg-type]
        return account

    store = EventStore(LedgerMapper(), StreamRecorder(engine, actor="library", clock=clock))
    account_id = uuid4()
    store.put(
        [
            StreamEvent(account_id, 1, AccountOpened(opened_by="school-1")),
            StreamEvent(account_id, 2, AccountSuspended(reason="doubt")),
        ]
    )
    accounts: Any = Repository(store)
    assert accounts.get(account_id, projector_func=project).head.status == "suspended"
    assert accounts.get(account_id, version=1, projector_func=project).head.status == "open"


def test_a_foreign_object_is_no_event() -> None:
    with pytest.raises(TypeError, match="no event of a bank"):
        LedgerMapper().to_stored_event(object())  # type: ignore[arg-type]


def test_errors_of_the_database_are_errors_of_the_library(empty_url: str) -> None:
    engine = open_engine(empty_url, pool_size=1)
    recorder = partition_recorder(engine)
    with pytest.raises((OperationalError, ProgrammingError)):
        recorder.max_notification_id()
    upgrade(engine)
    with engine.connect() as connection, pytest.raises(ConnectionUnavailableError):
        connection.execute(select(tables.event))
        engine.pool._timeout = 0.01  # type: ignore[attr-defined]  # five seconds are long in a test
        recorder.max_notification_id()
    engine.dispose()
