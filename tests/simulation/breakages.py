"""Banks that are broken on purpose: a simulation that does not find what is wrong with them is worth nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from creditbank.audit.guard import Guard
from tests.simulation.faults import Faults
from tests.simulation.installation import Installation, furnished
from tests.simulation.memory import Database

TRIGGERS = {
    "an answer is forgotten now and then": """
        CREATE TRIGGER broken AFTER INSERT ON command_log WHEN new.partition_id < 4 BEGIN
            DELETE FROM command_log WHERE scope = new.scope AND key = new.key;
        END""",
    "some partitions take the clock as it is": """
        CREATE TRIGGER broken AFTER UPDATE ON log_partition WHEN new.partition_id < 16 BEGIN
            UPDATE log_partition SET recorded_at = 0 WHERE partition_id = new.partition_id;
        END""",
    "some numbers are not claimed": """
        CREATE TRIGGER broken BEFORE INSERT ON certificate_claim WHEN new.partition_id < 4 BEGIN
            SELECT RAISE(IGNORE);
        END""",
    "some reversals do not reach the answers": """
        CREATE TRIGGER broken BEFORE UPDATE ON usage WHEN new.status = 'reversed' AND new.institution = 'college' BEGIN
            SELECT RAISE(IGNORE);
        END""",
    "a lapse is not kept": """
        CREATE TRIGGER broken BEFORE UPDATE ON usage WHEN new.status = 'lapsed' BEGIN SELECT RAISE(IGNORE); END""",
    "some persons are not sealed": """
        CREATE TRIGGER broken BEFORE INSERT ON person WHEN new.partition_id < 4 BEGIN SELECT RAISE(IGNORE); END""",
    "the end of history is cut off": """
        CREATE TRIGGER broken AFTER INSERT ON event WHEN new.type LIKE 'certificate-revoked/%' BEGIN
            DELETE FROM event WHERE partition_id = new.partition_id AND position = new.position;
            UPDATE log_partition SET head = new.position - 1 WHERE partition_id = new.partition_id;
        END""",
    "indexes of the log are given twice": """
        CREATE TRIGGER broken AFTER INSERT ON log_round WHEN new.partition_id < 16 BEGIN
            UPDATE log_round SET count = count + 1
            WHERE partition_id = new.partition_id AND first_position = new.first_position;
        END""",
}


def broken(trigger: str) -> bytes:
    """The database at the beginning, with something that works against the bank."""
    database = Database(furnished())
    engine = database.engine()
    with engine.begin() as connection:
        connection.exec_driver_sql(trigger)
    image = database.image()
    engine.dispose()
    database.close()
    return image


@dataclass(slots=True)
class Torn(Faults):
    """A database that keeps what was written before the process died, committed or not."""

    def _at_statement(self, connection: Connection, *_: Any) -> None:
        driver: Any = connection.connection.driver_connection
        left, self._left = self._left, None
        if left == 0 and driver.in_transaction:
            driver.commit()
        self._left = left
        self.point()


@dataclass(slots=True, kw_only=True)
class WithoutTransactions(Installation):
    faults: Faults = field(default_factory=Torn)


@dataclass(slots=True, kw_only=True)
class WithoutGuard(Installation):
    def guard(self, guard: Guard) -> Callable[[Connection], None]:
        return lambda _: None


INSTALLATIONS = {"a crash leaves half a transaction": WithoutTransactions, "nobody looks at a backup": WithoutGuard}
