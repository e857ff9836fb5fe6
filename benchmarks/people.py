"""Synthetic learners and certificates: valid in form, of an area code that nobody has, the same in every run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

AREA = "990000"  # not an administrative division, so no number here belongs to anybody
STANDARD = "BIM"
LEVEL = "中级"
CREDITS = "6"
ISSUER = "BIM-EVAL"
ISSUED_ON = "2026-07-01"

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"
_FIRST_BIRTHDAY = date(1960, 1, 1)
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平"


def identity_number(index: int) -> str:
    """The resident identity number of learner `index` (GB 11643): area, birthday, serial number, check character."""
    days, serial = divmod(index, 1000)
    birthday = _FIRST_BIRTHDAY + timedelta(days=days)
    body = f"{AREA}{birthday:%Y%m%d}{serial:03d}"
    weighted = sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True))
    return body + _CHECK_CHARACTERS[weighted % 11]


def holder(index: int) -> dict[str, Any]:
    surname, given = divmod(index, len(_GIVEN))
    name = _SURNAMES[surname % len(_SURNAMES)] + _GIVEN[given]
    return {"name": name, "document": {"type": "CN-RIC", "number": identity_number(index)}, "birth_date": None}


def certificate_number(index: int) -> str:
    return f"{STANDARD}2026{index:08d}"


def award(index: int, learner: int | None = None) -> dict[str, Any]:
    """The award of certificate `index` to the learner of that index or another one, as POST /v1/certificates has it."""
    return {
        "issuer": ISSUER,
        "number": certificate_number(index),
        "standard": STANDARD,
        "level": LEVEL,
        "issued_on": ISSUED_ON,
        "expires_on": None,
        "holder": holder(index if learner is None else learner),
    }


def awards(first: int, count: int) -> Iterator[dict[str, Any]]:
    return (award(index) for index in range(first, first + count))
