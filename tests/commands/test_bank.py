"""The bank in memory: civil days, a catalogue that is read again when it changed, and rules compiled once."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Engine, event

from creditbank.commands import catalogue
from creditbank.domain.events import RulebookVersionPublished
from tests.commands.bank import NOW, RULES, Clock, bank_on, furnish, open_desk, tell
from tests.domain.facts import COLLEGE, ISSUER

HOUR = 3600 * 1_000_000


def test_a_civil_day_begins_at_midnight_where_the_bank_is(sqlite_engine: Engine) -> None:
    """NOW is midnight in UTC, which is 8 o'clock in Shanghai."""
    bank = bank_on(sqlite_engine)
    assert bank.today() == date(2026, 9, 1)
    assert bank.day_of(NOW + 16 * HOUR - 1) == date(2026, 9, 1)
    assert bank.day_of(NOW + 16 * HOUR) == date(2026, 9, 2)


def test_what_one_process_publishes_the_others_decide_on_at_once(engine: Engine) -> None:
    with open_desk(bank_on(engine)) as here, open_desk(bank_on(engine)) as there:
        assert tell(here, catalogue.register(ISSUER)).status == 201
        assert tell(there, catalogue.register(ISSUER)).status == 200
        assert tell(there, catalogue.register(COLLEGE)).status == 201
        assert tell(here, catalogue.register(COLLEGE)).status == 200


def test_readers_see_what_another_process_published_within_a_second(engine: Engine) -> None:
    clock = Clock()
    bank = bank_on(engine, clock)
    assert bank.catalogue().organisations == {}
    with open_desk(bank_on(engine)) as there:
        tell(there, catalogue.register(ISSUER))
    clock.now += 1_000_000
    assert bank.catalogue().organisations == {}
    clock.now += 1
    assert set(bank.catalogue().organisations) == {"BIM-EVAL"}


def test_a_catalogue_that_did_not_change_is_not_read_again(sqlite_engine: Engine) -> None:
    bank = bank_on(sqlite_engine)
    with open_desk(bank) as desk:
        furnish(desk)
    statements: list[str] = []
    event.listen(sqlite_engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    with sqlite_engine.connect() as connection, connection.begin():
        first, second = bank.catalogue_in(connection), bank.catalogue_in(connection)
    assert first is second
    assert not [statement for statement in statements if "body" in statement]


def test_an_older_catalogue_is_never_adopted(sqlite_engine: Engine) -> None:
    bank = bank_on(sqlite_engine)
    before = bank.catalogue()
    with open_desk(bank) as desk:
        tell(desk, catalogue.register(ISSUER))
    bank.adopt(before)
    assert set(bank.catalogue().organisations) == {"BIM-EVAL"}


def test_a_transaction_that_began_before_a_change_hides_it_from_nobody_else(sqlite_engine: Engine) -> None:
    bank = bank_on(sqlite_engine)
    with open_desk(bank) as desk, sqlite_engine.connect() as connection, connection.begin():
        assert bank.catalogue_in(connection).organisations == {}
        tell(desk, catalogue.register(ISSUER))
        assert bank.catalogue_in(connection).organisations == {}
        assert set(bank.catalogue().organisations) == {"BIM-EVAL"}


def test_a_published_version_is_compiled_once(sqlite_engine: Engine) -> None:
    bank = bank_on(sqlite_engine)
    version = RulebookVersionPublished(
        rulebook="r", owner="college", number=1, effective_from=date(2026, 1, 1), rules=RULES, rules_sha256="ab"
    )
    assert bank.compiled(version) is bank.compiled(version)
