"""How an import and the verdicts of its rows are shown."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from creditbank.domain.instants import instant_text
from creditbank.imports import texts
from creditbank.imports.verdicts import Verdict
from creditbank.ledger.imports import Import

MICROSECONDS = 1_000_000


def state_of(one: Import) -> str:
    """`reading` and `importing` are the two parts of running."""
    if one.state != "running":
        return one.state
    return "reading" if one.resume_at is None else "importing"


def imported(one: Import, now: int | None = None) -> dict[str, Any]:
    """An import as it stands; with `now`, how fast it goes and how long it will take."""
    detail = from_json(one.detail)
    found = detail["found"] or {}
    problem = found.get("problem")
    return {
        "import_id": str(one.import_id),
        "organisation": one.organisation,
        "state": state_of(one),
        "dry_run": detail["dry_run"],
        "mode": detail["mode"],
        "file": {
            "name": detail["name"],
            "sha256": one.sha256.hex(),
            "bytes": detail["bytes"],
            "format": found.get("format"),
            "encoding": found.get("encoding"),
            "sheet": found.get("sheet"),
            "header_row": found.get("header_row"),
        },
        "rows": one.rows if found else None,
        "done": one.done,
        "accepted": one.accepted,
        "refused": one.refused,
        **_pace(one, now),
        "created_at": instant_text(one.created_at),
        "finished_at": None if one.finished_at is None else instant_text(one.finished_at),
        "problem": None if problem is None else texts.refusal(problem["code"], problem["facts"]),
    }


def _pace(one: Import, now: int | None) -> dict[str, Any]:
    end = one.finished_at or now
    if one.started_at is None or end is None or end <= one.started_at or not one.done:
        return {"rows_per_second": None, "seconds_left": None}
    rate = one.done * MICROSECONDS / (end - one.started_at)
    left = round((one.rows - one.done) / rate) if one.finished_at is None else 0
    return {"rows_per_second": round(rate), "seconds_left": left}


def verdict(one: Verdict) -> dict[str, Any]:
    """What became of a row; `row` is its number in the file."""
    return {
        "row": one.row,
        "verdict": "refused" if one.faults else "accepted",
        "certificate_id": None if one.certificate_id is None else str(one.certificate_id),
        "account_id": None if one.account_id is None else str(one.account_id),
        "errors": [texts.fault(said) for said in one.faults],
    }
