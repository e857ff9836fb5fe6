"""`pool_round`: credit without a target course is added up first and rounded down after."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal, Self

from pydantic import model_validator

from creditbank.domain.rules.clause import MISSING_INPUT, Clause, Line, Objection, Text, inner_faults
from creditbank.domain.rules.numbers import Positive, Rational, plain
from creditbank.domain.rules.selector import PathText

ROUNDED_TO_ZERO = "ROUNDED_TO_ZERO"
CLAUSE = "/pool_round"


class PoolRound(Clause):
    """Rounds the sum of the requests without a target down to a multiple of the quantum."""

    quantum_field: PathText | None = None
    quantum: Positive | None = None
    mode: Literal["down"]
    scope: Text | None = None

    @model_validator(mode="after")
    def _one_quantum(self) -> Self:
        both_or_none = (self.quantum_field is None) is (self.quantum is None)
        inner_faults([((), "must have either `quantum_field` or `quantum`.")] if both_or_none else [])
        return self

    def settle(self, lines: Sequence[Line]) -> None:
        """Cut what is above the multiple, from the last lines first; a line cut to nothing is refused."""
        pool = [line for line in lines if line.target is None]
        if not pool:
            return
        quantum = self._quantum(pool[0])
        if quantum is None or quantum <= 0:
            for line in pool:
                line.objection = Objection(MISSING_INPUT, CLAUSE)
            return
        total = sum((line.amount for line in pool), start=Fraction(0))
        above = total % quantum
        for line in reversed(pool):
            cut = min(above, line.amount)
            if cut:
                above -= cut
                line.amount = plain(Fraction(line.amount - cut))
                line.reduced_by = "pool_round"
                if not line.amount:
                    line.objection = Objection(ROUNDED_TO_ZERO, CLAUSE, plain(Fraction(total)), quantum)

    def _quantum(self, line: Line) -> Rational | None:
        if self.quantum_field is None:
            return self.quantum
        scope, name = self.quantum_field
        return line.view[scope].number(name)
