"""Rounds, medians and ratios: how two alternating series of figures become one answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median


class Bound(StrEnum):
    AT_LEAST = "≥"
    AT_MOST = "≤"


@dataclass(frozen=True, slots=True)
class Target:
    """What the median ratio has to reach, and what it would be good to reach."""

    bound: Bound
    ratio: float
    stretch: float

    def __str__(self) -> str:
        return f"{self.bound.value} {self.ratio} ×"

    def reached_by(self, ratio: float) -> bool:
        return self._holds(ratio, self.ratio)

    def stretched_by(self, ratio: float) -> bool:
        return self._holds(ratio, self.stretch)

    def _holds(self, ratio: float, limit: float) -> bool:
        return ratio >= limit if self.bound is Bound.AT_LEAST else ratio <= limit


@dataclass(frozen=True, slots=True)
class Sample:
    """One side's figure in one round, with whatever else was seen on the way (percentiles, processor time)."""

    figure: float
    details: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Round:
    product: Sample
    peer: Sample

    @property
    def ratio(self) -> float:
        return self.product.figure / self.peer.figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All rounds of one comparison; a comparison without a target is told, not judged."""

    benchmark: str
    title: str
    database: str
    unit: str
    peer: str
    target: Target | None
    rounds: tuple[Round, ...]
    setup: Mapping[str, str | int | float] = field(default_factory=dict)

    @property
    def product_figure(self) -> float:
        return median(round_.product.figure for round_ in self.rounds)

    @property
    def peer_figure(self) -> float:
        return median(round_.peer.figure for round_ in self.rounds)

    @property
    def ratios(self) -> tuple[float, ...]:
        return tuple(round_.ratio for round_ in self.rounds)

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios: both sides of a round ran under the same weather."""
        return median(self.ratios)

    @property
    def reached(self) -> bool | None:
        return self.target.reached_by(self.ratio) if self.target else None

    @property
    def stretched(self) -> bool | None:
        return self.target.stretched_by(self.ratio) if self.target else None


def alternate(
    rounds: int,
    *,
    product: Callable[[int], Sample],
    peer: Callable[[int], Sample],
    report: Callable[[int, Round], None],
) -> tuple[Round, ...]:
    """Measure both sides once a round, taking turns in who goes first, so that drift favours neither."""
    measured = []
    for number in range(rounds):
        if number % 2:
            peer_sample = peer(number)
            product_sample = product(number)
        else:
            product_sample = product(number)
            peer_sample = peer(number)
        measured.append(Round(product_sample, peer_sample))
        report(number, measured[-1])
    return tuple(measured)
