"""Position order is commit order, however many write at once: a follower that asks for more never misses anything."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from uuid import uuid4

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from creditbank.ledger import log
from creditbank.ledger.database import writing
from tests.ledger.entries import entry, stream_in

PARTITIONS = (3, 17, 40)
WRITERS = 6
TRANSACTIONS = 25


class ChangeOfMind(Exception):
    """Makes a writer roll back."""


class Follower:
    """Reads every partition from where it stopped, as fast as it can, and insists on an unbroken count."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.seen: Counter[int] = Counter()

    def read_on(self) -> None:
        with self.engine.connect() as connection:
            for number in PARTITIONS:
                for item in log.partition(connection, number, after=self.seen[number]):
                    assert item.position == self.seen[number] + 1, f"missed something before {item.at}"
                    self.seen[number] = item.position

    def follow(self, until: Event) -> None:
        while not until.is_set():
            self.read_on()


def attack(engine: Engine, seed: int) -> Counter[int]:
    """Write with pauses, roll-backs and transactions over two partitions. Returns what was committed where."""
    chance, pause = random.Random(seed), Event()
    committed: Counter[int] = Counter()
    for _ in range(TRANSACTIONS):
        partitions = chance.choices(PARTITIONS, k=chance.choice((1, 1, 2)))
        entries = [entry(stream_in(number)) for number in partitions for _ in range(chance.randint(1, 3))]
        try:
            with writing(engine) as connection:
                recorded = log.append(connection, entries, now=chance.randrange(10**6))
                pause.wait(chance.random() / 500)
                if chance.random() < 0.2:
                    raise ChangeOfMind
        except ChangeOfMind:
            continue
        committed.update(item.partition_id for item in recorded)
    return committed


def test_a_follower_misses_nothing_under_attack(engine: Engine) -> None:
    follower, done = Follower(engine), Event()
    with ThreadPoolExecutor(WRITERS + 1) as pool:
        following = pool.submit(follower.follow, done)
        attacks = [pool.submit(attack, engine, number) for number in range(WRITERS)]
        try:
            committed = sum((attacking.result() for attacking in attacks), Counter[int]())
        finally:
            done.set()
        following.result()
    follower.read_on()
    assert follower.seen == committed
    with engine.connect() as connection:
        assert log.heads(connection) == committed
        times = defaultdict(list)
        for page in log.everything(connection):
            for item in page:
                times[item.partition_id].append(item.recorded_at)
    assert all(moments == sorted(moments) for moments in times.values())


def test_of_many_who_write_the_same_version_one_succeeds(engine: Engine) -> None:
    stream_id, start = uuid4(), Barrier(WRITERS)

    def write() -> bool:
        start.wait()
        try:
            with writing(engine) as connection:
                log.append(connection, [entry(stream_id, 1)], now=1)
        except IntegrityError:
            return False
        return True

    with ThreadPoolExecutor(WRITERS) as pool:
        outcomes = [outcome.result() for outcome in [pool.submit(write) for _ in range(WRITERS)]]
    assert sorted(outcomes) == [False] * (WRITERS - 1) + [True]
    with engine.connect() as connection:
        assert len(log.stream(connection, stream_id)) == 1


def test_transactions_that_touch_partitions_in_opposite_order_do_not_deadlock(postgresql_engine: Engine) -> None:
    start = Barrier(2, timeout=10)

    def write(order: tuple[int, ...]) -> None:
        for _ in range(20):
            start.wait()
            with writing(postgresql_engine) as connection:
                log.append(connection, [entry(stream_in(number)) for number in order], now=1)

    with ThreadPoolExecutor(2) as pool:
        for writer in [pool.submit(write, order) for order in (PARTITIONS, PARTITIONS[::-1])]:
            writer.result()
    with postgresql_engine.connect() as connection:
        assert log.heads(connection) == dict.fromkeys(PARTITIONS, 40)


def test_a_later_writer_waits_until_the_earlier_one_has_committed(postgresql_engine: Engine) -> None:
    """The counter is held to the commit, so position 2 can never be seen before position 1."""
    later_has_begun = Event()

    def write_later() -> int:
        with writing(postgresql_engine) as connection:
            later_has_begun.set()
            return log.append(connection, [entry(stream_in(3))], now=1)[0].position

    with ThreadPoolExecutor(1) as pool:
        with writing(postgresql_engine) as connection:
            log.append(connection, [entry(stream_in(3))], now=1)
            later = pool.submit(write_later)
            later_has_begun.wait()
            while not later.done() and not blocks_another(connection):
                pass
            assert not later.done()
        assert later.result() == 2


def blocks_another(connection: Connection) -> bool:
    """Whether somebody waits for a lock that this connection holds."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    return connection.exec_driver_sql(waiting).scalar_one() > 0
