"""`caps`: ceilings, taken in their order for each request. A refused request leaves no trace in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import StrictBool, StringConstraints

from creditbank.domain.rules import calendars as periods
from creditbank.domain.rules.calendars import Calendar
from creditbank.domain.rules.clause import MISSING_INPUT, Clause, Line, Objection, Reason, Step, Text
from creditbank.domain.rules.comparison import measured
from creditbank.domain.rules.decision import CapState
from creditbank.domain.rules.limits import Limit
from creditbank.domain.rules.numbers import Rational
from creditbank.domain.rules.selector import EVERYTHING, Match, path_of
from creditbank.domain.rules.situation import Entry, Opaque, Scalar, Situation

Per = Annotated[str, StringConstraints(strict=True, pattern=r"^\S{1,200}$")]
Key: TypeAlias = tuple[Scalar, ...]
Counted: TypeAlias = Line | Entry
Dimension: TypeAlias = Callable[[Counted], Scalar | Opaque | None]


class Cap(Clause):
    """At most so many credits or requests, per combination of the named things."""

    id: Text
    match: Match = EVERYTHING
    measure: Literal["credits", "count"]
    limit: Limit
    per: tuple[Per, ...] = ()
    over: Literal["drop", "truncate"]
    inclusive: StrictBool = True
    reason: Reason

    def allows(self, after: Rational, limit: Rational) -> bool:
        return after < limit or (self.inclusive and after == limit)

    def cut_to(self, line: Line, left: Rational) -> Rational | None:
        """What a line may keep, None where it cannot be cut: whole courses never are."""
        divisible = self.over == "truncate" and self.measure == "credits" and line.target is None and self.inclusive
        return left if divisible and left > 0 else None


def dimension(name: str, calendars: Mapping[str, Calendar]) -> Dimension:
    """How one word of `per` is read from a request or an entry. Raises PydanticCustomError for an unknown word."""
    if name == "outcome":
        return lambda counted: counted.outcomes[0] if counted.outcomes else None
    if name == periods.CALENDAR_YEAR:
        return lambda counted: periods.calendar_year(counted.view, is_entry=isinstance(counted, Entry))
    if name in set(periods.names(calendars)):
        return lambda counted: periods.period(name, calendars, counted.view)
    scope, field = path_of(name)
    return lambda counted: counted.view[scope].get(field)


def dimensions(caps: Sequence[Cap], calendars: Mapping[str, Calendar]) -> tuple[tuple[Dimension, ...], ...]:
    """For every cap, how the parts of its `per` are read."""
    return tuple(tuple(dimension(name, calendars) for name in cap.per) for cap in caps)


@dataclass(slots=True)
class Counter:
    before: Rational
    now: Rational
    limit: Rational


class Ceiling:
    """One cap with its counters in one call."""

    def __init__(self, number: int, cap: Cap, dimensions: Sequence[Dimension], situation: Situation) -> None:
        self.cap = cap
        self.clause = f"/caps/{number}"
        self._dimensions = dimensions
        self._past = self._count_history(situation.history)
        self.counters: dict[Key, Counter] = {}

    def _count_history(self, history: Sequence[Entry]) -> dict[Key, Rational]:
        past: dict[Key, Rational] = {}
        for entry in history:
            key = self.key(entry)
            if key is None or not self.cap.match.matches(entry.view):
                continue
            added = 1 if self.cap.measure == "count" else entry.fields.number("credits") or 0
            past[key] = past.get(key, 0) + added
        return past

    def key(self, counted: Counted) -> Key | None:
        """The combination that is counted together, None where a part of it is missing."""
        key: list[Scalar] = []
        for read in self._dimensions:
            part = read(counted)
            if part is None or isinstance(part, Opaque):
                return None
            key.append(part)
        return tuple(key)

    def counter(self, key: Key, limit: Rational) -> Counter:
        counter = self.counters.get(key)
        if counter is None:
            past = self._past.get(key, 0)
            counter = self.counters[key] = Counter(past, past, limit)
        counter.limit = limit
        return counter

    def count_elsewhere(self, line: Line) -> None:
        """Count a grant that another version of the rules made, as if it stood in the history."""
        if not self.cap.match.matches(line.view):
            return
        key, limit = self.key(line), self.cap.limit.value(line.view)
        if key is not None and limit is not None:
            self.counter(key, limit).now += 1 if self.cap.measure == "count" else line.amount

    def states(self) -> Iterator[CapState]:
        for key, counter in self.counters.items():
            shown = tuple(measured(part) for part in key)
            yield CapState(self.cap.id, shown, counter.limit, counter.before, counter.now)


class Ceilings:
    """All caps of one version of the rules in one call."""

    def __init__(self, caps: Sequence[Cap], dimensions: Sequence[Sequence[Dimension]], situation: Situation) -> None:
        pairs = zip(caps, dimensions, strict=True)
        self.ceilings = [Ceiling(number, cap, read, situation) for number, (cap, read) in enumerate(pairs)]

    def objection(self, line: Line, last: Step | None = None) -> Objection | None:
        """Why the line is over a ceiling; else the line is cut to what is left, and counted if `last` lets it pass."""
        amount, cut_by = line.amount, line.reduced_by
        moves: list[tuple[Cap, Counter]] = []
        for ceiling in self.ceilings:
            cap = ceiling.cap
            if not cap.match.matches(line.view):
                continue
            limit, key = cap.limit.value(line.view), ceiling.key(line)
            if limit is None or key is None:
                return Objection(MISSING_INPUT, ceiling.clause)
            counter = ceiling.counter(key, limit)
            after = counter.now + (1 if cap.measure == "count" else amount)
            if not cap.allows(after, limit):
                kept = cap.cut_to(line, limit - counter.now)
                if kept is None:
                    return Objection(cap.reason, ceiling.clause, after, limit)
                amount, cut_by = kept, cap.id
            moves.append((cap, counter))
        line.amount, line.reduced_by = amount, cut_by
        if last is not None and (refused := last(line)):
            return refused
        for cap, counter in moves:
            counter.now += 1 if cap.measure == "count" else amount
        return None

    def count_elsewhere(self, line: Line) -> None:
        """Count a grant that another version of the rules made."""
        for ceiling in self.ceilings:
            ceiling.count_elsewhere(line)
