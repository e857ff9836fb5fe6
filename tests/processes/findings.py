"""What is wrong after bad luck: writes that are lost or doubled, answers that are not what history says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, select

from creditbank import projections
from creditbank.audit.rebuild import rebuild
from creditbank.audit.replay import differences
from creditbank.domain.events import AccountOpened, CertificateAwarded, CoursesExempted
from creditbank.ledger import log
from creditbank.ledger.database import snapshot
from tests.processes.journal import Attempt


def lost_and_doubled(
    engine: Engine, acknowledged: Sequence[Attempt], before: Counter[str] | None = None
) -> tuple[Counter[str], Counter[str]]:
    """What was acknowledged and is not in history, and what is there once too often.

    `before` is what history held when the first of the requests was sent; nothing where that is not named.
    """
    named: set[str] = set()
    for attempt in acknowledged:
        assert attempt.answer is not None
        named |= _effects(attempt.answer.content)
    told, recorded = Counter(named), effects(engine) - (before or Counter())
    return told - recorded, recorded - told


def _effects(answer: dict[str, Any]) -> set[str]:
    names = {str(answer[name]) for name in ("account_id", "certificate_id", "exemption_id") if name in answer}
    for line in answer.get("results", ()):
        names |= _effects(line)
    return names


def effects(engine: Engine) -> Counter[str]:
    """How often history opens each account, awards each certificate and records each exemption."""
    found: Counter[str] = Counter()
    with snapshot(engine) as connection:
        for page in log.everything(connection):
            for item in page:
                match item.event:
                    case AccountOpened():
                        found[str(item.stream_id)] += 1
                    case CertificateAwarded():
                        found[str(item.event.certificate_id)] += 1
                    case CoursesExempted():
                        found[str(item.event.exemption_id)] += 1
                    case _:
                        pass
    return found


def against_history(engine: Engine) -> list[str]:
    """Where balances, claims and decisions differ from history, and tables that change when they are built anew."""
    found = [f"{one.where}: {one.what}" for one in differences(engine)]
    before = _tables(engine)
    rebuild(engine)
    after = _tables(engine)
    return found + [f"table {name} is another when it is rebuilt" for name in before if before[name] != after[name]]


def _tables(engine: Engine) -> dict[str, Counter[tuple[Any, ...]]]:
    with snapshot(engine) as connection:
        return {
            table.name: Counter(tuple(row) for row in connection.execute(select(table))) for table in projections.TABLES
        }
