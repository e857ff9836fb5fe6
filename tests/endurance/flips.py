"""One bit flipped anywhere in history, in the log or in a projection: `creditbank verify` has to find each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Engine, Table, and_, func, select, update
from sqlalchemy.exc import DBAPIError

from creditbank import projections
from creditbank.audit.publisher import Publisher
from creditbank.audit.whole import Bank
from creditbank.ledger import sequence, tables
from creditbank.ledger.database import writing
from tests.audit.bank import fill, publisher
from tests.commands.bank import Clock

HISTORY = (tables.event, tables.log_partition)
LOG = (sequence.log_round, sequence.log_seal, sequence.log_epoch, sequence.log_head, sequence.log_checkpoint)

UNBOUND = (sequence.log_checkpoint.c.signed_at,)
"""When a checkpoint was signed says nothing about history; it only tells when the next account heads are due."""


@dataclass(slots=True)
class Tally:
    """What was flipped, by column, and what nobody found."""

    flips: dict[str, int] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)


def prepared(engine: Engine, folder: Path) -> Publisher:
    """A bank with some of everything, published over several rounds and an epoch of account heads."""
    clock = Clock()
    one = publisher(engine, folder, clock)
    fill(engine, 12)
    one.publish()
    clock.now += 3_700_000_000
    one.publish()
    fill(engine, 5, first=20, furnished=True)
    one.publish()
    assert not found(one)
    return one


def flip(one: Publisher, times: int, chance: Random, told: Callable[[int], None]) -> Tally:
    """Flip single bits of single values until so many have stood, verify after each, and put it back."""
    tally = Tally()
    with one.engine.connect() as connection, connection.begin():
        places = [
            (table, count)
            for table in (*HISTORY, *LOG, *projections.TABLES)
            if (count := connection.execute(select(func.count()).select_from(table)).scalar_one())
        ]
    done = 0
    while done < times:
        table, count = chance.choice(places)
        with one.engine.connect() as connection, connection.begin():
            keys = list(table.primary_key.columns)
            row = (
                connection.execute(select(table).order_by(*keys).offset(chance.randrange(count)).limit(1))
                .one()
                ._asdict()
            )
        column = chance.choice(
            [column for column in table.columns if row[column.name] is not None and column not in UNBOUND]
        )
        value = row[column.name]
        changed = _flipped(value, chance)
        where = f"{table.name}.{column.name}"
        if not _put(one, table, row, {column: changed}):
            continue  # the database itself refuses it: a key that is taken, a sign that is none
        tally.flips[where] = tally.flips.get(where, 0) + 1
        if not found(one):
            tally.missed.append(f"{where} of {row}: {value!r} became {changed!r}")
        restored = _put(one, table, row | {column.name: changed}, {column: value})
        assert restored, where
        done += 1
        told(done)
    return tally


def found(one: Publisher) -> bool:
    """Whether verification finds anything at all."""
    bank = Bank(engine=one.engine, shelf=one.shelf, data_dir=one.shelf.folder.parent, keys=one.verifier_keys())
    try:
        return bank.verify(1).fault is not None
    except (DBAPIError, ValueError, KeyError, AssertionError, AttributeError, TypeError):
        return True  # what cannot even be read is no secret


def _put(one: Publisher, table: Table, row: dict[str, Any], values: dict[Column[Any], Any]) -> bool:
    """Change one row behind the bank's back. False where the database does not take it."""
    where = and_(*(column == row[column.name] for column in table.primary_key.columns))
    try:
        with writing(one.engine) as connection:
            _without_triggers(connection)
            changed = connection.execute(
                update(table).where(where).values({column.name: value for column, value in values.items()})
            )
            return changed.rowcount == 1
    except DBAPIError:
        return False


def _without_triggers(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")


def _flipped(value: Any, chance: Random) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return value ^ 1 << chance.randrange(min(62, value.bit_length() + 1))
        case UUID():
            return UUID(int=value.int ^ 1 << chance.randrange(128))
        case date():
            return value + timedelta(days=chance.choice((-1, 1)) << chance.randrange(8))
        case bytes():
            content = bytearray(value) or bytearray(b"\0")
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            return bytes(content)
        case str():
            place = chance.randrange(len(value)) if value else 0
            sign = chr(ord(value[place]) ^ 1 << chance.randrange(5)) if value else "x"
            return f"{value[:place]}{sign}{value[place + 1 :]}"
        case _:
            raise TypeError(type(value))
