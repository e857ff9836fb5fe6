"""The shape of every read for every role: the names of its fields, as they were looked at and found right.

`python -m tests.api.routes.access.shapes` writes `shapes.json` anew; what it changes there is to be read line by line.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.api.bank import Caller, ready_bank
from tests.api.routes.access.calls import CALLS, Call
from tests.api.routes.access.test_matrix import ASKED, EXPECTED
from tests.api.routes.access.world import Case, World, made
from tests.database import migrate

PUBLISHED = Path(__file__).with_name("shapes.json")
OPEN = {"asked", "data", "evidence", "fields", "rules", "score"}
"""Objects whose names are the caller's own, or those of an event."""

PRESENT = (
    "exemption_id",
    "conversion_id",
    "reservation_id",
    "consent_id",
    "share_id",
    "request_id",
    "held_id",
    "key_id",
    "client_id",
    "member_id",
)
"""What has to be there, so that no list is empty."""

Shapes = dict[str, dict[str, str]]
"""Of a route the fields for each group of roles that sees the same ones."""


def shapes(world: World) -> Shapes:
    """What every read answers about an account in which there is something of everything."""
    case = Case(side=world.own)
    for name in PRESENT:
        assert getattr(case, name)
    for role in ("authority", "issuer", "institution"):
        assert case.approval_id(role)
    authority = world.bank.authority
    made(authority.post(f"/v1/accounts/{case.account_id}/correction", _CORRECTION))
    made(authority.post(f"/v1/organisations/{case.organisation}/retention", _RETENTION))
    return {route: _grouped(route, world, case) for route in ASKED if route.startswith("GET ")}


_CORRECTION = {"holder": {"name": "李华"}, "cause": "change", "reason": "x"}
_RETENTION = {"kind": "certificate", "years": 1, "basis": "x"}


def _grouped(route: str, world: World, case: Case) -> dict[str, str]:
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for role in EXPECTED[ASKED[route]]:
        caller = case.learner if role == "learner" else world.caller(role)
        answer = _looked_at(route, CALLS[route](case, world.own, role), caller)
        groups[tuple(sorted(set(_fields(answer))))].append(role)
    return {" ".join(roles): " ".join(fields) for fields, roles in groups.items()}


def _looked_at(route: str, call: Call, caller: Caller) -> dict[str, Any]:
    """An answer; of the feed, which is that of the whole bank, the first page on which there is something to see.

    What is answered as a file or a text of a form of its own has no fields.
    """
    first = call.by(caller, route)
    if not first.headers.get("Content-Type", "").startswith("application/json"):
        assert first.is_success, (route, first.text)
        return {}
    answer, cursor = made(first), None
    while answer.get("items") == [] and answer["next_cursor"] not in (None, cursor):
        cursor = answer["next_cursor"]
        answer = made(replace(call, query={"cursor": cursor, "limit": "1000"}).by(caller, route))
    return answer


def _fields(value: Any, place: str = "") -> Iterator[str]:
    match value:
        case dict():
            for name, inner in value.items():
                yield f"{place}{name}"
                if name not in OPEN:
                    yield from _fields(inner, f"{place}{name}.")
        case list():
            for inner in value:
                yield from _fields(inner, place)
        case _:
            pass


def main() -> None:
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bank.db"
        migrate(url)
        with ready_bank(url, Path(folder)) as bank:
            found = shapes(World(bank=bank, prefix="SHAPE"))
    PUBLISHED.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
