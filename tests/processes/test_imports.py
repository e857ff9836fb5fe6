"""The server is killed in the middle of an import and started again: it goes on, and every row is there once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from socket import create_connection
from threading import Event
from typing import Any

import pytest

from creditbank.ledger.database import open_engine
from tests.imports.files import csv_bytes
from tests.processes import bank, findings
from tests.processes.calls import Caller
from tests.processes.server import Installation

ROWS, KILLS = 1_200, 3
SHORT_CHUNKS = {"creditbank.commands.parts.LONG": 100, "creditbank.commands.parts.LINES": 50}
HEADER = ("证书编号", "姓名", "证件类型", "证件号码", "证书标准", "等级", "发证日期")
GLANCES = 2_000


def rows(count: int) -> bytes:
    return csv_bytes(
        *([f"K{one:06}", "王小明", "LOCAL", f"HB-{one:08}", "BIM", "中级", "2026-07-01"] for one in range(count)),
        header=HEADER,
    )


def standing(caller: Caller, path: str, token: str) -> dict[str, Any]:
    answer = caller.get(path, token)
    assert answer.status == 200, answer.body
    return answer.content


def more_than(caller: Caller, path: str, token: str, done: int) -> dict[str, Any]:
    """The import as soon as more is done than this, or it has ended."""
    glance = Event()
    for _ in range(GLANCES):
        found = standing(caller, path, token)
        if found["done"] > done or found["state"] not in ("reading", "importing"):
            return found
        glance.wait(0.01)
    raise AssertionError(found)


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_an_import_goes_on_after_a_kill_and_brings_every_row_once(
    request: pytest.FixtureRequest, backend: str, tmp_path: Path
) -> None:
    # No server lives until a process beside it would be up.
    environment = {"CREDITBANK_LIST_PROCESS": "false"}
    installation = Installation(request.getfixturevalue(f"{backend}_url"), tmp_path, environment, SHORT_CHUNKS)
    authority = bank.first_key(installation)
    with installation.serving() as process, Caller(process.address) as caller:
        keys = bank.prepare(caller, authority)
        begun = caller.upload("/v1/imports", keys.issuer, rows(ROWS), "text/csv", "import")
        path = f"/v1/imports/{begun.content['import_id']}"
        found = more_than(caller, path, keys.issuer, 0)
    seen, interrupted = found["done"], 0
    for _ in range(KILLS):
        interrupted += seen < ROWS
        with installation.serving() as process, Caller(process.address) as caller:
            seen = more_than(caller, path, keys.issuer, seen)["done"]
    assert interrupted > 0
    with installation.serving() as process, Caller(process.address) as caller:
        while (found := more_than(caller, path, keys.issuer, found["done"]))["state"] == "importing":
            continue
        assert (found["state"], found["accepted"], found["refused"]) == ("finished", ROWS, 0)
        told = caller.get(f"{path}/results?limit=1000", keys.issuer).content["items"]
        assert [one["row"] for one in told] == list(range(2, 1002))
        again = caller.upload("/v1/imports", keys.issuer, rows(ROWS), "text/csv", "again")
        assert again.code == "import_repeated"
    engine = open_engine(installation.database_url)
    assert findings.against_history(engine) == []
    assert sum(findings.effects(engine).values()) == 2 * ROWS
    engine.dispose()


def test_an_upload_that_is_cut_off_leaves_nothing(sqlite_url: str, tmp_path: Path) -> None:
    installation = Installation(sqlite_url, tmp_path)
    authority = bank.first_key(installation)
    with installation.serving() as process, Caller(process.address) as caller:
        keys = bank.prepare(caller, authority)
        host, _, port = process.address.rpartition(":")
        with create_connection((host, int(port))) as connection:
            head = (
                f"POST /v1/imports HTTP/1.1\r\nHost: bank\r\nAuthorization: Bearer {keys.issuer}\r\n"
                "Content-Type: text/csv\r\nIdempotency-Key: cut\r\nContent-Length: 1000000\r\n\r\n"
            )
            connection.sendall(head.encode() + rows(10))
            assert gone(installation.data_dir / "imports", lambda left: left == 1)
        assert gone(installation.data_dir / "imports", lambda left: left == 0)
        assert caller.get("/v1/imports", keys.issuer).content["items"] == []


def gone(directory: Path, wanted: Callable[[int], bool]) -> bool:
    """Whether there are as many directories as wanted, now or soon."""
    glance = Event()
    return any(wanted(len(list(directory.iterdir()))) or glance.wait(0.01) for _ in range(GLANCES))
