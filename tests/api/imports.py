"""Files of certificates sent to a bank, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from threading import Event, Semaphore
from typing import Any

from tests.api.bank import Caller, ReadyBank, person
from tests.imports.files import csv_bytes

_numbers = count(1)
PATIENCE = 200
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
COLUMNS = ("证书编号", "姓名", "证件类型", "证件号码", "证书标准", "等级", "发证日期")


def line(number: str | None = None, **changes: Any) -> list[str]:
    """A fit row for a new person."""
    holder = person()
    cells = {
        "证书编号": number or f"IMP{next(_numbers):06}",
        "姓名": holder["name"],
        "证件类型": "LOCAL",
        "证件号码": holder["document"]["number"],
        "证书标准": "BIM",
        "等级": "中级",
        "发证日期": "2026-07-01",
    }
    return list({**cells, **changes}.values())


def table(*rows: Any, **said: Any) -> bytes:
    return csv_bytes(*rows, header=COLUMNS, **said)


def send(caller: Caller, content: bytes, query: str = "", media_type: str = "text/csv") -> Any:
    return caller.send(f"/v1/imports{query}", content, media_type=media_type)


def ended(caller: Caller, import_id: str) -> dict[str, Any]:
    """The import when it neither reads nor imports any more."""
    glance = Event()
    for _ in range(PATIENCE):
        found = caller.get(f"/v1/imports/{import_id}").json()
        if found["state"] not in ("reading", "importing"):
            return dict(found)
        glance.wait(0.05)
    raise AssertionError(found)


def imported(caller: Caller, content: bytes, query: str = "", media_type: str = "text/csv") -> dict[str, Any]:
    """A file that was taken, and what became of it."""
    answer = send(caller, content, query, media_type)
    assert answer.status_code == 202, answer.text
    assert answer.json()["state"] == "reading"
    return ended(caller, answer.json()["import_id"])


def results(caller: Caller, one: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    answer = caller.get(f"/v1/imports/{one['import_id']}/results{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def codes(rows: list[dict[str, Any]]) -> list[list[str]]:
    return [[one["code"] for one in row["errors"]] for row in rows]


def tally(one: dict[str, Any]) -> tuple[str, int, int, int]:
    return one["state"], one["rows"], one["accepted"], one["refused"]


@contextmanager
def paused(bank: ReadyBank) -> Iterator[Callable[[], None]]:
    """Imports go on by a chunk for each call of what this gives, and freely in the end."""
    turns, over = Semaphore(0), Event()

    def step() -> bool:
        turns.acquire()
        return not over.is_set()

    standing = bank.client.app.state.jobs.carry(step, lane="paused")
    try:
        yield turns.release
    finally:
        over.set()
        turns.release()
        standing.result()


def begun(bank: ReadyBank, content: bytes) -> str:
    """An import that has been read, and of which nothing has been done."""
    import_id = str(send(bank.issuer, content).json()["import_id"])
    when(bank, import_id, lambda one: one["state"] == "importing")
    return import_id


def when(bank: ReadyBank, import_id: str, wanted: Callable[[dict[str, Any]], bool]) -> None:
    glance = Event()
    for _ in range(PATIENCE):
        if wanted(bank.authority.get(f"/v1/imports/{import_id}").json()):
            return
        glance.wait(0.05)
    raise AssertionError(import_id)
