"""`award`: whether the credits that somebody holds are enough for a qualification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from creditbank.domain.rules.clause import Clause, Text
from creditbank.domain.rules.numbers import Amount, Rational, shown, times
from creditbank.domain.rules.selector import EVERYTHING, BareMatch
from creditbank.domain.rules.situation import Thing


class AwardCheck(Clause):
    """At least so many of the held credits match. A held entry counts for every check that it matches."""

    id: Text
    match: BareMatch = EVERYTHING
    min: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A check that fails: what is there and what it takes."""

    check: str
    have: Fraction
    need: Fraction


@dataclass(frozen=True, slots=True)
class AwardDecision:
    """Whether the qualification can be awarded, and what it lacks in the order of the rulebook."""

    missing: tuple[Missing, ...]

    @property
    def awardable(self) -> bool:
        return not self.missing

    def as_dict(self) -> dict[str, Any]:
        missing = [{"check": lack.check, "have": shown(lack.have), "need": shown(lack.need)} for lack in self.missing]
        return {"awardable": self.awardable, "missing": missing}


def decide(checks: Sequence[AwardCheck], held: Sequence[tuple[Thing, Rational]]) -> AwardDecision:
    """Add up, for every check, the credits of the entries that match it."""
    missing = []
    for check in checks:
        have = sum((credits for entry, credits in held if check.match.matches((entry,))), start=Fraction(0))
        if have < check.min:
            missing.append(Missing(check=check.id, have=Fraction(have), need=Fraction(check.min)))
    return AwardDecision(tuple(missing))


def credit_points(years: Sequence[Mapping[str, Rational]]) -> dict[str, Any]:
    """Credits times level for every year, their total, and the credits: a second unit beside credits."""
    points = [times(year["credits"], year["level"]) for year in years]
    credits = sum(year["credits"] for year in years)
    return {"credit_points": [shown(point) for point in points], "total": shown(sum(points)), "credits": shown(credits)}
