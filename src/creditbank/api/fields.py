"""The types of fields that requests share. Each refuses with a code of its own and never repeats the value."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from creditbank.api.messages import FAULTS
from creditbank.domain.values import CREDITS_PATTERN, credits_from_text

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)


def _fault(code: str) -> PydanticCustomError:
    return PydanticCustomError(code, FAULTS[code].en)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _fault("wrong_type")
    return value


def _credits(value: Any) -> int:
    text = _text(value)
    try:
        return credits_from_text(text)
    except ValueError:
        raise _fault("credits_invalid") from None


def _civil_date(value: Any) -> date:
    text = _text(value)
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise _fault("date_invalid")


def _instant(value: Any) -> datetime:
    text = _text(value)
    try:
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _fault("instant_invalid")


Text = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1F\x7F-\x9F\u2028\u2029]*$"
    ),
]
"""One line of 1 to 200 characters without control characters. Outer blanks are dropped, nothing else is changed."""

Reason = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=1000, pattern=r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$"
    ),
]
"""1 to 1000 characters, on several lines if need be."""

CODE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
Code = Annotated[str, StringConstraints(max_length=64, pattern=CODE_PATTERN)]
"""Code of an organisation, standard, programme, course or rulebook: fit for one step of a path."""

CreditsText = Annotated[
    int,
    BeforeValidator(_credits),
    WithJsonSchema({"type": "string", "format": "decimal", "pattern": CREDITS_PATTERN, "examples": ["1.5"]}),
]
"""Decimal text on the outside, ten-thousandths of a credit inside."""

CivilDate = Annotated[date, BeforeValidator(_civil_date), WithJsonSchema({"type": "string", "format": "date"})]
"""A day written YYYY-MM-DD and in no other way."""

Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
"""An RFC 3339 instant with its zone, as UTC."""

Uuid = Annotated[UUID, Field(strict=False)]
"""A UUID as text, which strict models would take as an object only."""
