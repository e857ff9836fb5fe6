"""The tests that a field can be put to: equality, bounds, dates, absence. Types never mix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import Final, TypeAlias

from creditbank.domain.rules.clause import Measured
from creditbank.domain.rules.dates import day
from creditbank.domain.rules.numbers import NotANumber, Rational, from_text
from creditbank.domain.rules.situation import Opaque, Scalar, Truth

Value: TypeAlias = Scalar | Opaque | None


class AnyOf:
    """The field is one of these. A missing field is none of them."""

    __slots__ = ("values",)

    def __init__(self, values: Iterable[Scalar]) -> None:
        self.values = frozenset(values)

    def holds(self, value: Value) -> bool:
        return value in self.values

    @property
    def wanted(self) -> Measured:
        shown = sorted((value.value if isinstance(value, Truth) else value for value in self.values), key=str)
        return shown[0] if len(shown) == 1 else tuple(shown)


class Absent:
    """The field is missing or null (or, turned round, is there)."""

    __slots__ = ("absent",)
    wanted: Measured = None

    def __init__(self, absent: bool) -> None:
        self.absent = absent

    def holds(self, value: Value) -> bool:
        return (value is None) is self.absent


class NotIn:
    """The field is there, and none of these."""

    __slots__ = ("values",)
    wanted: Measured = None

    def __init__(self, values: Iterable[Scalar]) -> None:
        self.values = frozenset(values)

    def holds(self, value: Value) -> bool:
        return value is not None and value not in self.values


class Compared:
    """The field is a number on the right side of a bound."""

    __slots__ = ("bound", "compare", "operator")

    def __init__(self, operator: str, bound: Rational) -> None:
        self.operator = operator
        self.bound = bound
        self.compare = COMPARISONS[operator]

    def holds(self, value: Value) -> bool:
        if isinstance(value, str) and "/" in value:
            try:
                value = from_text(value)
            except NotANumber:
                return False
        return isinstance(value, int | Fraction) and self.compare(value, self.bound)

    @property
    def wanted(self) -> Measured:
        return self.bound


class Dated:
    """The field is a date from a day on, or before it."""

    __slots__ = ("before", "bound")

    def __init__(self, before: bool, bound: date) -> None:
        self.before = before
        self.bound = bound

    def holds(self, value: Value) -> bool:
        found = day(value) if isinstance(value, str) else None
        return found is not None and (found < self.bound) is self.before

    @property
    def wanted(self) -> Measured:
        return self.bound.isoformat()


Test: TypeAlias = AnyOf | Absent | NotIn | Compared | Dated
COMPARISONS: Final[Mapping[str, Callable[[Rational, Rational], bool]]] = {
    "ge": lambda value, bound: value >= bound,
    "gt": lambda value, bound: value > bound,
    "le": lambda value, bound: value <= bound,
    "lt": lambda value, bound: value < bound,
}


def measured(value: Value) -> Rational | str | bool | None:
    """A compared value as decisions show it."""
    if isinstance(value, Truth):
        return value.value
    return None if isinstance(value, Opaque) else value
