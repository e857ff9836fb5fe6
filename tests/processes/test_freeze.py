"""A PostgreSQL that is stopped by its machine, with every connection open: nobody waits for it without end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.database import embedded_server, served_by
from tests.processes import bank
from tests.processes.bank import Keys, first_key, prepare
from tests.processes.calls import Answer, Caller
from tests.processes.journal import Journal, settle
from tests.processes.server import Installation

STATEMENT_SECONDS, GRACE_SECONDS, CONNECT_SECONDS = 1.5, 0.5, 2
SHORT_OF_PATIENCE = {
    "creditbank.ledger.database.STATEMENT_TIMEOUT_MS": int(STATEMENT_SECONDS * 1000),
    "creditbank.ledger.patience.GRACE_SECONDS": GRACE_SECONDS,
    "creditbank.ledger.database.CONNECT_TIMEOUT_SECONDS": CONNECT_SECONDS,
}
LONGEST_ANSWER_SECONDS = STATEMENT_SECONDS + GRACE_SECONDS + 2 * CONNECT_SECONDS + 2
"""A connection that was open is given up, then one that cannot be opened is, and its turn may have to be waited for."""

CLIENTS = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A bank with a PostgreSQL server to itself, which can be stopped."""

    directory: Path
    address: str
    keys: Keys
    account_id: str

    @contextmanager
    def frozen(self) -> Iterator[None]:
        postmaster = int((self.directory / "postmaster.pid").read_text().split()[0])
        # Children first, while their parent can start no others in their place.
        os.kill(postmaster, signal.SIGSTOP)
        stopped = [postmaster, *map(int, Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split())]
        for process in stopped[1:]:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in stopped:
                os.kill(process, signal.SIGCONT)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Frozen]:
    directory = tmp_path / "postgresql"
    with (
        embedded_server(directory) as root,
        served_by(root, "freeze") as postgresql,
        postgresql.template() as name,
    ):
        installation = Installation(postgresql.url_of(name), tmp_path, constants=SHORT_OF_PATIENCE)
        authority = first_key(installation)
        with installation.serving() as process:
            with Caller(process.address) as caller:
                keys = prepare(caller, authority)
                account_id, _ = bank.shared_account(caller, keys)
            yield Frozen(directory=directory, address=process.address, keys=keys, account_id=account_id)


def test_every_request_to_a_frozen_database_ends_and_the_bank_resumes_with_it(server: Frozen) -> None:
    journal, keys = Journal(), server.keys
    reads = (f"/v1/accounts/{server.account_id}/balance", f"/v1/accounts/{server.account_id}", "/v1/events")

    def ask(number: int) -> Answer:
        with Caller(server.address) as caller:
            if number % 4 == 3:
                return journal.write(caller, "/v1/certificates", keys.issuer, bank.certificate())
            return caller.get(reads[number % 4], keys.authority)

    with Caller(server.address) as caller:
        with server.frozen(), ThreadPoolExecutor(CLIENTS) as threads:
            asking = [threads.submit(ask, number) for number in range(CLIENTS)]
            assert caller.get("/livez").status == 200
            answers = [one.result() for one in asking]
        assert {(answer.status, answer.code) for answer in answers} == {(503, "unavailable")}
        assert max(answer.seconds for answer in answers) < LONGEST_ANSWER_SECONDS
        settle(journal.unknown, caller)
        for path in reads:
            assert caller.get(path, keys.authority).status == 200
