"""Evaluation: what the rules say about a situation. A pure function of both, so that it can be repeated at any time.

The order is fixed: version, then each request alone (window, exclude, require, validity, once, source), then
exclusive families and pooled rounding over all that are left, then the ceilings, request by request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

from creditbank.domain.rules import awards, exclusive
from creditbank.domain.rules.awards import AwardDecision
from creditbank.domain.rules.caps import Ceilings
from creditbank.domain.rules.clause import NO_RULE, Line, Objection
from creditbank.domain.rules.compiled import CompiledRules, CompiledVersion
from creditbank.domain.rules.decision import Decision, Grant, Refusal
from creditbank.domain.rules.faults import Fault
from creditbank.domain.rules.numbers import Rational, fraction
from creditbank.domain.rules.once import Satisfied
from creditbank.domain.rules.situation import InvalidSituation, Situation, Thing, first_found

Served = tuple[Line, CompiledVersion | None]


AskedLast = Callable[[int, str, Sequence[tuple[str, Fraction]]], Objection | None]
"""Asked about what every ceiling has let pass, before it is counted: the number of the request, the clause that
values it, and what each outcome would give. May object."""


def evaluate(compiled: CompiledRules, given: Mapping[str, Any], asked_last: AskedLast | None = None) -> Decision:
    """Decide all requests of a situation. Raises InvalidSituation, and nothing else, where it cannot be read."""
    situation = Situation(given)
    served = [_served(compiled, line) for line in _lines(situation)]
    for line, version in served:
        line.objection = Objection(NO_RULE, "/versions") if version is None else _first_objection(line, version)
    left = [(line, version) for line, version in served if version is not None and line.objection is None]
    _settle_families(left, situation)
    _settle_pools(left)
    ceilings = _take_ceilings(left, situation, asked_last)
    return Decision(
        granted=tuple(_grant(line, version) for line, version in left if line.objection is None),
        refused=tuple(
            _refusal(line, version, line.objection) for line, version in served if line.objection is not None
        ),
        caps=tuple(state for taken in ceilings for ceiling in taken.ceilings for state in ceiling.states()),
        inputs=situation.inputs(),
        workflow=next((version.rules.workflow for line, version in left if line.objection is None), ()),
        has_versions=compiled.clock is not None,
    )


def _lines(situation: Situation) -> Iterable[Line]:
    for number, request in enumerate(situation.requests):
        named, target = request.fields["outcome"], request.fields.get("target")
        outcomes = tuple(named) if isinstance(named, list) else (named,)
        course = situation.course(target)
        things = [situation.outcomes[name] for name in outcomes]
        yield Line(
            number=number,
            request=request,
            outcomes=outcomes,
            views=tuple((thing, course, situation.programme, request, situation.fields) for thing in things),
            target=target,
            situation=situation,
        )


def _served(compiled: CompiledRules, line: Line) -> Served:
    if compiled.clock is None:
        return line, compiled.versions[0]
    return line, compiled.version_on(first_found(line.view, compiled.clock))


def _first_objection(line: Line, version: CompiledVersion) -> Objection | None:
    for step in version.steps:
        objection = step(line)
        if objection is not None:
            return objection
    return None


def _settle_families(left: Sequence[tuple[Line, CompiledVersion]], situation: Situation) -> None:
    """Families reach over versions; what happens to the others is said by the version that serves them."""
    if not any(version.rules.exclusive for _, version in left):
        return
    places = [exclusive.place_of_line(line, version.rules.sources[line.source]) for line, version in left]
    best = exclusive.winners(situation.history, [place for place in places if place])
    for (line, version), place in zip(left, places, strict=True):
        if place is None or version.rules.exclusive is None:
            continue
        family, rank, outcome = place
        highest, winner = best[family]
        if outcome != winner:
            version.rules.exclusive.settle(line, version.rules.sources[line.source], rank, highest)


def _settle_pools(left: Sequence[tuple[Line, CompiledVersion]]) -> None:
    for version in _versions_of(left):
        if version.rules.pool_round:
            lines = [line for line, serving in left if serving is version and line.objection is None]
            version.rules.pool_round.settle(lines)


def _take_ceilings(
    left: Sequence[tuple[Line, CompiledVersion]], situation: Situation, asked_last: AskedLast | None
) -> list[Ceilings]:
    versions = _versions_of(left)
    ceilings = [Ceilings(version.rules.caps, version.dimensions, situation) for version in versions]
    satisfied = Satisfied()
    for line, version in left:
        if line.objection is not None:
            continue
        rules, own = version.rules, ceilings[versions.index(version)]
        last = None if asked_last is None else partial(_ask_last, asked_last, version)
        line.objection = satisfied.objection(line, rules.once, rules.title_key) or own.objection(line, last)
        if line.objection is None:
            satisfied.add(line, rules.consume.purpose_of(line))
            for other in ceilings:
                if other is not own:
                    other.count_elsewhere(line)
    return ceilings


def _ask_last(asked_last: AskedLast, version: CompiledVersion, line: Line) -> Objection | None:
    return asked_last(line.number, f"/sources/{line.source}", _consumed_by(line, version))


def _consumed_by(line: Line, version: CompiledVersion) -> tuple[tuple[str, Fraction], ...]:
    taken = version.rules.consume.taken(line, version.rules.sources[line.source].value)
    return tuple((name, fraction(part)) for name, part in taken)


def _versions_of(left: Sequence[tuple[Line, CompiledVersion]]) -> list[CompiledVersion]:
    versions: list[CompiledVersion] = []
    for _, version in left:
        if not any(version is known for known in versions):
            versions.append(version)
    return versions


def _grant(line: Line, version: CompiledVersion) -> Grant:
    rules = version.rules
    source = rules.sources[line.source]
    return Grant(
        outcomes=line.outcomes,
        target=line.target,
        credits=fraction(line.amount),
        consumed_by=_consumed_by(line, version),
        bucket=source.bucket_of(line),
        clause=f"/sources/{line.source}",
        reduced_by=line.reduced_by,
        grade=source.grade or rules.grade,
        purpose=rules.consume.purpose_of(line),
        returnable=rules.consume.returnable,
        needs_approval=line.needs_approval,
        rule_version=version.id,
        request=line.number,
    )


def _refusal(line: Line, version: CompiledVersion | None, objection: Objection) -> Refusal:
    return Refusal(
        outcomes=line.outcomes,
        target=line.target,
        reason=objection.reason,
        clause=objection.clause,
        measured=objection.measured,
        limit=objection.limit,
        rule_version=None if version is None else version.id,
        request=line.number,
    )


def check_award(compiled: CompiledRules, given: Mapping[str, Any]) -> AwardDecision:
    """Whether the held credits are enough for an award. Raises InvalidSituation for an award that the rules lack."""
    name = given.get("award") if isinstance(given, Mapping) else None
    rules = _award_version(compiled, given).rules
    if not isinstance(name, str) or name not in rules.award:
        raise InvalidSituation(Fault("/award", "must name an award of the rulebook."))
    held = [(entry, _credits(entry, "credits")) for entry in _things(given, "held")]
    return awards.decide(rules.award[name], held)


def _award_version(compiled: CompiledRules, given: Mapping[str, Any]) -> CompiledVersion:
    if compiled.clock is None:
        return compiled.versions[0]
    version = compiled.version_on(Thing(given, "").get(compiled.clock))
    if version is None:
        raise InvalidSituation(Fault(f"/{compiled.clock}", "must be a date on which a version of the rules holds."))
    return version


def credit_points(given: Mapping[str, Any]) -> dict[str, Any]:
    """Credits times level, year by year. Raises InvalidSituation where a year lacks one of them."""
    years = [
        {"credits": _credits(year, "credits"), "level": _credits(year, "level")} for year in _things(given, "years")
    ]
    return awards.credit_points(years)


def _things(given: Mapping[str, Any], name: str) -> list[Thing]:
    entries = given.get(name) if isinstance(given, Mapping) else None
    if not isinstance(entries, list):
        raise InvalidSituation(Fault(f"/{name}", "must be a list."))
    for number, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            raise InvalidSituation(Fault(f"/{name}/{number}", "must be an object."))
    return [Thing(entry, f"/{name}/{number}") for number, entry in enumerate(entries)]


def _credits(entry: Thing, name: str) -> Rational:
    number = entry.number(name)
    if number is None:
        raise InvalidSituation(Fault(f"{entry.pointer}/{name}", "must be a number."))
    return number
