"""What changes from one rulebook to another, clause by clause, with the place of each clause."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from creditbank.domain.rules.situation import escaped

BY_NAME = ("award", "calendars")
"""Keys whose values stand under names of the rulebook's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseChange:
    """A clause that was added, removed or changed. Pointers lead into `rules`: in the former, and in the latter."""

    kind: Literal["added", "removed", "changed"]
    pointer_before: str | None
    pointer_after: str | None
    before: Any = None
    after: Any = None


def changes(before: Mapping[str, Any], after: Mapping[str, Any], at: str = "", to: str = "") -> Iterator[ClauseChange]:
    """The changes between the `rules` of two rulebooks without faults, in the order of their keys.

    Order matters within a list of clauses, so a clause that moved is removed and added. Those that have an
    `id` are known by it, whatever else changes in them. `at` and `to` are where the two stand.
    """
    for name in dict.fromkeys([*before, *after]):
        here, there = f"{at}/{escaped(name)}", f"{to}/{escaped(name)}"
        if name in BY_NAME:
            yield from _by_name(before.get(name, {}), after.get(name, {}), here, there)
        elif isinstance(before.get(name, after.get(name)), list):
            yield from _lists(before.get(name, []), after.get(name, []), here, there)
        else:
            yield from _values(before.get(name), after.get(name), here, there)


def _by_name(before: Mapping[str, Any], after: Mapping[str, Any], at: str, to: str) -> Iterator[ClauseChange]:
    for name in dict.fromkeys([*before, *after]):
        here, there = f"{at}/{escaped(name)}", f"{to}/{escaped(name)}"
        yield from _values(before.get(name), after.get(name), here, there)


def _lists(before: Sequence[Any], after: Sequence[Any], at: str, to: str) -> Iterator[ClauseChange]:
    matcher = SequenceMatcher(None, [_key(one) for one in before], [_key(one) for one in after], autojunk=False)
    for word, first, last, start, stop in matcher.get_opcodes():
        # Without ids, clauses that stand in each other's place are taken for the same one, changed.
        same = word == "equal" or not any("id" in one for one in [*before[first:last], *after[start:stop]])
        together = min(last - first, stop - start) if same else 0
        for step in range(together):
            here, there = f"{at}/{first + step}", f"{to}/{start + step}"
            yield from _clauses(before[first + step], after[start + step], here, there)
        for number in range(first + together, last):
            yield from _values(before[number], None, f"{at}/{number}", to)
        for number in range(start + together, stop):
            yield from _values(None, after[number], at, f"{to}/{number}")


def _clauses(before: Mapping[str, Any], after: Mapping[str, Any], at: str, to: str) -> Iterator[ClauseChange]:
    if "rules" not in before or "rules" not in after:
        yield from _values(before, after, at, to)
        return
    own = [{name: value for name, value in version.items() if name != "rules"} for version in (before, after)]
    yield from _values(own[0], own[1], at, to)
    yield from changes(before["rules"], after["rules"], f"{at}/rules", f"{to}/rules")


def _values(before: Any, after: Any, at: str, to: str) -> Iterator[ClauseChange]:
    """What is None is not there: no clause is null."""
    if _canonical(before) == _canonical(after):
        return
    yield ClauseChange(
        kind="added" if before is None else "removed" if after is None else "changed",
        pointer_before=None if before is None else at,
        pointer_after=None if after is None else to,
        before=before,
        after=after,
    )


def _key(clause: Mapping[str, Any]) -> str:
    return str(clause["id"]) if "id" in clause else _canonical(clause)


def _canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
