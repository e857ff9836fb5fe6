"""Files of imports on the disk: kept while they are wanted, missed when gone, taken up when nobody has them."""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from datetime import date
from itertools import count
from pathlib import Path
from shutil import rmtree
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from creditbank.commands import parts
from creditbank.commands.desk import Desk, Request
from creditbank.domain import errors
from creditbank.imports import running
from creditbank.imports.keeping import Keeper, Keeping
from creditbank.imports.running import Importer
from creditbank.imports.task import Folder
from creditbank.ledger.tables import import_file
from tests.api.bank import ReadyBank
from tests.api.imports import PATIENCE, begun, ended, imported, line, paused, send, table, tally
from tests.imports.files import csv_bytes

_numbers = count(1)
MOST_FAILURES = 2


@pytest.fixture(autouse=True)
def _small_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LINES", 2)
    monkeypatch.setattr(parts, "LONG", 2)
    monkeypatch.setattr(running, "MOST_FAILURES", MOST_FAILURES)


def importer_of(bank: ReadyBank) -> Importer:
    found: Importer = bank.client.app.state.importer
    return found


def folder_of(bank: ReadyBank, import_id: str) -> Folder:
    return importer_of(bank).folder(UUID(import_id))


def settled(bank: ReadyBank, import_id: str) -> None:
    """Waits until nothing in the process has the import in hand."""
    glance = Event()
    assert any(not importer_of(bank).carries(UUID(import_id)) or glance.wait(0.01) for _ in range(5 * PATIENCE))


# Sent, and nobody knows


class Forgetful:
    """A desk that settles, and whose answer is lost on the way."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def ask(self, request: Request) -> Any:
        await self.desk.ask(request)
        raise errors.Unavailable()


@pytest.fixture
def lost(own_bank: ReadyBank) -> Iterator[tuple[bytes, dict[str, str]]]:
    """A file that was taken, and whose sender was told that nobody knows; with the headers to send it again."""
    content, state = table(line()), own_bank.client.app.state
    headers = own_bank.issuer.headers({"Idempotency-Key": f"lost-{next(_numbers)}", "Content-Type": "text/csv"})
    desk, state.desk = state.desk, Forgetful(state.desk)
    try:
        answer = own_bank.client.post("/v1/imports", content=content, headers=headers)
    finally:
        state.desk = desk
    assert answer.status_code == 503
    yield content, headers


def test_a_file_that_may_have_been_taken_is_kept_and_taken_up(own_bank: ReadyBank, lost: object) -> None:
    [one] = own_bank.issuer.get("/v1/imports").json()["items"]
    assert one["state"] == "reading"
    importer_of(own_bank).resume()
    assert tally(ended(own_bank.issuer, one["import_id"])) == ("finished", 1, 1, 0)


@pytest.mark.parametrize("is_there", [True, False])
def test_sent_again_it_goes_on_even_where_the_first_is_lost(
    own_bank: ReadyBank, lost: tuple[bytes, dict[str, str]], is_there: bool
) -> None:
    content, headers = lost
    [one] = own_bank.issuer.get("/v1/imports").json()["items"]
    if not is_there:
        rmtree(folder_of(own_bank, one["import_id"]).path)
    again = own_bank.client.post("/v1/imports", content=content, headers=headers)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (202, "true")
    assert again.json()["import_id"] == one["import_id"]
    assert tally(ended(own_bank.issuer, one["import_id"])) == ("finished", 1, 1, 0)
    assert len(list(importer_of(own_bank).directory.iterdir())) == 1


class Doubtful(Forgetful):
    """A desk whose commit broke off, and that found its own answer stored."""

    async def ask(self, request: Request) -> Any:
        await self.desk.ask(request)
        return await self.desk.ask(request)


def test_an_answer_that_is_found_again_is_that_of_the_file_itself(own_bank: ReadyBank) -> None:
    state = own_bank.client.app.state
    desk, state.desk = state.desk, Doubtful(state.desk)
    try:
        answer = send(own_bank.issuer, table(line()))
    finally:
        state.desk = desk
    assert (answer.status_code, answer.headers["Idempotency-Replayed"]) == (202, "true")
    assert tally(ended(own_bank.issuer, answer.json()["import_id"])) == ("finished", 1, 1, 0)


def test_a_file_that_was_cut_on_the_disk_is_not_taken_for_whole(bank: ReadyBank) -> None:
    waiting = imported(bank.issuer, table(*(line() for _ in range(4))), "?wait=true")
    source = folder_of(bank, waiting["import_id"]).source
    lines = source.read_bytes().splitlines(keepends=True)
    source.write_bytes(b"".join(lines[:3]))
    bank.issuer.post(f"/v1/imports/{waiting['import_id']}/start", {})
    one = ended(bank.issuer, waiting["import_id"])
    assert (one["state"], one["problem"]["code"], one["accepted"]) == ("refused", "source_lost", 0)


# Left behind, and taken up


def test_an_import_that_another_process_held_for_a_moment_is_taken_up(bank: ReadyBank) -> None:
    import_id = imported(bank.issuer, table(line()), "?wait=true")["import_id"]
    settled(bank, import_id)
    with folder_of(bank, import_id).lock.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        bank.issuer.post(f"/v1/imports/{import_id}/start", {})
        settled(bank, import_id)
    assert bank.issuer.get(f"/v1/imports/{import_id}").json()["state"] == "reading"
    importer_of(bank).resume()
    assert tally(ended(bank.issuer, import_id)) == ("finished", 1, 1, 0)


def test_an_import_that_fails_again_and_again_is_given_up(bank: ReadyBank, caplog: pytest.LogCaptureFixture) -> None:
    with paused(bank):
        import_id = begun(bank, table(*(line() for _ in range(4))))
        folder_of(bank, import_id).rows.write_bytes(b"nonsense\n" * 4)
    settled(bank, import_id)
    for _ in range(MOST_FAILURES - 1):
        assert bank.issuer.get(f"/v1/imports/{import_id}").json()["state"] == "importing"
        importer_of(bank).resume()
        settled(bank, import_id)
    importer_of(bank).resume()
    one = ended(bank.issuer, import_id)
    assert (one["state"], one["problem"]["code"]) == ("refused", "internal")
    assert caplog.text.count("an import ended with ValueError") == MOST_FAILURES


def test_a_disk_that_is_full_while_a_file_is_read_refuses_nothing(bank: ReadyBank) -> None:
    import_id = imported(bank.issuer, table(line()), "?wait=true")["import_id"]
    rows = folder_of(bank, import_id).rows
    rows.unlink()
    rows.symlink_to("/dev/full")
    bank.issuer.post(f"/v1/imports/{import_id}/start", {})
    for _ in range(MOST_FAILURES + 1):
        settled(bank, import_id)
        assert bank.issuer.get(f"/v1/imports/{import_id}").json()["state"] == "reading"
        importer_of(bank).resume()
    settled(bank, import_id)
    rows.unlink()
    importer_of(bank).resume()
    assert tally(ended(bank.issuer, import_id)) == ("finished", 1, 1, 0)


def test_imports_whose_files_lie_on_another_machine_are_left_to_it(
    bank: ReadyBank, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = bank.client.app.state
    with paused(bank):
        import_id = begun(bank, table(line()))
        other = Importer(state.bank, state.desk, state.beside, state.jobs, tmp_path / "imports")
        with caplog.at_level(logging.WARNING):
            other.resume()
            other.resume()
        assert not other.carries(UUID(import_id))
        other.begin(UUID(import_id), "BIM-EVAL")
        other.close()
        assert caplog.text.count(f"the files of import {import_id} are not on this machine") == 1
    assert tally(ended(bank.issuer, import_id)) == ("finished", 1, 1, 0)


# In turn, and not too many


def test_one_file_does_not_wait_for_all_those_of_another_organisation(bank: ReadyBank) -> None:
    gate = Event()
    importer_of(bank)._readers.submit(gate.wait)
    unreadable = csv_bytes(["1", "2"], header=("甲", "乙"))
    many = [send(bank.other_issuer, unreadable, "?force=true").json()["import_id"] for _ in range(3)]
    one = send(bank.issuer, unreadable).json()["import_id"]
    gate.set()
    ends = [ended(bank.authority, import_id)["finished_at"] for import_id in (many[0], one, *many[1:])]
    assert ends == sorted(ends)


def test_an_organisation_has_so_many_files_and_no_more(own_bank: ReadyBank) -> None:
    state = own_bank.client.app.state
    state.keeper = Keeper(state.bank, state.desk, state.keeper.directory, Keeping(days=7, files=1))
    imported(own_bank.issuer, table(line()))
    again = send(own_bank.issuer, table(line()))
    assert (again.status_code, again.json()["code"]) == (409, "too_many_imports")
    assert tally(imported(own_bank.other_issuer, table(line()), "?dry_run=true"))[0] == "finished"
    own_bank.clock.set(date(2026, 12, 2))
    assert tally(imported(own_bank.issuer, table(line()))) == ("finished", 1, 1, 0)


# Let go


def test_an_import_that_nobody_starts_ends_when_its_time_is_over(own_bank: ReadyBank) -> None:
    waiting = imported(own_bank.issuer, table(line()), "?wait=true")
    folder, keeper = folder_of(own_bank, waiting["import_id"]), own_bank.client.app.state.keeper
    settled(own_bank, waiting["import_id"])
    keeper.purge()
    assert folder.source.exists()
    own_bank.clock.set(date(2026, 12, 2))
    keeper.purge()
    one = ended(own_bank.issuer, waiting["import_id"])
    assert (one["state"], one["problem"]["code"]) == ("cancelled", "waited_too_long")
    assert not folder.path.exists()


def test_a_file_that_is_still_coming_is_not_swept_away(own_bank: ReadyBank) -> None:
    keeper, long_ago = own_bank.client.app.state.keeper, 1_000_000_000
    folder = Folder.of(keeper.directory, uuid4())
    folder.path.mkdir()
    folder.source.write_bytes(b"x")
    now = own_bank.core.clock() / 1_000_000
    os.utime(folder.source, (now, now))
    os.utime(folder.path, (long_ago, long_ago))
    keeper.purge()
    assert folder.source.exists()
    os.utime(folder.source, (long_ago, long_ago))
    keeper.purge()
    assert not folder.path.exists()


def test_the_cells_of_a_file_without_a_header_are_kept_out_of_the_database(bank: ReadyBank) -> None:
    one = imported(bank.issuer, csv_bytes(["X-1", "欧阳修", "11010519491231002X"], header=()))
    assert one["problem"]["code"] == "header_not_found"
    with bank.core.engine.connect() as connection:
        statement = select(import_file.c.detail).where(import_file.c.import_id == UUID(one["import_id"]))
        detail = json.loads(connection.execute(statement).scalar_one())
    assert "columns" not in detail["found"]
    assert "欧阳修" not in json.dumps(detail, ensure_ascii=False)
    preview = bank.issuer.get(f"/v1/imports/{one['import_id']}/preview").json()
    assert [column["header"] for column in preview["columns"]] == ["X-1", "欧阳修", "11010519491231002X"]
