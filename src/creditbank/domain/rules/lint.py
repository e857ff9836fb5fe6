"""What a rulebook allows and its author probably does not mean: rules that nothing reaches, gaps, empty ceilings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, product
from math import prod
from typing import Any, Final

from creditbank.domain.rules.caps import Cap
from creditbank.domain.rules.comparison import Absent, AnyOf, Compared, Dated, NotIn, Test
from creditbank.domain.rules.faults import Caution
from creditbank.domain.rules.index import Index
from creditbank.domain.rules.require import Require
from creditbank.domain.rules.rule_set import RuleSet, Versions
from creditbank.domain.rules.selector import Selector
from creditbank.domain.rules.situation import SCOPES, Thing
from creditbank.domain.rules.sources import Source

KNOWN_SCOPE: Final = "sum of all outcomes"
MOST_WITNESSES: Final = 16
MOST_LOOKUPS: Final = 1_000_000
"""Beyond these, selectors are compared as wholes only: the lint never takes more than a few seconds."""


def cautions(rules: RuleSet | Versions) -> Iterator[Caution]:
    """All warnings, with pointers into the rules."""
    if isinstance(rules, RuleSet):
        yield from _in_rule_set(rules, "")
        return
    yield from _gaps(rules)
    for number, version in enumerate(rules.versions):
        yield from _in_rule_set(version.rules, f"/versions/{number}/rules")


def _gaps(rules: Versions) -> Iterator[Caution]:
    ordered = rules.by_day()
    for (_, earlier), (number, later) in pairwise(ordered):
        if earlier.effective_to != later.effective_from:
            detail = f"no version holds from {earlier.effective_to} to the day before {later.effective_from}."
            yield Caution(f"/versions/{number}/effective_from", detail)


def _in_rule_set(rules: RuleSet, place: str) -> Iterator[Caution]:
    if not rules.sources and not rules.award:
        yield Caution(f"{place}/sources", "there are no sources, so nothing is ever granted.")
    yield from _dead_sources(rules.sources, place)
    yield from _excluded_sources(rules, place)
    yield from _contradictory(rules.require, place)
    yield from _odd_caps(rules.caps, place)
    if rules.exclusive and not any(source.family for source in rules.sources):
        yield Caution(f"{place}/exclusive", "no source names a family, so nothing is ever superseded.")
    if rules.pool_round and rules.pool_round.scope not in (None, KNOWN_SCOPE):
        yield Caution(f"{place}/pool_round/scope", f'is read as "{KNOWN_SCOPE}", the only scope there is.')


Condition = tuple[int, str, tuple[Any, ...]]


def _conditions(selector: Selector) -> frozenset[Condition]:
    return frozenset((scope, name, _fingerprint(test)) for scope, name, test in selector.conditions)


def _fingerprint(test: Test) -> tuple[Any, ...]:
    match test:
        case AnyOf() | NotIn():
            return (type(test).__name__, test.values)
        case Absent():
            return ("Absent", test.absent)
        case Compared():
            return (test.operator, test.bound)
        case Dated():
            return ("before" if test.before else "from", test.bound)


def _witnesses(selector: Selector) -> Iterator[tuple[Thing, ...]]:
    """The barest things that the selector's comparisons with given values match, one for each combination."""
    listed = [(scope, name, test.values) for scope, name, test in selector.conditions if isinstance(test, AnyOf)]
    if prod(len(values) for _, _, values in listed) > MOST_WITNESSES:
        return
    for combination in product(*(values for _, _, values in listed)):
        things = tuple(Thing({}, "") for _ in SCOPES)
        for (scope, name, _), value in zip(listed, combination, strict=True):
            things[scope].read[name] = value
        yield things


def _always_before(selectors: Sequence[Selector]) -> Callable[[Selector], int | None]:
    """Says which selector, the first of them, matches whatever a given one matches.

    Clauses that want a field to be absent are left out: the witnesses lack most fields.
    """
    index = Index([_NOTHING if _wants_absence(selector) else selector for selector in selectors])
    affordable = len(index) * len(selectors) <= MOST_LOOKUPS
    same: dict[frozenset[Condition], int] = {}
    for number, selector in enumerate(selectors):
        same.setdefault(_conditions(selector), number)

    def covering(selector: Selector) -> int | None:
        numbers = [index.first(witness) for witness in _witnesses(selector)] if affordable else []
        known = [number for number in numbers if number is not None]
        twin = same.get(_conditions(selector))
        found = [max(known)] if known and len(known) == len(numbers) else []
        return min([*found, *([] if twin is None else [twin])], default=None)

    return covering


def _wants_absence(selector: Selector) -> bool:
    return any(isinstance(test, Absent) for _, _, test in selector.conditions)


_NOTHING: Final = Selector([(0, "", AnyOf([]))])


def _dead_sources(sources: Sequence[Source], place: str) -> Iterator[Caution]:
    covering = _always_before([_NOTHING if source.all_of else source.match for source in sources])
    for number, source in enumerate(sources):
        earlier = covering(source.match)
        if earlier is not None and earlier < number:
            detail = f"is never reached: source {earlier} comes first and matches everything that this one matches."
            yield Caution(f"{place}/sources/{number}", detail)


def _excluded_sources(rules: RuleSet, place: str) -> Iterator[Caution]:
    covering = _always_before([clause.match for clause in rules.exclude])
    for number, source in enumerate(rules.sources):
        hit = covering(source.match)
        if hit is not None:
            detail = f"is never reached: exclusion {hit} refuses all that it matches."
            yield Caution(f"{place}/sources/{number}", detail)


def _contradictory(clauses: Sequence[Require], place: str) -> Iterator[Caution]:
    wanted: dict[tuple[frozenset[Condition], int, str], tuple[int, frozenset[Any]]] = {}
    for number, clause in enumerate(clauses):
        for scope, name, test in clause.match.conditions:
            if not isinstance(test, AnyOf):
                continue
            key = (_conditions(clause.when), scope, name)
            earlier, values = wanted.setdefault(key, (number, test.values))
            if not values & test.values:
                detail = f"contradicts requirement {earlier}: no value of {name} satisfies both, so all is refused."
                yield Caution(f"{place}/require/{number}", detail)


def _odd_caps(caps: Sequence[Cap], place: str) -> Iterator[Caution]:
    twins: dict[tuple[Any, ...], int] = {}
    for number, cap in enumerate(caps):
        if cap.limit.root == 0:
            yield Caution(f"{place}/caps/{number}/limit", "is zero, so this cap refuses all that it matches.")
        if cap.over == "truncate" and not cap.inclusive:
            yield Caution(f"{place}/caps/{number}/over", "nothing is cut: there is no largest amount below a limit.")
        if cap.over == "truncate" and cap.measure == "count":
            yield Caution(f"{place}/caps/{number}/over", "nothing is cut: a count has no parts.")
        twin = twins.setdefault((_conditions(cap.match), cap.measure, cap.per), number)
        if twin != number:
            detail = f"counts the same as cap {twin}: the lower limit of the two decides."
            yield Caution(f"{place}/caps/{number}", detail)
