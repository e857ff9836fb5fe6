"""Runs the test cases that rulebooks carry: what the rules decide against what their author expects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Literal

from creditbank.domain import identifiers, rules
from creditbank.domain.identifiers import InvalidIdentifier
from creditbank.domain.rules import CompiledRules, InvalidRulebook, InvalidSituation
from creditbank.domain.rules.dates import day
from creditbank.domain.rules.numbers import NotANumber, Rational, exact, from_text, shown

CASE_FILE: Final = "creditbank-rulebook-cases/1"
RULEBOOK: Final = "creditbank-rulebook/1"
_PARTS_OF_RULES: Final = frozenset(rules.PRIMITIVES)


class NoCases(ValueError):
    """The document is neither a case file nor a rulebook with cases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """How a case came out. `expected` and `actual` are the parts that were compared, where they differ."""

    id: str
    title: str
    status: Literal["passed", "failed", "skipped"]
    expected: Any = None
    actual: Any = None


def run_cases(document: Mapping[str, Any]) -> Iterator[CaseResult]:
    """Run every case of a case file, or of one rulebook, in order. Raises NoCases for any other document."""
    for rulebook in rulebooks_in(document):
        evaluated = _evaluator(rulebook)
        for case in cases_of(rulebook):
            yield _run(case, evaluated)


def rulebooks_in(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rulebooks of a case file, or the one that the document is. Raises NoCases for any other document."""
    form = document.get("format") if isinstance(document, Mapping) else None
    if form == CASE_FILE:
        return _objects(document.get("rulebooks"), "rulebooks")
    if form == RULEBOOK:
        return [document]
    raise NoCases(f"the format must be {CASE_FILE} or {RULEBOOK}")


def cases_of(rulebook: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return _objects(rulebook.get("cases", []), "cases")


def read_by_the_engine(rulebook: Mapping[str, Any]) -> Mapping[str, Any]:
    """What of a rulebook the engine takes: a document as it is, of an entry in a case file its rules."""
    return rulebook if rulebook.get("format") == RULEBOOK else _rules_of(rulebook)


def _objects(values: Any, name: str) -> list[Mapping[str, Any]]:
    if not isinstance(values, list) or not all(isinstance(value, Mapping) for value in values):
        raise NoCases(f"{name} must be a list of objects")
    return values


Evaluated = CompiledRules | InvalidRulebook


def _evaluator(rulebook: Mapping[str, Any]) -> Evaluated:
    try:
        return rules.compile(read_by_the_engine(rulebook))
    except InvalidRulebook as invalid:
        return invalid


def _rules_of(rulebook: Mapping[str, Any]) -> Mapping[str, Any]:
    """In a case file, keys beside those of the format are information, also right in the rules."""
    stated = rulebook.get("rules")
    if not isinstance(stated, Mapping) or "versions" in stated:
        return {"rules": stated} if not isinstance(stated, Mapping) else stated
    return {name: value for name, value in stated.items() if name in _PARTS_OF_RULES}


def _run(case: Mapping[str, Any], compiled: Evaluated) -> CaseResult:
    name, title, given = str(case.get("id", "")), str(case.get("title", "")), case.get("given")
    expect = case.get("expect")
    answer = _answer_to(case.get("op"), compiled)
    if answer is None:
        return CaseResult(id=name, title=title, status="skipped")
    if not isinstance(given, Mapping) or not isinstance(expect, Mapping):
        return CaseResult(id=name, title=title, status="failed", expected=expect, actual="no `given` or no `expect`")
    actual = answer(given)
    compared = {key: wanted for key, wanted in expect.items() if key in actual or key in _KNOWN}
    if actual.keys() != {"faults"} and all(_agree(wanted, actual.get(key)) for key, wanted in compared.items()):
        return CaseResult(id=name, title=title, status="passed")
    seen = actual if "faults" in actual else {key: actual.get(key) for key in compared}
    return CaseResult(id=name, title=title, status="failed", expected=compared, actual=seen)


Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]
_KNOWN: Final = frozenset({"granted", "granted_total", "refused", "caps", "rule_version", "inputs"})


def _answer_to(op: Any, compiled: Evaluated) -> Answer | None:
    """How an operation is answered, None for those that are no matter of rules."""
    match op:
        case "convert":
            return _guarded(compiled, lambda ready, given: rules.evaluate(ready, given).as_dict())
        case "award":
            return _guarded(compiled, lambda ready, given: rules.check_award(ready, given).as_dict())
        case "credit_points":
            return _guarded(compiled, lambda _, given: rules.credit_points(given))
    return _IDENTIFIERS.get(op) if isinstance(op, str) else None


def _guarded(compiled: Evaluated, decide: Callable[[CompiledRules, Mapping[str, Any]], Mapping[str, Any]]) -> Answer:
    def answer(given: Mapping[str, Any]) -> Mapping[str, Any]:
        if isinstance(compiled, InvalidRulebook):
            return {"faults": [f"{fault.pointer}: {fault.detail}" for fault in compiled.faults]}
        try:
            return decide(compiled, given)
        except InvalidSituation as invalid:
            return {"faults": [f"{fault.pointer}: {fault.detail}" for fault in invalid.faults]}

    return answer


def _agree(wanted: Any, actual: Any) -> bool:
    """Whether what is expected is there: lists in order, objects by the keys expected, numbers as they are shown."""
    if isinstance(wanted, Mapping):
        return isinstance(actual, Mapping) and all(_agree(value, actual.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(actual, list):
        return len(wanted) == len(actual) and all(map(_agree, wanted, actual))
    number, other = _number(wanted), _number(actual)
    if number is not None and other is not None:
        return shown(number) == shown(other)
    return type(wanted) is type(actual) and bool(wanted == actual)


def _number(value: Any) -> Rational | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | Fraction | str):
        return None
    if isinstance(value, str) and "/" not in value:
        return None
    try:
        return from_text(value) if isinstance(value, str) else exact(value)
    except NotANumber:
        return None


def _each(given: Mapping[str, Any], check: Callable[[str], bool]) -> dict[str, Any]:
    """Check one `value`, or a list of `values`."""
    if isinstance(given.get("values"), list):
        return {"valid": [isinstance(value, str) and check(value) for value in given["values"]]}
    value = given.get("value")
    return {"valid": isinstance(value, str) and check(value)}


def _identity_number_is_valid(number: str) -> bool:
    try:
        identifiers.normalise("CN-RIC", number)
    except InvalidIdentifier:
        return False
    return True


def _parsed(given: Mapping[str, Any], parse: Callable[[str], Mapping[str, Any]]) -> Mapping[str, Any]:
    try:
        return {"valid": True, **parse(str(given.get("value", "")))}
    except InvalidIdentifier:
        return {"valid": False}


def _certificate_22(number: str) -> Mapping[str, Any]:
    read = identifiers.parse_certificate_22(number)
    words = {"kind": identifiers.KIND_WORDS[read.kind], "level": identifiers.LEVEL_WORDS[read.level - 1]}
    return {**asdict(read), **words}


def _certificate_16(number: str) -> Mapping[str, Any]:
    read = identifiers.parse_certificate_16(number)
    return {**asdict(read), "level": identifiers.LEVEL_WORDS[read.level - 1]}


def _cross_check(given: Mapping[str, Any]) -> Mapping[str, Any]:
    number, level = str(given.get("certificate_number", "")), given.get("posted_level", given.get("level"))
    kind, issued_on = given.get("assessor_kind"), given.get("issued_on", given.get("posted_issued_on"))
    found = identifiers.contradictions(
        number,
        level if isinstance(level, str) else None,
        day(issued_on) if isinstance(issued_on, str) else None,
        kind if isinstance(kind, str) else None,
    )
    return {"refused": [{"outcome": number, "reason": "NUMBER_CONTRADICTS_RECORD"}] if found else []}


_IDENTIFIERS: Final[Mapping[str, Answer]] = {
    "validate_id": lambda given: _each(given, _identity_number_is_valid),
    "validate_uscc": lambda given: _each(given, identifiers.uscc_is_valid),
    "parse_cert22": lambda given: _parsed(given, _certificate_22),
    "parse_cert16": lambda given: _parsed(given, _certificate_16),
    "cross_check": _cross_check,
}
