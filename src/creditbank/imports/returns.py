"""Makes the file that goes back to its sender, once for each kind, format and language."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock
from typing import Any, Literal

from sqlalchemy import Engine

from creditbank.domain import errors
from creditbank.imports import sandbox, texts, verdicts
from creditbank.imports.documents import state_of
from creditbank.imports.intake import detail_of
from creditbank.imports.task import RETURNED_HEADERS, Folder
from creditbank.ledger.imports import Import
from creditbank.vault import durable

Kind = Literal["result", "error"]
Format = Literal["csv", "xlsx", "ndjson"]
Language = Literal["en", "zh-CN"]

_WORDS: dict[Language, dict[str, str]] = {
    "en": {"accepted": "accepted", "refused": "refused", "not": "not attempted"},
    "zh-CN": {"accepted": "已登记", "refused": "未通过", "not": "未处理"},
}
_FIT: dict[Language, str] = {"en": "fit (dry run)", "zh-CN": "校验通过（试运行）"}

_one_at_a_time = Lock()
"""Each of these programs may take hundreds of megabytes."""
PATIENCE_SECONDS = 1.0


def file(engine: Engine, one: Import, folder: Folder, kind: Kind, format_: Format, language: Language) -> Path:
    """The file, made now unless it was before.

    Raises WrongState before the end, NotFound when the file has gone, and Unavailable while others are made: those who
    wait would take the threads in which all else is answered.
    """
    if one.state not in ("finished", "cancelled"):
        raise errors.WrongState("import", state_of(one))
    path = folder.returned(f"{kind}-{language}", format_)
    if path.exists():
        return path
    if not folder.cells.exists():
        raise errors.NotFound()
    with _turn(folder):
        if path.exists():
            return path
        notes = folder.notes(path)
        _write_notes(engine, one, notes, language)
        try:
            sandbox.run("returning", folder, Event(), kind, format_, language)
        except (sandbox.Overtaxed, sandbox.Broken):
            raise errors.Unavailable() from None
        finally:
            notes.unlink(missing_ok=True)
    return path


@contextmanager
def _turn(folder: Folder) -> Iterator[None]:
    """The one turn of this process, and of all processes for this import. Raises Unavailable where it does not come."""
    if not _one_at_a_time.acquire(timeout=PATIENCE_SECONDS):
        raise errors.Unavailable()
    try:
        with folder.return_lock.open("wb") as lock:
            if not durable.try_lock(lock.fileno()):
                raise errors.Unavailable()
            yield
    finally:
        _one_at_a_time.release()


def format_of(one: Import, wanted: Format | None) -> Format:
    """The one that was asked for, else that of the file itself. Only what came as NDJSON goes back as NDJSON."""
    sent: Format = (detail_of(one).found or {}).get("format") or "csv"
    if wanted is not None and (wanted == "ndjson") != (sent == "ndjson"):
        raise errors.Invalid(
            faults=[errors.Fault(code="value_unknown", parameter="format", detail="Is not one of the allowed values.")]
        )
    return wanted or sent


def _write_notes(engine: Engine, one: Import, path: Path, language: Language) -> None:
    """What is to stand in the two columns, a line a row."""
    words, detail = _WORDS[language], detail_of(one)
    accepted = _FIT[language] if detail.dry_run else words["accepted"]
    found = detail.found or {}
    heading = {
        "above": found.get("above", 0),
        "width": 1 if found.get("format") == "ndjson" else len(found.get("columns", ())),
        "columns": RETURNED_HEADERS[language],
    }
    with path.open("w", encoding="utf-8") as notes:
        notes.write(json.dumps(heading, ensure_ascii=False) + "\n")
        written = 0
        for verdict in verdicts.read(engine, one.import_id):
            status = words["refused"] if verdict.faults else accepted
            note = [bool(verdict.faults), status, _reason(verdict.faults, language)]
            notes.write(json.dumps(note, ensure_ascii=False) + "\n")
            written += 1
        for _ in range(one.rows - written):
            notes.write(json.dumps([True, words["not"], ""], ensure_ascii=False) + "\n")


def _reason(faults: tuple[texts.Said, ...], language: Language) -> str:
    shown: list[dict[str, Any]] = [texts.fault(said) for said in faults]
    return "  ".join(f"{one['text'][language]} {one['remedy'][language]}" for one in shown)
