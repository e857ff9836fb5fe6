"""The book of looks: how much of it a process remembers, and that nothing but the memory is lost with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

from sqlalchemy import Engine, func, select

from creditbank.commands.accesses import HOUR, AccessBook
from creditbank.ledger.accesses import Access, Look
from creditbank.ledger.tables import access_record
from tests.commands.bank import Clock, bank_on

LOOK = Look(
    credential="key", role="auditor", organisation="AUDIT", operation="accounts:read", fields="balance", purpose="audit"
)


@contextmanager
def open_book(engine: Engine, clock: Clock, remembered: int) -> Iterator[AccessBook]:
    book = AccessBook(bank_on(engine, clock), remembered)
    yield book
    book.close()


def recorded(engine: Engine) -> int:
    with engine.connect() as connection, connection.begin():
        return connection.execute(select(func.count()).select_from(access_record)).scalar_one()


def see(book: AccessBook, account_id: UUID) -> None:
    if not book.stands(LOOK, account_id):
        book.record_from_thread([Access(account_id, LOOK)])


def test_what_is_forgotten_is_recorded_again(engine: Engine) -> None:
    first, second, third = uuid4(), uuid4(), uuid4()
    with open_book(engine, Clock(), remembered=2) as book:
        for account_id in (first, second, third):
            see(book, account_id)
        see(book, third)
        assert recorded(engine) == 3
        assert [book.stands(LOOK, one) for one in (first, second, third)] == [False, True, True]
        see(book, first)
        assert recorded(engine) == 4


def test_a_record_stands_for_an_hour_from_the_first_look(engine: Engine) -> None:
    clock, account_id = Clock(), uuid4()
    with open_book(engine, clock, remembered=2) as book:
        see(book, account_id)
        clock.now += HOUR - 1
        see(book, account_id)
        assert recorded(engine) == 1
        clock.now += 1
        see(book, account_id)
        assert recorded(engine) == 2


def test_another_process_remembers_for_itself(engine: Engine) -> None:
    clock, account_id = Clock(), uuid4()
    for _ in range(2):
        with open_book(engine, clock, remembered=2) as book:
            see(book, account_id)
            see(book, account_id)
    assert recorded(engine) == 2
