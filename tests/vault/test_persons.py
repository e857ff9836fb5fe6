"""Persons in the vault: sealed field by field, found by document, and gone for good when they are erased."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import Engine, select, update
from sqlalchemy.exc import IntegrityError

from creditbank.ledger import bulk
from creditbank.ledger.database import writing
from creditbank.vault import persons
from creditbank.vault.persons import Holder, IdentityDocument, Person, Vault
from creditbank.vault.tables import person, person_claim
from tests.vault.keys import KEYS, key_files

VAULT = Vault(KEYS)
LI = Person(name="李小明", document_type="CN-RIC", number="11010519491231002X", birth_date=date(1949, 12, 31))
WANG = Person(name="王芳", document_type="PASSPORT", number="E12345678")
FIRST, SECOND = UUID(int=1), UUID(int=2)


def store(engine: Engine, **accounts: Person) -> None:
    """Seal persons and claim their documents, for `a1` and `a2`."""
    with writing(engine) as connection:
        for name, one in accounts.items():
            account_id = UUID(int=int(name[1:]))
            bulk.insert(connection, person, [VAULT.seal(account_id, one)])
            bulk.insert(connection, person_claim, VAULT.claims(one.document, account_id))


def opened(engine: Engine, vault: Vault = VAULT) -> dict[UUID, Person]:
    with engine.connect() as connection, connection.begin():
        return vault.open(connection, [FIRST, SECOND])


def found(engine: Engine, one: Person) -> UUID | None:
    with engine.connect() as connection, connection.begin():
        return VAULT.accounts_of(connection, [one.document]).get(one.document)


def test_what_is_sealed_is_opened_again(engine: Engine) -> None:
    store(engine, a1=LI, a2=WANG)
    assert opened(engine) == {FIRST: LI, SECOND: WANG}
    assert (found(engine, LI), found(engine, WANG)) == (FIRST, SECOND)


def test_nothing_of_a_person_can_be_read_in_the_tables(engine: Engine) -> None:
    store(engine, a1=LI)
    with engine.connect() as connection, connection.begin():
        rows = [*connection.execute(select(person)), *connection.execute(select(person_claim))]
    at_rest = b"".join(bytes(value) for row in rows for value in row if isinstance(value, bytes | memoryview))
    assert len(at_rest) > 200
    for secret in (LI.name, LI.number, LI.number[:6], "1949-12-31", LI.document_type):
        assert secret.encode() not in at_rest


def test_the_same_person_sealed_twice_looks_different() -> None:
    one, other = VAULT.seal(FIRST, LI), VAULT.seal(FIRST, LI)
    assert all(mine != theirs for mine, theirs in zip(one[3:], other[3:], strict=True))


@pytest.mark.parametrize("field", ["wrapped_key", "name", "document", "birth_date"])
def test_a_sealed_field_cannot_be_moved_to_another_account(engine: Engine, field: str) -> None:
    store(engine, a1=LI, a2=Person(name="李小明", document_type="LOCAL", number="AB-1", birth_date=LI.birth_date))
    with writing(engine) as connection:
        stolen = connection.execute(select(person.c[field]).where(person.c.account_id == FIRST)).scalar_one()
        connection.execute(update(person).where(person.c.account_id == SECOND).values({field: stolen}))
    with pytest.raises(InvalidTag):
        opened(engine)


def test_the_whole_row_cannot_be_moved_to_another_account(engine: Engine) -> None:
    store(engine, a1=LI)
    with writing(engine) as connection:
        connection.execute(update(person).values(account_id=SECOND))
    with pytest.raises(InvalidTag):
        opened(engine)


def test_a_sealed_field_cannot_be_moved_to_another_field(engine: Engine) -> None:
    store(engine, a1=LI)
    with writing(engine) as connection:
        connection.execute(update(person).values(name=person.c.document))
    with pytest.raises(InvalidTag):
        opened(engine)


def test_a_changed_byte_is_noticed(engine: Engine) -> None:
    store(engine, a1=LI)
    with writing(engine) as connection:
        sealed = bytes(connection.execute(select(person.c.name)).scalar_one())
        connection.execute(update(person).values(name=sealed[:-1] + bytes([sealed[-1] ^ 1])))
    with pytest.raises(InvalidTag):
        opened(engine)


def test_without_the_wrapping_key_nothing_is_opened(engine: Engine) -> None:
    store(engine, a1=LI)
    with pytest.raises(InvalidTag):
        opened(engine, Vault(key_files(wrapping=b"x")))


def test_an_erased_person_is_gone_and_may_come_again(engine: Engine) -> None:
    store(engine, a1=LI, a2=WANG)
    with writing(engine) as connection:
        persons.erase(connection, [FIRST])
    assert opened(engine) == {SECOND: WANG}
    assert found(engine, LI) is None
    store(engine, a1=LI)
    assert found(engine, LI) == FIRST


def test_a_document_finds_one_account(engine: Engine) -> None:
    store(engine, a1=LI)
    with pytest.raises(IntegrityError):
        store(engine, a2=LI)


def test_after_a_merge_the_documents_of_both_find_the_survivor(engine: Engine) -> None:
    store(engine, a1=LI, a2=WANG)
    with writing(engine) as connection:
        persons.move_claims(connection, SECOND, FIRST)
    assert (found(engine, LI), found(engine, WANG)) == (FIRST, FIRST)


def test_a_blind_index_depends_on_the_key_the_type_and_the_number() -> None:
    passport = IdentityDocument("PASSPORT", "E12345678")
    indexes = {
        VAULT.blind_index(passport, 1),
        VAULT.blind_index(IdentityDocument("PASSPORT", "E12345679"), 1),
        VAULT.blind_index(IdentityDocument("LOCAL", "E12345678"), 1),
        Vault(key_files(blind_index=b"x")).blind_index(passport, 1),
    }
    assert len(indexes) == 4
    assert VAULT.blind_index(passport, 1) == VAULT.blind_index(WANG.document, 1)


def test_a_person_is_not_shown_by_accident() -> None:
    shown = repr(Holder(person=LI)) + repr(LI.document)
    assert not any(secret in shown for secret in (LI.name, LI.number, "1949"))
