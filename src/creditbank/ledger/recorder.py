"""The log behind the interfaces of the eventsourcing library, so that whatever is written for them works on a bank.

`StreamRecorder` is the whole log as streams, `PartitionRecorder` one partition as an application sequence whose
notification ids are positions, and `LedgerMapper` turns stored events into ours and back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event as Signal
from typing import Any
from uuid import UUID, uuid4

from eventsourcing import persistence
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    AggregateRecorder,
    ConnectionUnavailableError,
    Mapper,
    Notification,
    PersistenceError,
    ProcessRecorder,
    ProgrammingError,
    StoredEvent,
    Subscription,
    Tracking,
)
from sqlalchemy import Connection, Engine, Row, exc, insert, select, update

from creditbank.domain.events import Event
from creditbank.domain.values import partition_of
from creditbank.ledger import bulk, codec, log
from creditbank.ledger.database import writing
from creditbank.ledger.tables import event as event_table
from creditbank.ledger.tables import log_partition
from creditbank.ledger.tables import tracking as tracking_table

_ERRORS: dict[type[exc.DBAPIError], type[PersistenceError]] = {
    exc.InterfaceError: persistence.InterfaceError,
    exc.DataError: persistence.DataError,
    exc.OperationalError: persistence.OperationalError,
    exc.IntegrityError: persistence.IntegrityError,
    exc.InternalError: persistence.InternalError,
    exc.ProgrammingError: persistence.ProgrammingError,
    exc.NotSupportedError: persistence.NotSupportedError,
}


class StreamRecorder(AggregateRecorder):
    """Every stream of the log. What it inserts is recorded on behalf of `actor`, at `clock()` microseconds."""

    def __init__(self, engine: Engine, *, actor: str, clock: Callable[[], int]) -> None:
        self._engine = engine
        self._actor = actor
        self._clock = clock

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        connection: Connection | None = None,
        causation: UUID | None = None,
        **_kwargs: Any,
    ) -> Sequence[int] | None:
        """Append atomically, in the transaction of `connection` when one is given.

        Raises the library's IntegrityError when a version of a stream is already there.
        """
        with self._writing(connection) as writer:
            self._append(writer, stored_events, causation)
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        version = event_table.c.version
        statement = select(event_table).where(event_table.c.stream_id == _stream_id(originator_id))
        if gt is not None:
            statement = statement.where(version > gt)
        if lte is not None:
            statement = statement.where(version <= lte)
        with _library_errors(), self._engine.connect() as connection:
            rows = connection.execute(statement.order_by(version.desc() if desc else version).limit(limit))
            return [_stored(row) for row in rows]

    @contextmanager
    def _writing(self, connection: Connection | None) -> Iterator[Connection]:
        with _library_errors():
            if connection is not None:
                yield connection
            else:
                with writing(self._engine) as own:
                    yield own

    def _append(
        self, connection: Connection, stored_events: Sequence[StoredEvent], causation: UUID | None
    ) -> list[int]:
        stream_ids = [_stream_id(stored.originator_id) for stored in stored_events]
        partitions = [partition_of(stream_id) for stream_id in stream_ids]
        places = log.places(connection, partitions, self._clock())
        cause = causation or uuid4()
        rows = [
            (
                partition_id,
                place.position,
                stream_id,
                stored.originator_version,
                place.recorded_at,
                cause,
                self._actor,
                None,
                stored.topic,
                stored.state,
            )
            for partition_id, place, stream_id, stored in zip(
                partitions, places, stream_ids, stored_events, strict=True
            )
        ]
        bulk.insert(connection, event_table, rows)
        return [place.position for place in places]


class PartitionRecorder(StreamRecorder, ProcessRecorder):
    """One partition: its streams, its positions as notification ids, and how far each follower has come in it."""

    def __init__(self, engine: Engine, partition_id: int, *, actor: str, clock: Callable[[], int]) -> None:
        super().__init__(engine, actor=actor, clock=clock)
        self.partition_id = partition_id

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        connection: Connection | None = None,
        causation: UUID | None = None,
        tracking: Tracking | None = None,
        **_kwargs: Any,
    ) -> Sequence[int] | None:
        """Append, and take note of how far a follower has come, in one transaction. Returns the positions.

        Raises ProgrammingError for a stream of another partition.
        """
        for stored in stored_events:
            if partition_of(_stream_id(stored.originator_id)) != self.partition_id:
                raise ProgrammingError(f"stream {stored.originator_id} is not in partition {self.partition_id}")
        with self._writing(connection) as writer:
            if tracking is not None:
                self._track(writer, tracking)
            return self._append(writer, stored_events, causation)

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        position = event_table.c.position
        statement = select(event_table).where(event_table.c.partition_id == self.partition_id)
        if start is not None:
            statement = statement.where(position >= start if inclusive_of_start else position > start)
        if stop is not None:
            statement = statement.where(position <= stop)
        if topics:
            statement = statement.where(event_table.c.type.in_(list(topics)))
        with _library_errors(), self._engine.connect() as connection:
            return [_notification(row) for row in connection.execute(statement.order_by(position).limit(limit))]

    def max_notification_id(self) -> int | None:
        statement = select(log_partition.c.head).where(log_partition.c.partition_id == self.partition_id)
        with _library_errors(), self._engine.connect() as connection:
            return connection.execute(statement).scalar_one() or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> PartitionSubscription:
        return PartitionSubscription(self, gt=gt, topics=topics)

    def insert_tracking(self, tracking: Tracking, *, connection: Connection | None = None) -> None:
        """Note how far a follower has come here: `application_name` is the follower.

        Raises IntegrityError when it has been there already.
        """
        with self._writing(connection) as writer:
            self._track(writer, tracking)

    def max_tracking_id(self, application_name: str) -> int | None:
        statement = select(tracking_table.c.position).where(self._tracked_by(application_name))
        with _library_errors(), self._engine.connect() as connection:
            return connection.execute(statement).scalar_one_or_none()

    def _track(self, connection: Connection, tracking: Tracking) -> None:
        further = (
            update(tracking_table)
            .where(self._tracked_by(tracking.application_name), tracking_table.c.position < tracking.notification_id)
            .values(position=tracking.notification_id)
        )
        if connection.execute(further).rowcount == 0:
            # The first time it inserts; a follower that was here before runs into the primary key.
            connection.execute(
                insert(tracking_table).values(
                    name=tracking.application_name,
                    partition_id=self.partition_id,
                    position=tracking.notification_id,
                )
            )

    def _tracked_by(self, name: str) -> Any:
        return (tracking_table.c.name == name) & (tracking_table.c.partition_id == self.partition_id)


class PartitionSubscription(Subscription[PartitionRecorder]):
    """Waits for new events of a partition by asking for its head, so it needs no thread and holds no connection."""

    PAGE = 500
    POLL_SECONDS = 0.05

    def __init__(self, recorder: PartitionRecorder, gt: int | None = None, topics: Sequence[str] = ()) -> None:
        super().__init__(recorder, gt=gt, topics=topics)
        self._read: deque[Notification] = deque()
        self._stopped = Signal()

    def stop(self) -> None:
        super().stop()
        self._stopped.set()

    def __next__(self) -> Notification:
        while not self._stopped.is_set():
            if self._read:
                return self._read.popleft()
            if not self._read_on():
                self._stopped.wait(self.POLL_SECONDS)
        raise StopIteration

    def _read_on(self) -> bool:
        """Read the next page. False when there is nothing behind the last one."""
        last, head = self._last_notification_id or 0, self._recorder.max_notification_id() or 0
        if head <= last:
            return False
        page = self._recorder.select_notifications(
            last, self.PAGE, stop=head, topics=self._topics, inclusive_of_start=False
        )
        self._read.extend(page)
        # A short page has seen everything up to the head, also what the topics left out.
        self._last_notification_id = page[-1].id if len(page) == self.PAGE else head
        return True


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """An event of ours in the shape that the library expects of a domain event."""

    originator_id: UUID
    originator_version: int
    event: Event


class LedgerMapper(Mapper[UUID]):
    """Between stored events and ours, through the codec: own names and validation on read.

    With it, the library's EventStore and Repository read a bank.
    """

    def __init__(self) -> None:
        """Without a transcoder: the codec knows every event."""

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        if not isinstance(domain_event, StreamEvent):
            raise TypeError(f"{type(domain_event).__name__} is no event of a bank")
        topic, state = codec.encode(domain_event.event)
        return StoredEvent(domain_event.originator_id, domain_event.originator_version, topic, state)

    def to_domain_event(self, stored_event: StoredEvent) -> StreamEvent:
        """Raises UnknownEvent, or ValueError where the state does not fit the topic."""
        return StreamEvent(
            _stream_id(stored_event.originator_id),
            stored_event.originator_version,
            codec.decode(stored_event.topic, stored_event.state),
        )


def _stream_id(originator_id: UUID | str) -> UUID:
    return originator_id if isinstance(originator_id, UUID) else UUID(originator_id)


def _stored(row: Row[Any]) -> StoredEvent:
    return StoredEvent(row.stream_id, row.version, row.type, row.body)


def _notification(row: Row[Any]) -> Notification:
    return Notification(row.stream_id, row.version, row.type, row.body, row.position)


@contextmanager
def _library_errors() -> Iterator[None]:
    try:
        yield
    except exc.DBAPIError as error:
        raise _ERRORS.get(type(error), persistence.DatabaseError)(str(error)) from error
    except exc.TimeoutError as error:
        raise ConnectionUnavailableError(str(error)) from error
