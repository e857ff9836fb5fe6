"""A server is started on a backup from before an erasure: nobody who was erased can be found, not even at its start."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from creditbank.domain.events import AccountErased
from creditbank.ledger.database import open_engine
from creditbank.vault.keyfiles import RINGS
from tests.commands.bank import history
from tests.commands.rotating import rotation
from tests.processes import findings
from tests.processes.bank import certificate, done, first_key, person, prepare
from tests.processes.calls import Answer, Caller
from tests.processes.server import ATTENTIVE, Installation, NotStarted

ERASURE = {"reason": "asked"}


def look_up(caller: Caller, key: str, holder: dict[str, Any]) -> Answer:
    return caller.post("/v1/accounts/lookup", key, {"document": holder["document"]}, str(uuid4()))


def test_who_was_erased_stays_erased_when_an_old_backup_is_restored(
    database_url: str, backup: Callable[[str], str], tmp_path: Path
) -> None:
    installation, holders = Installation(database_url, tmp_path), [person(), person()]
    authority = first_key(installation)
    with installation.serving() as process, Caller(process.address) as caller:
        keys = prepare(caller, authority)
        awarded = [done(caller, "/v1/certificates", keys.issuer, certificate(holder=one)) for one in holders]
    old = backup(database_url)
    erased, kept = (str(one["account_id"]) for one in awarded)
    with installation.serving() as process, Caller(process.address) as caller:
        receipt = done(caller, f"/v1/accounts/{erased}/erasure", authority, ERASURE)["receipt"]
    # The public log is gone too: while it holds more than the backup does, nothing can be recorded.
    shutil.rmtree(installation.data_dir / "log", ignore_errors=True)
    restored = replace(installation, database_url=old)
    with restored.serving() as process, Caller(process.address) as caller:
        account = caller.get(f"/v1/accounts/{erased}", authority).content
        assert (account["status"], account["holder"]) == ("erased", None)
        assert [look_up(caller, authority, one).status for one in holders] == [404, 200]
        assert caller.get(f"/v1/accounts/{kept}", authority).content["status"] == "open"
        assert caller.get(f"/v1/verify/BIM-EVAL/{awarded[0]['number']}").content["status"] == "active"
    engine = open_engine(old)
    assert findings.against_history(engine) == []
    assert [str(event.receipt) for event in history(engine, UUID(erased)) if isinstance(event, AccountErased)] == [
        receipt["receipt_id"]
    ]
    engine.dispose()


def test_a_server_does_not_start_on_a_list_that_cannot_be_read(sqlite_url: str, tmp_path: Path) -> None:
    installation = Installation(sqlite_url, tmp_path)
    folder = installation.data_dir / "erased"
    folder.mkdir(parents=True)
    (folder / "host.list").write_text("x" * 101)
    with pytest.raises(NotStarted, match=r"line 1 of .*host\.list cannot be read"):
        installation.start()


def test_a_running_server_goes_on_under_secrets_that_are_rotated_beside_it(database_url: str, tmp_path: Path) -> None:
    installation, holder = Installation(database_url, tmp_path, constants=ATTENTIVE), person()
    authority = first_key(installation)
    with installation.serving() as process:
        with Caller(process.address) as caller:
            before = done(caller, "/v1/accounts", authority, {"holder": holder})
        with rotation(database_url, installation.data_dir) as turning:
            assert [turning.rotate(name).generation for name in RINGS] == [2, 2, 2]
            assert [turning.retire(name) for name in ("wrapping", "blind-index")] == [[1], [1]]
        with Caller(process.address) as caller:
            assert look_up(caller, authority, holder).content["account_id"] == before["account_id"]
            after = done(caller, "/v1/accounts", authority, {"holder": person()})
            for one in (before, after):
                assert caller.get(f"/v1/accounts/{one['account_id']}", authority).content["holder"] is not None
