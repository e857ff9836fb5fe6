"""The power is cut in the middle of writes: what was acknowledged is there again, and a disk that lies is found out."""

from __future__ import annotations

from random import Random
from threading import Event
from typing import Any

import pytest

from creditbank.vault import keyfiles
from tests.endurance.powercut import cut_power, impossible, standing
from tests.imports.files import csv_bytes
from tests.processes import bank
from tests.processes.calls import Caller

pytestmark = pytest.mark.skipif(impossible() is not None, reason=f"the power cannot be cut here: {impossible()}")

HEADER = ("证书编号", "姓名", "证件类型", "证件号码", "证书标准", "等级", "发证日期")
ROWS, GLANCES = 50, 2_000


def test_what_was_acknowledged_before_a_power_cut_stands_once_after_it() -> None:
    verdict = cut_power("sqlite", cuts=2, most_writes=40, chance=Random(20261124))
    assert verdict.is_clean, verdict
    assert verdict.kills == 2
    assert verdict.acknowledged > 0


def test_a_disk_that_only_says_that_it_synced_is_found_out() -> None:
    verdict = cut_power("sqlite", cuts=1, most_writes=20, chance=Random(20261124), is_deaf=True)
    assert len(verdict.lost) >= verdict.acknowledged > 0


def test_the_keys_of_a_new_bank_outlast_a_power_cut() -> None:
    with standing("sqlite") as new:
        keyfiles.load(new.installation.data_dir)
        folder = keyfiles.folder_of(new.installation.data_dir)
        made = {path.name: path.read_bytes() for path in folder.iterdir()}
        new.disk.tell("off 0 0")
        new.disk.tell("on")
        assert made
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == made


def test_a_file_that_was_taken_is_imported_after_a_power_cut() -> None:
    with standing("sqlite") as new:
        authority = bank.first_key(new.installation)
        with new.installation.serving() as process, Caller(process.address) as caller:
            keys = bank.prepare(caller, authority)
            begun = caller.upload("/v1/imports", keys.issuer, _rows(), "text/csv", "import")
            assert begun.status == 202
            new.cut(process, 0.0, Random(20261124))
        with new.installation.serving() as process, Caller(process.address) as caller:
            ended = _ended(caller, f"/v1/imports/{begun.content['import_id']}", keys.issuer)
            assert (ended["state"], ended["accepted"]) == ("finished", ROWS)


def _rows() -> bytes:
    one = ("王小明", "LOCAL", "BIM", "中级", "2026-07-01")
    rows = ([f"K{number}", one[0], one[1], f"HB-{number:08}", *one[2:]] for number in range(ROWS))
    return csv_bytes(*rows, header=HEADER)


def _ended(caller: Caller, path: str, token: str) -> dict[str, Any]:
    glance = Event()
    for _ in range(GLANCES):
        found = caller.get(path, token).content
        if found["state"] not in ("reading", "importing"):
            break
        glance.wait(0.01)
    return found
