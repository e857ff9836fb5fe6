"""Looks at personal data by real servers: whoever was answered is on record, whatever happened to the server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from threading import Event, Lock
from uuid import UUID, uuid4

from sqlalchemy import Engine

from creditbank.ledger import accesses
from creditbank.ledger.database import open_engine
from creditbank.ledger.numbering import Extent
from tests.processes import bank
from tests.processes.bank import done, first_key
from tests.processes.calls import Caller, Unanswered
from tests.processes.contenders import CLIENTS, Contenders
from tests.processes.server import Installation

READERS = 8
ACCOUNTS = 400
KILLS = 3
PATIENCE_SECONDS = 30.0


def _recorded(engine: Engine, account_ids: list[str]) -> dict[str, int]:
    """How many looks at each account are on record."""
    with engine.connect() as connection, connection.begin():
        found = accesses.of_accounts(connection, [UUID(one) for one in account_ids], None, None)
        heads, extents = accesses.NUMBERS.heads(connection), accesses.NUMBERS.extents(connection)
    assert extents == {partition: Extent(head, 1, head) for partition, head in heads.items()}
    looks = dict.fromkeys(account_ids, 0)
    for one in found:
        looks[str(one.access.account_id)] += 1
    return looks


def _read_all(address: str, token: str, account_ids: list[str], answered: list[str], lock: Lock, enough: Event) -> None:
    with Caller(address) as caller:
        for account_id in account_ids:
            try:
                answer = caller.get(f"/v1/accounts/{account_id}/balance", token)
            except Unanswered:
                return
            assert answer.status == 200
            with lock:
                answered.append(account_id)
                enough.set()


def test_who_was_answered_before_a_kill_is_on_record_after_it(database_url: str, tmp_path: Path) -> None:
    installation, chance = Installation(database_url, tmp_path), Random(20261124)
    token = first_key(installation)
    for _ in range(KILLS):
        with installation.serving() as process, Caller(process.address) as caller:
            items = [{"holder": bank.person()} for _ in range(ACCOUNTS)]
            opened = done(caller, "/v1/accounts:batch", token, {"items": items})["results"]
            account_ids = [line["account_id"] for line in opened]
            answered: list[str] = []
            lock, enough = Lock(), Event()
            with ThreadPoolExecutor(READERS) as readers:
                reading = [
                    readers.submit(
                        _read_all, process.address, token, account_ids[number::READERS], answered, lock, enough
                    )
                    for number in range(READERS)
                ]
                assert enough.wait(PATIENCE_SECONDS)
                Event().wait(chance.uniform(0, 0.05))
                process.kill()
                for one in reading:
                    one.result()

        engine = open_engine(database_url)
        looks = _recorded(engine, account_ids)
        engine.dispose()
        assert answered
        assert [one for one in answered if not looks[one]] == []


def test_the_same_look_at_once_is_on_record_once_in_each_server(contenders: Contenders) -> None:
    account_id, _ = bank.shared_account(contenders.first, contenders.keys)
    path = f"/v1/accounts/{account_id}/balance"

    answers = contenders.at_once(lambda caller, _: caller.get(path, contenders.keys.authority))

    assert {answer.status for answer in answers} == {200}
    engine = open_engine(contenders.installation.database_url)
    looks = _recorded(engine, [account_id])[account_id]
    engine.dispose()
    assert 1 <= looks <= len(contenders.addresses)


def test_looks_through_several_servers_leave_no_gap(contenders: Contenders) -> None:
    shared = [bank.shared_account(contenders.first, contenders.keys)[0] for _ in range(4)]

    answers = contenders.at_once(
        lambda caller, client: caller.get(
            f"/v1/accounts/{shared[client % 4]}/balance", contenders.keys.authority, purpose=f"{client} {uuid4()}"
        )
    )

    assert {answer.status for answer in answers} == {200}
    engine = open_engine(contenders.installation.database_url)
    assert _recorded(engine, shared) == dict.fromkeys(shared, CLIENTS // 4)
    engine.dispose()
