"""S5: reading a balance with credentials, against a bare handler without any access control that does one SELECT."""

from __future__ import annotations

from decimal import Decimal

from benchmarks import bank, load, people, report, server
from benchmarks.measure import Bound, Result, Sample, Target, alternate
from benchmarks.peers import balance as peer_balance
from benchmarks.running import running
from benchmarks.settings import Database, Settings

NAME = "S5"
TARGET = Target(Bound.AT_LEAST, 0.9, 1.5)
CONNECTIONS = 16
ACCOUNTS = 2_000
REQUESTS = 20_000  # a round
WARM_UP = 2_000


def run(settings: Settings) -> list[Result]:
    return [_run(settings, database) for database in settings.among(Database.POSTGRESQL, Database.SQLITE)]


def _run(settings: Settings, database: Database) -> Result:
    with running(settings, database) as one:
        keys = bank.prepare(one.caller, one.authority)
        account_ids = _learners(one.caller, keys, settings.scaled(ACCOUNTS))
        peer_url = one.store.create("peer")
        peer_balance.fill(peer_url, account_ids, people.CREDITS)
        with (
            server.peer(f"balance_{database}", peer_url, one.directory) as peer_server,
            load.client() as client,
        ):
            requests = [_request(account_id, keys.institution) for account_id in account_ids]

            def drive(serving: server.Server) -> Sample:
                return _drive(client, serving, requests, settings)

            return Result(
                benchmark=NAME,
                title=f"read a balance of {len(account_ids):,} accounts, {CONNECTIONS} clients",
                database=database,
                unit="requests/s",
                peer="bare FastAPI handler without access control, one SELECT",
                target=TARGET,
                rounds=alternate(
                    settings.rounds,
                    product=lambda _: drive(one.serving),
                    peer=lambda _: drive(peer_server),
                    report=report.progress(NAME, database),
                ),
                setup=one.store.setup,
            )


def _learners(caller: bank.Bank, keys: bank.Keys, count: int) -> list[str]:
    """Accounts that the institution opened, each with one certificate; raises Refused where a balance is not that."""
    account_ids = bank.open_accounts(caller, keys.institution, count)
    for first in range(0, count, bank.BATCH):
        size = min(bank.BATCH, count - first)
        bank.check_batch(caller.send("/v1/certificates:batch", keys.issuer, bank.batch(first, size)), size)
    for account_id in (account_ids[0], account_ids[-1]):
        balance = caller.get(_path(account_id), keys.institution)
        if Decimal(balance["available"]) != Decimal(people.CREDITS):
            raise load.Refused(f"not the balance of one certificate: {balance}")
    return account_ids


def _drive(client: load.Client, serving: server.Server, requests: list[bytes], settings: Settings) -> Sample:
    client.drive(serving.port, _repeated(requests, settings.scaled(WARM_UP)), connections=CONNECTIONS)
    cpu_started = serving.cpu_seconds()
    seen = client.drive(serving.port, _repeated(requests, settings.scaled(REQUESTS)), connections=CONNECTIONS)
    return seen.sample(serving.cpu_seconds() - cpu_started)


def _repeated(requests: list[bytes], count: int) -> list[bytes]:
    return [requests[number % len(requests)] for number in range(count)]


def _request(account_id: str, key: str) -> bytes:
    return load.encode("GET", _path(account_id), headers=bank.bearer(key))


def _path(account_id: str) -> str:
    return f"/v1/accounts/{account_id}/balance"
