"""Invented learners: the same number always gives the same person, and no two numbers the same identity card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any, Final, Literal

from creditbank.demo.sources import source

Group = Literal["student", "rural", "unemployed"]
"""Whom the province trains: students at its schools, people from the countryside, people who look for work."""

MOST: Final = 1_000_000
"""As many people as the province set out to train; the numbers of more would not all be distinct."""

AREA: Final = "990000"
"""An area code that no place has: these identity numbers pass every check and belong to nobody."""

_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_STUDENTS_BORN: Final = (date(2003, 1, 1), 1_826)
_OTHERS_BORN: Final = (date(1970, 1, 1), 10_957)
_STRIDE: Final = 617
"""Shares no factor with the days of either span, so that birthdays spread before they repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """A person with a valid identity number that nobody has."""

    name: str
    identity_number: str
    group: Group

    def holder(self) -> dict[str, Any]:
        """As the bank's requests name a person."""
        return {"name": self.name, "document": self.document()}

    def document(self) -> dict[str, str]:
        return {"type": "CN-RIC", "number": self.identity_number}


def learner(number: int) -> Learner:
    """The invented learner with this number, from 0 below MOST."""
    group = group_of(number)
    first, days = _STUDENTS_BORN if group == "student" else _OTHERS_BORN
    born = first + timedelta(days=number * _STRIDE % days)
    return Learner(name=_name(number), identity_number=identity_number(born, number // days), group=group)


def group_of(number: int) -> Group:
    """Six of ten learners are students, two come from the countryside, two look for work."""
    return "student" if number % 10 < 6 else "rural" if number % 10 < 8 else "unemployed"


def member_of_cast(part: Mapping[str, Any]) -> Learner:
    """A person of the story, from the entry in the cast."""
    number = identity_number(date.fromisoformat(part["born"]), part["serial"])
    return Learner(name=part["name"], identity_number=number, group=part["group"])


def identity_number(born: date, serial: int) -> str:
    """An 18-character identity number with its check sign (GB 11643)."""
    body = f"{AREA}{born:%Y%m%d}{serial:03d}"
    total = sum(int(sign) * weight for sign, weight in zip(body, _WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


def _name(number: int) -> str:
    names = source("names")
    dice = Random(number)
    if number % 29 == 7:
        return f"{dice.choice(names['dotted_given'])}·{dice.choice(names['dotted_family'])}"
    given = names["rare_given"] if number % 17 == 3 else names["given"]
    return f"{dice.choice(names['surnames'])}{dice.choice(given)}"
