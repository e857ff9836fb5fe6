"""`creditbank import` brings a file in, through a server or without one, and says what became of its rows."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select

from creditbank.cli import importing
from creditbank.ledger.database import open_engine
from creditbank.vault.tables import api_key
from tests.api.bank import ready_bank
from tests.api.imports import COLUMNS, line, table
from tests.cli.conftest import Command
from tests.database import copied
from tests.imports.files import csv_bytes
from tests.processes import bank as served
from tests.processes.calls import Caller
from tests.processes.server import Installation

OWN = ("--organisation", "BIM-EVAL")


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "POLL_SECONDS", 0.02)


@pytest.fixture(scope="module")
def ready(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the database and the key files of a bank with an accredited issuer, which every test copies."""
    folder = tmp_path_factory.mktemp("ready")
    with ready_bank(copied(migrated_sqlite, folder), folder / "data", origin="bank.example/log"):
        pass
    return folder


@pytest.fixture
def bank_url(ready: Path, tmp_path: Path) -> str:
    shutil.copytree(ready / "data", tmp_path / "data")
    return copied(ready / "bank.db", tmp_path)


@pytest.fixture
def bank(bank_url: str, creditbank: Command) -> Command:
    """The command line on such a bank."""
    assert creditbank("migrate", url=bank_url).code == 0
    return creditbank


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two rows that are fit, and one that is not."""
    path = tmp_path / "名单.csv"
    path.write_bytes(table(line(), line(等级="特级"), line()))
    return path


def test_rows_are_imported_and_the_refused_ones_are_told(bank: Command, file: Path) -> None:
    ended = bank("import", str(file), *OWN)
    assert ended.code == 1
    assert ended.out.splitlines()[0] == "3 rows: 2 accepted, 1 refused"
    assert "row 3: The standard has no such level." in ended.out


def test_refused_rows_are_written_to_a_file_and_come_in_when_mended(bank: Command, file: Path, tmp_path: Path) -> None:
    errors = tmp_path / "errors.csv"
    assert bank("import", str(file), *OWN, "--errors", str(errors)).code == 1
    errors.write_text(errors.read_text("utf-8-sig").replace("特级", "高级"), "utf-8")
    assert bank("import", str(errors), *OWN).out == "1 rows: 1 accepted, 0 refused\n"


def test_a_dry_run_says_what_would_be(bank: Command, file: Path) -> None:
    assert bank("import", str(file), *OWN, "--dry-run").out.startswith("3 rows: 2 would be accepted, 1 refused")
    assert bank("import", str(file), *OWN).out.startswith("3 rows: 2 accepted, 1 refused")


def test_the_same_file_again_is_refused_unless_forced(bank: Command, file: Path) -> None:
    assert bank("import", str(file), *OWN).code == 1
    again = bank("import", str(file), *OWN)
    assert again.code == 1
    assert again.err.startswith("import_repeated: ")
    assert bank("import", str(file), *OWN, "--force").out.startswith("3 rows: 0 accepted, 3 refused")


def test_a_mapping_may_lie_in_a_file_and_the_result_be_json(bank: Command, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(csv_bytes(line(), header=("流水", *COLUMNS[1:])))
    (tmp_path / "mapping.json").write_text(json.dumps({"columns": {"流水": "number"}}))
    ended = bank("import", str(tmp_path / "list.csv"), *OWN, "--mapping", str(tmp_path / "mapping.json"), "--json")
    assert (ended.code, ended.json["state"], ended.json["accepted"], ended.json["results"]) == (0, "finished", 1, [])
    assert ended.json["file"]["name"] == "list.csv"


def test_json_holds_every_refused_row(bank: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "PAGE", 100)
    (tmp_path / "long.csv").write_bytes(table(*(line(等级="特级") for _ in range(201))))
    ended = bank("import", str(tmp_path / "long.csv"), *OWN, "--dry-run", "--json")
    assert [row["row"] for row in ended.json["results"]] == list(range(2, 203))


@pytest.mark.parametrize("trouble", [httpx2.Response(503, headers={"Retry-After": "0"}), httpx2.ConnectError("away")])
def test_a_bank_that_is_away_for_a_moment_is_asked_again(trouble: httpx2.Response | Exception) -> None:
    answers = [trouble, httpx2.Response(200, json={"state": "finished"})]

    def answer(_: httpx2.Request) -> httpx2.Response:
        one = answers.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    async def ask() -> httpx2.Response:
        async with httpx2.AsyncClient(base_url="http://bank", transport=httpx2.MockTransport(answer)) as client:
            return await importing.asked_again(client, "/v1/imports/1", {})

    assert asyncio.run(ask()).json() == {"state": "finished"}
    assert answers == []


def test_the_key_of_the_command_ends_with_it_and_would_end_by_itself(bank: Command, file: Path, bank_url: str) -> None:
    bank("import", str(file), *OWN, "--dry-run")
    engine = open_engine(bank_url)
    with engine.connect() as connection:
        statement = select(api_key.c.revoked_at, api_key.c.expires_at).where(api_key.c.created_by == "import")
        [(revoked_at, expires_at)] = connection.execute(statement).all()
    engine.dispose()
    assert revoked_at < expires_at


def test_a_file_that_cannot_be_read_ends_with_the_remedy(bank: Command, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    ended = bank("import", str(tmp_path / "empty.csv"), *OWN)
    assert (ended.code, ended.err) == (1, "The file is empty. Send a file with a header and rows.\n")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("import", "none.csv", *OWN), 2),
        (("import", "mapping.json"), 2),
        (("import", "mapping.json", "--server", "http://127.0.0.1:1"), 2),
        (("import", "mapping.json", "--server", "http://127.0.0.1:1", "--key", "x"), 1),
        (("import", "mapping.json", *OWN, "--mapping", "nothing"), 2),
        (("import", "mapping.json", "--organisation", "NOBODY"), 1),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(
    bank: Command, tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    (tmp_path / "mapping.json").write_text("{}")
    ended = bank(*arguments)
    assert ended.code == code
    assert ended.err
    assert "Traceback" not in ended.err


def test_a_server_takes_the_file_with_the_issuers_key(
    sqlite_url: str, tmp_path: Path, creditbank: Command, file: Path
) -> None:
    installation = Installation(sqlite_url, tmp_path)
    authority = served.first_key(installation)
    with installation.serving() as process, Caller(process.address) as caller:
        keys = served.prepare(caller, authority)
        ended = creditbank("import", str(file), "--server", f"http://{process.address}", "--key", keys.issuer)
    assert ended.out.startswith("3 rows: 2 accepted, 1 refused")
