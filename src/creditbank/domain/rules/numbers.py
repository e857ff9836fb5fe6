"""Exact numbers: how text, JSON numbers and fractions become integers or `Fraction`s, and how they are shown.

Integers stay `int`, because sums of them are an order of magnitude cheaper; everything else is a `Fraction`.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Any, Final, TypeAlias

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

Rational: TypeAlias = int | Fraction

GREATEST: Final = 10**15
PLACES: Final = 15
NUMBER_TEXT: Final = r"-?[0-9]{1,15}(\.[0-9]{1,15})?(/[0-9]{1,15})?"
_NUMBER_TEXT = re.compile(NUMBER_TEXT, re.ASCII)


class NotANumber(ValueError):
    """Not a finite number of a size that credits, hours, ranks or grades can have."""


def plain(number: Fraction) -> Rational:
    """The same number, as `int` where it is whole."""
    return number.numerator if number.denominator == 1 else number


def times(one: Rational, other: Rational) -> Rational:
    """The product, as `int` where it is whole: most products of credits are."""
    above, below = one.numerator * other.numerator, one.denominator * other.denominator
    return Fraction(above, below) if above % below else above // below


def over(one: Rational, other: Rational) -> Rational:
    """The quotient, as `int` where it is whole."""
    above, below = one.numerator * other.denominator, one.denominator * other.numerator
    return Fraction(above, below) if above % below else above // below


@lru_cache(maxsize=1024)
def fraction(number: Rational) -> Fraction:
    """The number as a `Fraction`; the small ones that come again and again are made once."""
    return Fraction(number)


def exact(number: int | float | Decimal | Fraction) -> Rational:
    """A JSON number as its decimal text says. Raises NotANumber beyond 10^15 or 15 places, and for NaN and infinity."""
    if isinstance(number, int):
        if -GREATEST <= number <= GREATEST:
            return number
        raise NotANumber("a number here lies between -10^15 and 10^15")
    if isinstance(number, Fraction):
        return plain(number)
    return _from_float(number) if isinstance(number, float) else _from_decimal(number)


@lru_cache(maxsize=4096)
def _from_float(number: float) -> Rational:
    if not math.isfinite(number):
        raise NotANumber("NaN and infinity are not numbers here")
    return _from_decimal(Decimal(repr(number)))


def _from_decimal(number: Decimal) -> Rational:
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise NotANumber("NaN and infinity are not numbers here")
    if number and number.adjusted() > PLACES:
        raise NotANumber("a number here lies between -10^15 and 10^15")
    if exponent < -2 * PLACES:
        raise NotANumber("a number here has at most 30 decimal places")
    return plain(Fraction(number))


def from_text(text: str) -> Rational:
    """`"4"`, `"1.5"` or `"2/3"` as a number. Raises NotANumber for any other text and for a zero below the line."""
    if not _NUMBER_TEXT.fullmatch(text):
        raise NotANumber("a number as text reads like 4, 1.5 or 2/3")
    above, _, below = text.partition("/")
    if below and not int(below):
        raise NotANumber("a fraction cannot have zero below the line")
    return plain(Fraction(above) / int(below or 1))


def shown(number: Rational) -> int | float:
    """The number as people see it: two decimals, half to even."""
    hundredths = round(number * 100)
    whole, rest = divmod(hundredths, 100)
    return hundredths / 100 if rest else whole


def read_number(value: Any) -> Rational:
    """A number of a rulebook: a JSON number, or text such as `"2/3"`."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | Fraction | str):
        raise PydanticCustomError("number", 'must be a number, or a fraction as text such as "2/3".')
    try:
        return from_text(value) if isinstance(value, str) else exact(value)
    except NotANumber as problem:
        raise PydanticCustomError("number", "is not a number: {problem}.", {"problem": str(problem)}) from None


def _read_amount(value: Any) -> Rational:
    number = read_number(value)
    if number < 0:
        raise PydanticCustomError("amount", "must not be negative.")
    return number


def _read_positive(value: Any) -> Rational:
    number = read_number(value)
    if number <= 0:
        raise PydanticCustomError("positive", "must be greater than zero.")
    return number


def _read_share(value: Any) -> Rational:
    number = read_number(value)
    if not 0 <= number <= 1:
        raise PydanticCustomError("share", "must be a share between 0 and 1.")
    return number


def _schema(**bounds: int) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"type": "number", **bounds}, {"type": "string", "pattern": f"^{NUMBER_TEXT}$"}]})


Amount = Annotated[Rational, PlainValidator(_read_amount), _schema(minimum=0)]
Positive = Annotated[Rational, PlainValidator(_read_positive), _schema(exclusiveMinimum=0)]
Share = Annotated[Rational, PlainValidator(_read_share), _schema(minimum=0, maximum=1)]
