"""SQLite on a full disk: writes are 503 until there is room again, and nothing is lost."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from creditbank.ledger.database import open_engine
from tests.processes import bank, findings
from tests.processes.bank import Keys, first_key, prepare
from tests.processes.calls import Caller
from tests.processes.journal import Journal, changed_answers, settle
from tests.processes.server import Installation, Process

BATCH_LINES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    path: Path
    process: Process
    caller: Caller
    keys: Keys
    account_id: str


@pytest.fixture
def served(sqlite_url: str, tmp_path: Path) -> Iterator[Served]:
    installation = Installation(sqlite_url, tmp_path)
    authority = first_key(installation)
    with installation.serving() as process, Caller(process.address) as caller:
        keys = prepare(caller, authority)
        account_id, _ = bank.shared_account(caller, keys)
        path = Path(sqlite_url.removeprefix("sqlite:///"))
        yield Served(path=path, process=process, caller=caller, keys=keys, account_id=account_id)


def test_a_full_disk_refuses_writes_until_there_is_room_and_loses_nothing(served: Served) -> None:
    caller, keys, journal = served.caller, served.keys, Journal()
    engine = open_engine(f"sqlite:///{served.path}")
    known = findings.effects(engine)
    balance = f"/v1/accounts/{served.account_id}/balance"
    assert caller.get(balance, keys.authority).status == 200
    _, hard = resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE)
    # No file of the server may grow beyond what the largest is now, plus a little.
    largest = max(file.stat().st_size for file in served.path.parent.glob("bank.db*"))
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (largest + 200_000, hard))
    statuses = []
    while 503 not in statuses:
        lines = {"items": [bank.certificate() for _ in range(BATCH_LINES)]}
        statuses.append(journal.write(caller, "/v1/certificates:batch", keys.issuer, lines).status)
        assert len(statuses) < 100
    assert set(statuses) <= {207, 503}
    # Who looks again is on record already; a new look is answered only while there is room to say so.
    assert caller.get(balance, keys.authority).status == 200
    looks = [caller.get(balance, keys.authority, purpose=f"look {number}").status for number in range(100)]
    assert set(looks) <= {200, 503}
    assert looks[-1] == 503
    assert caller.get("/livez").status == 200

    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    settle(journal.unknown, caller)
    assert {one.answer.status for one in journal.attempts if one.answer} == {207}
    assert caller.get(balance, keys.authority, purpose="look 99").status == 200
    assert changed_answers(journal.acknowledged, caller) == []
    lost, doubled = findings.lost_and_doubled(engine, journal.acknowledged, known)
    assert not lost
    assert not doubled
    assert findings.against_history(engine) == []
    engine.dispose()
