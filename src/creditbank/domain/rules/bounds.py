"""How large a rulebook may be, tested before anything reads it: hostile documents are refused cheaply."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from creditbank.domain.rules.faults import Fault, pointer_to
from creditbank.domain.rules.numbers import NotANumber, exact

MOST_SOURCES: Final = 20_000
MOST_CLAUSES: Final = 1_000
MOST_KEYS: Final = 20_000
DEEPEST: Final = 32
LARGEST: Final = 4 * 1024 * 1024
MOST_FAULTS: Final = 100

_SURROGATE = re.compile("[\ud800-\udfff]")
_LISTS: Final = ("exclude", "require", "validity", "once", "caps", "window", "workflow")


def out_of_bounds(document: Any) -> list[Fault]:
    """What makes a document too deep, too long or no JSON. Takes time linear in 4 MB whatever it is given."""
    faults = list(_too_many(document))
    if faults:
        return faults
    size = 0
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), document)]
    while waiting and len(faults) < MOST_FAULTS:
        steps, value = waiting.pop()
        size += _size(value)
        if size > LARGEST:
            return [Fault("", "is larger than 4 MB.")]
        problem = "is nested more than 32 levels deep." if len(steps) > DEEPEST else _problem(value)
        if problem:
            faults.append(Fault(pointer_to(steps), problem))
        elif isinstance(value, Mapping):
            waiting.extend(((*steps, name), member) for name, member in value.items())
        elif isinstance(value, list):
            waiting.extend(((*steps, number), member) for number, member in enumerate(value))
    return sorted(faults, key=lambda fault: fault.pointer)


def _size(value: Any) -> int:
    """About the length of a value as JSON text, without its members."""
    if isinstance(value, str):
        return len(value.encode(errors="replace")) if len(value) < LARGEST else len(value)
    if isinstance(value, list):
        return 2 * len(value)
    if isinstance(value, Mapping):
        return sum(len(name) + 4 for name in value if isinstance(name, str))
    return 0


def _problem(value: Any) -> str | None:
    match value:
        case None | bool() | list():
            return None
        case str():
            return None if _can_be_written(value) else "holds half a sign, which cannot be written."
        case Mapping() if len(value) > MOST_KEYS:
            return f"has more than {MOST_KEYS} keys."
        case Mapping():
            keys = all(isinstance(name, str) and _can_be_written(name) for name in value)
            return None if keys else "has a key that is not text."
        case int() | Decimal():
            return _number_problem(value)
        case float():
            return _number_problem(value) if math.isfinite(value) else "is not a finite number."
    return "is not JSON."


def _can_be_written(text: str) -> bool:
    """JSON can escape half of a surrogate pair, which no encoding can write."""
    return text.isascii() or not _SURROGATE.search(text)


def _number_problem(number: int | float | Decimal) -> str | None:
    try:
        exact(number)
    except NotANumber as problem:
        return f"is not a number that can be used: {problem}."
    return None


def _too_many(document: Any) -> Iterator[Fault]:
    for steps, rules in _rule_sets(document):
        for name in ("sources", *_LISTS):
            most = MOST_SOURCES if name == "sources" else MOST_CLAUSES
            clauses = rules.get(name)
            if isinstance(clauses, list) and len(clauses) > most:
                yield Fault(pointer_to([*steps, name]), f"has {len(clauses)} entries; at most {most} are allowed.")
        award = rules.get("award")
        checks = (
            sum(len(checks) for checks in award.values() if isinstance(checks, list))
            if isinstance(award, Mapping)
            else 0
        )
        if checks > MOST_CLAUSES:
            yield Fault(pointer_to([*steps, "award"]), f"has more than {MOST_CLAUSES} checks.")


def _rule_sets(document: Any) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    if not isinstance(document, Mapping):
        return
    steps: tuple[str | int, ...] = ()
    if isinstance(document.get("rules"), Mapping):
        steps, document = ("rules",), document["rules"]
    yield steps, document
    versions = document.get("versions")
    for number, version in enumerate(versions if isinstance(versions, list) else []):
        if isinstance(version, Mapping) and isinstance(version.get("rules"), Mapping):
            yield (*steps, "versions", number, "rules"), version["rules"]
