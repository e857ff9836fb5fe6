"""What belongs to a person outside the table of persons: former particulars, own words and the secrets of shares."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import Engine, Table, select, update

from creditbank.ledger import bulk
from creditbank.ledger.database import writing
from creditbank.vault import formers, persons, shares, texts
from creditbank.vault.formers import Former
from creditbank.vault.persons import Person, Vault
from creditbank.vault.tables import former_holder, person, sealed_text, share_key
from tests.vault.keys import KEYS

VAULT = Vault(KEYS)
LI = Person(name="李小明", document_type="CN-RIC", number="11010519491231002X", birth_date=date(1949, 12, 31))
WANG = Person(name="王芳", document_type="PASSPORT", number="E12345678")
FIRST, SECOND = UUID(int=1), UUID(int=2)
TEXT = UUID(int=0xF1)
SHARE = UUID("0192f0c1-2d3e-7f40-8a5b-6c7d8e9f0a1b")
NOW = 1_795_000_000_000_000


def store(engine: Engine) -> None:
    """Li on the first account, Wang on the second."""
    with writing(engine) as connection:
        bulk.insert(connection, person, [VAULT.seal(FIRST, LI), VAULT.seal(SECOND, WANG)])


def former(engine: Engine, account_id: UUID = FIRST) -> list[Former]:
    with engine.connect() as connection, connection.begin():
        return formers.of_accounts(connection, VAULT, [account_id])[account_id]


def holder(engine: Engine) -> Person:
    with engine.connect() as connection, connection.begin():
        return VAULT.open(connection, [FIRST])[FIRST]


def written(engine: Engine, account_id: UUID = FIRST) -> dict[UUID, str]:
    with engine.connect() as connection, connection.begin():
        return texts.of_accounts(connection, VAULT, [account_id])


def at_rest(engine: Engine, *tables: Table) -> bytes:
    with engine.connect() as connection, connection.begin():
        rows = [row for table in tables for row in connection.execute(select(table))]
    return b"".join(bytes(value) for row in rows for value in row if isinstance(value, bytes | memoryview))


def test_a_correction_puts_the_new_in_place_of_the_old_and_keeps_the_old(engine: Engine) -> None:
    store(engine)
    renamed, moved = replace(LI, name="李大明"), replace(WANG, name="李大明", birth_date=LI.birth_date)
    with writing(engine) as connection:
        formers.correct(connection, VAULT, FIRST, renamed, "error", NOW)
    with writing(engine) as connection:
        formers.correct(connection, VAULT, FIRST, moved, "change", NOW + 1)
    assert holder(engine) == moved
    assert former(engine) == [
        Former(person=LI, replaced_at=NOW, cause="error"),
        Former(person=renamed, replaced_at=NOW + 1, cause="change"),
    ]
    assert former(engine, SECOND) == []
    sealed = at_rest(engine, former_holder)
    assert len(sealed) > 100
    assert not any(word.encode() in sealed for word in (LI.name, LI.number, "1949-12-31", "CN-RIC"))


def test_what_is_sealed_opens_in_its_place_only(engine: Engine) -> None:
    store(engine)
    with writing(engine) as connection:
        formers.correct(connection, VAULT, FIRST, WANG, "error", NOW)
        texts.put(connection, VAULT, FIRST, TEXT, "本人申请")
        connection.execute(update(former_holder).values(former_id=UUID(int=9)))
        connection.execute(update(sealed_text).values(text_id=UUID(int=9)))
    for look in (former, written):
        with pytest.raises(InvalidTag):
            look(engine)


def test_words_are_kept_sealed_under_the_id_of_what_they_are_about(engine: Engine) -> None:
    store(engine)
    with writing(engine) as connection:
        texts.put(connection, VAULT, FIRST, TEXT, "请更正我的姓名：李大明")
    assert written(engine) == {TEXT: "请更正我的姓名：李大明"}
    assert written(engine, SECOND) == {}
    assert "李大明".encode() not in at_rest(engine, sealed_text)


def test_a_merge_seals_what_was_the_others_under_the_survivors_key(engine: Engine) -> None:
    store(engine)
    with writing(engine) as connection:
        formers.correct(connection, VAULT, SECOND, replace(WANG, name="王小芳"), "change", NOW)
        texts.put(connection, VAULT, SECOND, TEXT, "升学")
        secret = shares.new_secret(SHARE)
        shares.put(connection, KEYS, SECOND, SHARE, secret, NOW)
    with writing(engine) as connection:
        formers.carry_over(connection, VAULT, SECOND, FIRST, NOW + 5)
        texts.carry_over(connection, VAULT, SECOND, FIRST)
        shares.carry_over(connection, SECOND, FIRST)
    assert {(one.person.name, one.replaced_at, one.cause) for one in former(engine)} == {
        ("王芳", NOW + 5, "change"),
        ("王小芳", NOW + 5, "merge"),
    }
    assert written(engine) == {TEXT: "升学"}
    with engine.connect() as connection, connection.begin():
        assert shares.find(connection, KEYS, secret) == (FIRST, SHARE)


def test_a_secret_opens_its_share_and_every_other_one_nothing(engine: Engine) -> None:
    secret = shares.new_secret(SHARE)
    with writing(engine) as connection:
        shares.put(connection, KEYS, FIRST, SHARE, secret, NOW)
    others = (shares.new_secret(SHARE), shares.new_secret(TEXT), secret[:-1], secret + "A", "", "cs_" + "z" * 76)
    with engine.connect() as connection, connection.begin():
        assert shares.find(connection, KEYS, secret) == (FIRST, SHARE)
        assert [shares.find(connection, KEYS, other) for other in others] == [None] * len(others)
    assert secret.encode() not in at_rest(engine, share_key)
    with writing(engine) as connection:
        shares.let_go(connection, SHARE)
    with engine.connect() as connection, connection.begin():
        assert shares.find(connection, KEYS, secret) is None


def test_an_erasure_leaves_nothing_of_it(engine: Engine) -> None:
    store(engine)
    with writing(engine) as connection:
        formers.correct(connection, VAULT, FIRST, WANG, "error", NOW)
        texts.put(connection, VAULT, FIRST, TEXT, "本人申请")
        shares.put(connection, KEYS, FIRST, SHARE, shares.new_secret(SHARE), NOW)
    with writing(engine) as connection:
        persons.erase(connection, [FIRST])
    assert at_rest(engine, former_holder, sealed_text, share_key) == b""
    with writing(engine) as connection:
        texts.put(connection, VAULT, FIRST, TEXT, "too late")
        formers.carry_over(connection, VAULT, FIRST, SECOND, NOW)
    assert (former(engine, SECOND), written(engine)) == ([], {})
