"""What the validation of a request found, as faults: a place, a stable code, a sentence, and never the value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from creditbank.api.messages import FAULTS
from creditbank.domain.errors import Fault

MOST_FAULTS = 100
"""A longer list helps nobody and lets a small body ask for a large answer."""

LONGEST_POINTER = 1000

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", re.ASCII)

CODES: Mapping[str, str] = {
    "missing": "field_missing",
    "extra_forbidden": "field_unknown",
    "string_pattern_mismatch": "pattern_mismatch",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "too_short": "too_few",
    "too_long": "too_many",
    "greater_than": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "less_than_equal": "out_of_range",
    "multiple_of": "out_of_range",
    "finite_number": "out_of_range",
    "int_parsing_size": "out_of_range",
    "literal_error": "value_unknown",
    "enum": "value_unknown",
    "union_tag_invalid": "value_unknown",
    "union_tag_not_found": "field_missing",
    "uuid_parsing": "uuid_invalid",
    "uuid_type": "wrong_type",
    "int_from_float": "wrong_type",
    "int_parsing": "wrong_type",
    "float_parsing": "wrong_type",
    "bool_parsing": "wrong_type",
    "is_instance_of": "wrong_type",
}


def faults_of(details: Sequence[Mapping[str, Any]], body: Any) -> list[Fault]:
    """Pydantic error details of a request as faults, each place once, at most a hundred.

    `body` is the parsed body; it tells names of fields from names of union members in a location.
    """
    faults: dict[tuple[str | None, str | None, str], Fault] = {}
    for detail in details[: 10 * MOST_FAULTS]:
        fault = _fault(detail, body)
        faults.setdefault((fault.pointer, fault.parameter, fault.code), fault)
        if len(faults) == MOST_FAULTS:
            break
    return list(faults.values())


def faults_of_line(error: ValidationError, line: Any) -> list[Fault]:
    """What the validation of one line of a batch found, as if the line had been sent by itself."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return faults_of([{"type": one["type"], "loc": ("body", *one["loc"])} for one in details], line)


def short_pointer(pointer: str | None) -> str | None:
    """The pointer; a very long one only as far as whole steps fit, for names without end are no help."""
    if pointer is None or len(pointer) <= LONGEST_POINTER:
        return pointer
    return pointer[: LONGEST_POINTER + 1].rpartition("/")[0]


def code_of(error_type: str) -> str:
    """The stable code of a pydantic error type. Codes of our own types pass."""
    if error_type in CODES:
        return CODES[error_type]
    if error_type in FAULTS:
        return error_type
    return "wrong_type" if error_type.endswith("_type") else "value_invalid"


def _fault(detail: Mapping[str, Any], body: Any) -> Fault:
    kind, location = detail["type"], detail["loc"]
    code = code_of(kind)
    if location and location[0] != "body":
        name = str(location[1]) if len(location) > 1 else str(location[0])
        return Fault(code=code, detail=FAULTS[code].en, parameter=name if _PLAIN_NAME.fullmatch(name) else None)
    if location == ("body",) and kind == "missing":
        code = "body_missing"
    return Fault(code=code, detail=FAULTS[code].en, pointer=_pointer(location[1:], body, kind))


def _pointer(location: Sequence[str | int], body: Any, kind: str) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in _steps(location, body, kind))


def _steps(location: Sequence[str | int], body: Any, kind: str) -> Iterator[str | int]:
    """The steps that lead to a place in the body. Odd names may hold personal data: the pointer stops before them."""
    here = body
    for number, step in enumerate(location, start=1):
        if isinstance(here, dict) and isinstance(step, str):
            absent = step not in here
            if absent and not (kind == "missing" and number == len(location)):
                continue  # the name of a union member
            if not _PLAIN_NAME.fullmatch(step):
                return
            yield step
            here = None if absent else here[step]
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            yield step
            here = here[step]
