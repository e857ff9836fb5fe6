"""What may be used once: the first use counts, whoever comes at the same moment, and what has expired is forgotten."""

from __future__ import annotations

from threading import Barrier, Thread

from sqlalchemy import Engine, func, select

from creditbank.ledger.database import writing
from creditbank.vault import used
from creditbank.vault.tables import used_token
from creditbank.vault.used import Once, once

NOW = 1_795_000_000_000_000


def use(engine: Engine, *wanted: Once) -> list[bool]:
    with writing(engine) as connection:
        return used.use(connection, wanted)


def test_only_the_first_use_is_one(engine: Engine) -> None:
    one, two = once("assertion", "client", "jti-1", NOW), once("assertion", "client", "jti-2", NOW)
    assert use(engine, two, one, two) == [True, True, False]
    assert use(engine, one) == [False]


def test_identifiers_of_others_and_of_another_kind_are_others() -> None:
    marks = {
        once(kind, owner, identifier, NOW).digest
        for kind in ("assertion", "proof")
        for owner in ("a", "a\0b", "b\0")
        for identifier in ("b\0c", "c", "\ud800")
    }
    assert len(marks) == 18


def test_of_many_at_one_moment_exactly_one_is_first(engine: Engine) -> None:
    marks = [once("assertion", "client", f"jti-{number}", NOW) for number in range(8)]
    together, firsts = Barrier(4), []

    def come(order: list[Once]) -> None:
        together.wait()
        firsts.append([mark for mark, first in zip(order, use(engine, *order), strict=True) if first])

    threads = [Thread(target=come, args=(marks if number % 2 else marks[::-1],)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(mark.digest for each in firsts for mark in each) == sorted(mark.digest for mark in marks)


def test_what_has_expired_is_forgotten(engine: Engine) -> None:
    use(engine, once("assertion", "client", "old", NOW - 1), once("assertion", "client", "new", NOW))
    with writing(engine) as connection:
        used.sweep(connection, NOW)
        assert connection.execute(select(func.count()).select_from(used_token)).scalar_one() == 1
    assert use(engine, once("assertion", "client", "new", NOW)) == [False]
