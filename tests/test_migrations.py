"""The migrations make the tables that the code describes, on every database and from an installed wheel."""

from __future__ import annotations

import json
import tomllib
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from importlib import import_module
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Engine, MetaData, insert, inspect, select

import creditbank.ledger.sequence
import creditbank.projections  # noqa: F401  # its modules fill the metadata below
from creditbank.domain.values import PARTITIONS
from creditbank.ledger import bulk, migration, tables
from creditbank.ledger.database import open_engine, writing
from creditbank.projections import catalogue
from creditbank.projections import tables as projection_tables
from creditbank.projections.lots import lot
from creditbank.vault import tables as vault_tables

LOT = (
    *(uuid4(), uuid4(), uuid4(), 2, 1_800_000_000_000_000, 60_000, date(2026, 2, 28), None, None, 5, 2, 1),
    *("active", "BIM-EVAL", "N1", "BIM", "中级", "x-cert", None, b"{}"),
)

DESCRIBED: list[MetaData] = [tables.metadata, vault_tables.metadata, projection_tables.metadata]


def test_the_migrated_schema_is_the_described_one(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, DESCRIBED) == []  # type: ignore[arg-type]  # takes a list as well


def test_a_new_bank_has_a_counter_for_every_partition_and_an_epoch(engine: Engine) -> None:
    with engine.connect() as connection:
        for table in (tables.log_partition, tables.access_partition):
            counters = connection.execute(select(table).order_by("partition_id")).all()
            assert [tuple(row) for row in counters] == [(number, 0, 0) for number in range(PARTITIONS)]
        assert catalogue.epoch(connection) == 0


def test_an_empty_database_is_behind_and_an_upgraded_one_is_not(empty_url: str) -> None:
    engine = open_engine(empty_url)
    assert not migration.at_head(engine)
    migration.upgrade(engine)
    assert migration.at_head(engine)
    engine.dispose()


def test_an_upgrade_may_be_repeated(engine: Engine) -> None:
    migration.upgrade(engine)
    assert migration.at_head(engine)


def test_processes_that_start_at_once_upgrade_once(empty_url: str) -> None:
    engine = open_engine(empty_url)
    with ThreadPoolExecutor(3) as pool:
        for upgraded in [pool.submit(migration.upgrade, engine) for _ in range(3)]:
            upgraded.result()
    assert migration.at_head(engine)
    engine.dispose()


def test_certificates_keep_their_rows_under_the_shorter_key(empty_url: str) -> None:
    engine = open_engine(empty_url)
    migration.upgrade(engine, "0030")
    with writing(engine) as connection:
        bulk.insert(connection, lot, [LOT])
    migration.upgrade(engine)
    with engine.connect() as connection:
        assert [tuple(row) for row in connection.execute(select(lot))] == [LOT]
        assert inspect(connection).get_pk_constraint("lot")["constrained_columns"] == [
            one.name for one in lot.primary_key
        ]
        assert [index["name"] for index in inspect(connection).get_indexes("lot")] == ["lot_accreditation"]
    engine.dispose()


def test_the_first_rows_of_files_without_a_header_are_forgotten(engine: Engine) -> None:
    script = import_module("migrations.versions.v0051_first_rows")
    found = {"columns": [{"header": "王小明"}], "format": "csv"}
    lost, other = found | {"problem": {"code": "header_not_found"}}, found | {"problem": {"code": "no_rows"}}
    details = {UUID(int=1): lost, UUID(int=2): other, UUID(int=3): None}
    with engine.begin() as connection:
        for import_id, one in details.items():
            row = {"import_id": import_id, "organisation": "A", "created_by": "A:1", "sha256": import_id.bytes}
            detail = json.dumps({"name": None, "found": one}).encode()
            connection.execute(insert(tables.import_file).values(**row, accepted=0, refused=0, detail=detail))
        with Operations.context(MigrationContext.configure(connection)):
            script.upgrade()
        left = dict(connection.execute(select(tables.import_file.c.import_id, tables.import_file.c.detail)).all())
    assert [json.loads(left[import_id])["found"] for import_id in details] == [
        {"format": "csv", "problem": {"code": "header_not_found"}}, other, None,
    ]  # fmt: skip


def test_the_wheel_carries_the_scripts() -> None:
    root = Path(__file__).parents[1]
    included = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert included["force-include"] == {"migrations": "creditbank/_migrations"}


@pytest.mark.parametrize("table", ["log_partition", "access_partition", "account"])
def test_a_table_that_is_updated_in_place_leaves_room_on_its_pages(table: str, postgresql_engine: Engine) -> None:
    with postgresql_engine.connect() as connection:
        options = connection.exec_driver_sql("SELECT reloptions FROM pg_class WHERE relname = %s", (table,)).scalar()
    assert any(option.startswith("fillfactor=") for option in options)
