"""`exclusive`: of several outcomes of one family, the highest rank counts in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, Self

from pydantic import model_validator

from creditbank.domain.rules.clause import Clause, Line, Objection, inner_faults
from creditbank.domain.rules.numbers import Rational, Share, times
from creditbank.domain.rules.situation import OUTCOME, Entry, Opaque, Scalar, Thing
from creditbank.domain.rules.sources import Source
from creditbank.domain.rules.values import TargetCredits

SUPERSEDED = "SUPERSEDED_BY_HIGHER_LEVEL"
CLAUSE = "/exclusive"

Place = tuple[Scalar, Rational, str | None]
"""Where an outcome stands: its family, its rank, its id."""


class Exclusive(Clause):
    """What happens to the others: they are refused, or weighted by a factor."""

    others: Literal["refuse"] | None = None
    factor: Share | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        both_or_none = (self.others is None) is (self.factor is None)
        inner_faults([((), 'must be either {"others": "refuse"} or {"factor": number}.')] if both_or_none else [])
        return self

    def settle(self, line: Line, source: Source, rank: Rational, highest: Rational) -> None:
        """Refuse the line or cut it. What is worth a whole course is never cut: whole course or nothing."""
        whole = isinstance(source.value, TargetCredits) and self.factor != 1
        if self.factor is None or whole:
            line.objection = Objection(SUPERSEDED, CLAUSE, rank, highest)
        elif self.factor != 1:
            line.amount = times(line.amount, self.factor)
            line.reduced_by = "exclusive"


def place_of_line(line: Line, source: Source) -> Place | None:
    """None where the source names no family, or the outcome lacks the family or the rank."""
    if source.family is None or source.rank is None:
        return None
    family, rank = source.family.removeprefix("o."), source.rank.removeprefix("o.")
    return _place(line.view[OUTCOME], family, rank, line.outcomes[0])


def _place(thing: Thing, family: str, rank: str, outcome: str | None) -> Place | None:
    name, number = thing.get(family), thing.number(rank)
    return None if name is None or isinstance(name, Opaque) or number is None else (name, number, outcome)


def winners(history: Iterable[Entry], lines: Sequence[Place]) -> dict[Scalar, tuple[Rational, str | None]]:
    """Of every family the highest rank and its outcome; at equal rank the earlier one, and history comes first."""
    best: dict[Scalar, tuple[Rational, str | None]] = {}
    for family, rank, outcome in [*_places_of(history), *lines]:
        if family not in best or rank > best[family][0]:
            best[family] = (rank, outcome)
    return best


def _places_of(history: Iterable[Entry]) -> Iterator[Place]:
    for entry in history:
        place = _place(entry.fields, "family", "rank", entry.outcomes[0] if entry.outcomes else None)
        if place:
            yield place
