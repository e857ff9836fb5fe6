"""`consume`: what a recorded grant takes from the outcome's own credits."""

from __future__ import annotations

from typing import Literal

from pydantic import StrictBool

from creditbank.domain.rules.clause import Clause, Line, Text
from creditbank.domain.rules.numbers import Rational, over
from creditbank.domain.rules.situation import OUTCOME
from creditbank.domain.rules.values import Ratio, Value

Taken = tuple[tuple[str, Rational], ...]


class Consume(Clause):
    """Nothing, as many as were granted in the outcome's unit, or the whole outcome."""

    amount: Literal["none", "granted", "all"] = "granted"
    purpose: Text | None = None
    returnable: StrictBool = False

    def purpose_of(self, line: Line) -> str:
        """The rulebook's word for the use, else the request's, else whether there is a target course."""
        stated = self.purpose or line.request.text("purpose")
        return stated or ("conversion" if line.target is None else "exemption")

    def taken(self, line: Line, value: Value) -> Taken:
        """What each joined outcome gives. Outcomes are used up in their order; what is over falls to the first."""
        if self.amount == "none":
            return ()
        wanted = over(line.amount, value.factor) if isinstance(value, Ratio) else line.amount
        if self.amount == "granted" and len(line.outcomes) == 1:
            return ((line.outcomes[0], wanted),)
        own = [view[OUTCOME].amount("credits") for view in line.views]
        if self.amount == "all":
            return tuple(zip(line.outcomes, [wanted if credits is None else credits for credits in own], strict=True))
        parts: list[Rational] = []
        for credits in own:
            part = wanted if credits is None else min(wanted, credits)
            parts.append(part)
            wanted -= part
        parts[0] += wanted
        return tuple((name, part) for name, part in zip(line.outcomes, parts, strict=True) if part)
