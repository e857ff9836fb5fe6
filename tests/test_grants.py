"""The role that docs/operations/grants.md gives the service can do its work, and cannot change history."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Engine, event, insert, inspect, make_url, select
from sqlalchemy.exc import ProgrammingError

from creditbank import projections
from creditbank.cli import publish
from creditbank.domain.events import (
    AccountMerged,
    AccountOpened,
    CertificateAwarded,
    CertificateHeld,
    DealingOpened,
    Event,
    OrganisationRegistered,
)
from creditbank.ledger import accesses, log, migration
from creditbank.ledger.accesses import Access, Look
from creditbank.ledger.database import open_engine, writing
from creditbank.ledger.tables import access_record, command_log
from creditbank.ledger.tables import event as event_table
from tests.audit.bank import publisher

PAGE = Path(__file__).parents[1] / "docs" / "operations" / "grants.md"
DOCUMENTED = ("creditbank_service", "creditbank_publisher")


@pytest.fixture
def roles(postgresql_engine: Engine, worker: str) -> Iterator[tuple[str, ...]]:
    """The documented roles, under names of this test process: the service's and the publisher's."""
    names = tuple(f"{documented}_{worker}" for documented in DOCUMENTED)
    [block] = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for documented, name in zip(DOCUMENTED, names, strict=True):
        block = block.replace(documented, name)
    with postgresql_engine.begin() as connection:
        for statement in block.split(";"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    yield names
    with postgresql_engine.begin() as connection:
        for name in names:
            connection.exec_driver_sql(f"DROP OWNED BY {name}")
            connection.exec_driver_sql(f"DROP ROLE {name}")


@contextmanager
def _as_role(url: str, role: str) -> Iterator[Engine]:
    engine = open_engine(url)

    @event.listens_for(engine, "connect")
    def _become(connection: Any, _record: Any) -> None:
        connection.execute(f"SET ROLE {role}")
        connection.commit()

    yield engine
    engine.dispose()


@pytest.fixture
def service(postgresql_url: str, roles: tuple[str, ...]) -> Iterator[Engine]:
    """An engine whose connections have the rights of the service role."""
    with _as_role(postgresql_url, roles[0]) as engine:
        yield engine


@pytest.fixture
def publishing(postgresql_url: str, roles: tuple[str, ...]) -> Iterator[Engine]:
    """An engine whose connections have the rights of the publisher's role."""
    with _as_role(postgresql_url, roles[1]) as engine:
        yield engine


def record(engine: Engine, *happened: tuple[UUID, int, Event]) -> None:
    entries = [
        log.Entry(stream_id=stream_id, version=version, event=fact, actor="school-1", causation=uuid4())
        for stream_id, version, fact in happened
    ]
    with writing(engine) as connection:
        recorded = log.append(connection, entries, now=1)
        for projection in projections.ALL:
            projection.apply(connection, recorded)


def award(certificate_id: UUID) -> CertificateAwarded:
    return CertificateAwarded(
        certificate_id=certificate_id,
        issuer="school-1",
        number=certificate_id.hex,
        standard="web",
        standard_version=1,
        level="basic",
        rank=1,
        credits=20_000,
        issued_on=date(2026, 6, 30),
        accreditation_id=uuid4(),
    )


def test_the_service_can_append_and_keep_every_answer_up_to_date(service: Engine) -> None:
    account, survivor, certificate = uuid4(), uuid4(), uuid4()
    opened = AccountOpened(opened_by="school-1")
    record(
        service,
        (uuid4(), 1, OrganisationRegistered(code="school-1", name="School", roles=("issuer",))),
        (account, 1, opened),
        (survivor, 1, opened),
        *((account, version, award(uuid4())) for version in range(2, 80)),
        (account, 80, award(certificate)),
    )
    record(
        service,
        (account, 81, CertificateHeld(certificate_id=certificate, reason="doubt")),
        (account, 82, DealingOpened(institution="university-1", basis="lookup")),
        (account, 83, AccountMerged(survivor=survivor, reason="same person")),
    )
    with service.connect() as connection:
        assert len(log.stream(connection, account)) == 83
    assert migration.at_head(service)


def test_the_service_can_read_every_table_there_is(service: Engine) -> None:
    with service.connect() as connection:
        for table in inspect(service).get_table_names():
            connection.exec_driver_sql(f'SELECT * FROM "{table}"')


@pytest.mark.parametrize("change", ["UPDATE installation SET state = 'destroyed'", "DELETE FROM installation"])
def test_the_service_cannot_change_which_keys_the_bank_is_tied_to(service: Engine, change: str) -> None:
    with pytest.raises(ProgrammingError) as refusal, writing(service) as connection:
        connection.exec_driver_sql(change)
    assert isinstance(refusal.value.orig, InsufficientPrivilege)


@pytest.mark.parametrize(
    ("table", "column"), [("event", "body"), ("command_log", "body"), ("access_record", "account_id")]
)
@pytest.mark.parametrize("change", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0}", "DROP TABLE {0}"])
def test_the_service_cannot_change_what_was_recorded(service: Engine, table: str, column: str, change: str) -> None:
    record(service, (uuid4(), 1, AccountOpened(opened_by="school-1")))
    look = Look(
        credential="key", role="auditor", organisation="AUDIT", operation="accounts:read", fields="x", purpose="y"
    )
    with writing(service) as connection:
        connection.execute(insert(command_log).values(("scope", "key", 1, 200, 1, b"print", "1:1", b"answer")))
        accesses.append(connection, [Access(uuid4(), look)], now=1)
    with pytest.raises(ProgrammingError) as refusal, writing(service) as connection:
        connection.exec_driver_sql(change.format(table, column))
    assert isinstance(refusal.value.orig, InsufficientPrivilege)
    with service.connect() as connection:
        for kept in (event_table, command_log, access_record):
            assert len(connection.execute(select(kept)).all()) == 1


def test_the_publisher_can_publish_and_cannot_record(service: Engine, publishing: Engine, tmp_path: Path) -> None:
    record(service, (uuid4(), 1, AccountOpened(opened_by="school-1")))

    head = publisher(publishing, tmp_path).publish()

    assert head is not None
    assert head.size == 2
    with pytest.raises(ProgrammingError) as refusal:
        record(publishing, (uuid4(), 1, AccountOpened(opened_by="school-1")))
    assert isinstance(refusal.value.orig, InsufficientPrivilege)


def test_the_command_publishes_under_the_publishers_role(
    service: Engine, postgresql_url: str, roles: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    record(service, (uuid4(), 1, AccountOpened(opened_by="school-1")))
    url = make_url(postgresql_url).set(username=roles[1])
    monkeypatch.setenv("CREDITBANK_DATABASE_URL", url.render_as_string(hide_password=False))
    monkeypatch.setenv("CREDITBANK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CREDITBANK_ORIGIN", "bank.example/log")

    publish.run(once=True, until_input_ends=False, as_json=True)

    assert json.loads(capsys.readouterr().out)["size"] == 2
    kept = {str(path.relative_to(tmp_path / "data" / "keys")) for path in (tmp_path / "data" / "keys").rglob("*.key")}
    assert kept == {"salting.key", "log/signing-1.key"}, "the publisher makes no key but those of the log"


@pytest.mark.parametrize("table", ["log_round", "log_checkpoint", "log_seal"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "TRUNCATE {}"])
def test_not_even_the_publisher_takes_back_what_is_published(
    service: Engine, publishing: Engine, tmp_path: Path, table: str, change: str
) -> None:
    record(service, (uuid4(), 1, AccountOpened(opened_by="school-1")))
    publisher(publishing, tmp_path).publish()

    with pytest.raises(ProgrammingError) as refusal, writing(publishing) as connection:
        connection.exec_driver_sql(change.format(table))
    assert isinstance(refusal.value.orig, InsufficientPrivilege)
