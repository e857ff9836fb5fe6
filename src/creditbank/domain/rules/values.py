"""What a source says an outcome is worth. A kind of value is one class and one line in `Value`."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag

from creditbank.domain.rules.clause import Clause, FieldName
from creditbank.domain.rules.faults import TAG
from creditbank.domain.rules.numbers import Amount, Positive, Rational, over, times
from creditbank.domain.rules.situation import COURSE, OUTCOME, Opaque, Thing, Truth, View


class TargetCredits(Clause):
    """The target course's credits, whole course or nothing."""

    target: Literal[True]

    def amount(self, view: View) -> Rational | None:
        return view[COURSE].amount("credits")


class Carry(Clause):
    """The outcome's own credits."""

    carry: Literal[True]

    def amount(self, view: View) -> Rational | None:
        return view[OUTCOME].amount("credits")


class Fixed(Clause):
    """The same number for every outcome."""

    fixed: Amount

    def amount(self, _: View) -> Rational | None:
        return self.fixed


class Table(Clause):
    """Looked up by one of the outcome's fields, as text."""

    table: dict[str, Amount]
    by: FieldName

    def amount(self, view: View) -> Rational | None:
        return self.table.get(_as_text(view[OUTCOME], self.by.removeprefix("o.")))


class Ratio(Clause):
    """The outcome's credits, converted from its unit: `[2, 3]` makes two of three."""

    ratio: tuple[Positive, Positive]

    @property
    def factor(self) -> Rational:
        return over(self.ratio[0], self.ratio[1])

    def amount(self, view: View) -> Rational | None:
        credits = view[OUTCOME].amount("credits")
        return None if credits is None else times(credits, self.factor)


class Hours(Clause):
    """The outcome's hours, so many to a credit."""

    hours_per_credit: Positive

    def amount(self, view: View) -> Rational | None:
        hours = view[OUTCOME].amount("hours")
        return None if hours is None else over(hours, self.hours_per_credit)


def _as_text(outcome: Thing, name: str) -> str:
    value = outcome.get(name)
    match value:
        case None | Opaque():
            return ""
        case Truth():
            return "true" if value.value else "false"
        case Fraction():
            return repr(float(value))
    return str(value)


_KINDS = ("target", "carry", "fixed", "table", "ratio", "hours_per_credit")


def _kind(value: Any) -> str | None:
    found = [kind for kind in _KINDS if kind in value] if isinstance(value, Mapping) else []
    return TAG + found[0] if len(found) == 1 else None


_WRONG = "must be an object with exactly one of target, carry, fixed, table, ratio and hours_per_credit."

Value = Annotated[
    Annotated[TargetCredits, Tag(TAG + "target")]
    | Annotated[Carry, Tag(TAG + "carry")]
    | Annotated[Fixed, Tag(TAG + "fixed")]
    | Annotated[Table, Tag(TAG + "table")]
    | Annotated[Ratio, Tag(TAG + "ratio")]
    | Annotated[Hours, Tag(TAG + "hours_per_credit")],
    Discriminator(_kind, custom_error_type="value_kind", custom_error_message=_WRONG),
]
