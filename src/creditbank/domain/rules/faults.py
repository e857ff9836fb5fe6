"""What is wrong with a rulebook, told so that its author finds the place: a JSON pointer and a plain sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

TAG = "\0"
"""First character of the names of union members, which are no part of a pointer."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that keeps a document from being used."""

    pointer: str
    detail: str


@dataclass(frozen=True, slots=True)
class Caution:
    """One thing that is allowed and probably not meant."""

    pointer: str
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that there is to say about a rulebook. It can be used when there are no faults."""

    faults: tuple[Fault, ...]
    warnings: tuple[Caution, ...]


class InvalidRulebook(ValueError):
    """The rules have faults and cannot be used."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults[:5]))
        self.faults = tuple(faults)


def pointer_to(steps: Sequence[str | int]) -> str:
    """Steps as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def faults_of(error: ValidationError) -> Iterator[Fault]:
    """Each error as a fault; errors that carry faults of their own are opened.

    A list of which entries are at fault counts as too short as well; that is not told.
    """
    errors = [(_steps(details), details) for details in error.errors(include_url=False, include_input=False)]
    parents = {steps[:length] for steps, _ in errors for length in range(len(steps))}
    for steps, details in errors:
        if details["type"] == "too_short" and steps in parents:
            continue
        inner: Sequence[tuple[Sequence[str | int], str]] = details.get("ctx", {}).get("faults", ())
        if details["type"] == "inner_faults":
            yield from (Fault(pointer_to([*steps, *path]), detail) for path, detail in inner)
        else:
            yield Fault(pointer_to(steps), _sentence(details))


def _steps(details: ErrorDetails) -> tuple[str | int, ...]:
    return tuple(step for step in details["loc"] if not str(step).startswith(TAG) and step != "[key]")


_SENTENCES = {
    "extra_forbidden": "is not a key that the format knows.",
    "missing": "is missing.",
    "string_type": "must be text.",
    "bool_type": "must be true or false.",
    "int_type": "must be a whole number.",
    "list_type": "must be a list.",
    "tuple_type": "must be a list.",
    "dict_type": "must be an object.",
    "model_type": "must be an object.",
    "model_attributes_type": "must be an object.",
}


def _sentence(details: ErrorDetails) -> str:
    context: dict[str, Any] = details.get("ctx", {})
    match details["type"]:
        case "literal_error":
            return f"must be {context['expected']}."
        case "string_too_long":
            return f"must have at most {context['max_length']} characters."
        case "string_too_short":
            return "must not be empty."
        case "string_pattern_mismatch":
            return f"must match {context['pattern']}."
        case "too_short":
            return f"must have at least {context['min_length']} entries."
        case "too_long":
            return f"must have at most {context['max_length']} entries."
        case "union_tag_not_found":
            return "must have exactly one of the keys that say what it is."
    return _SENTENCES.get(details["type"]) or details["msg"].rstrip(".") + "."
