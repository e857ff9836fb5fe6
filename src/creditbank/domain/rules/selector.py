"""Selectors: which things a clause is about. Plain comparisons of fields, all of which must hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, TypeAlias

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from creditbank.domain.rules.clause import Measured, inner_faults
from creditbank.domain.rules.comparison import COMPARISONS, Absent, AnyOf, Compared, Dated, NotIn, Test, measured
from creditbank.domain.rules.dates import day
from creditbank.domain.rules.numbers import NotANumber, exact, read_number
from creditbank.domain.rules.situation import FALSE, SCOPES, TRUE, Scalar, Thing

Path: TypeAlias = tuple[int, str]
Faults: TypeAlias = list[tuple[tuple[str | int, ...], str]]
_PATH = re.compile(r"([otprg])\.(\S{1,200})")


class Selector:
    """Conditions on fields, all of which must hold. Without any, it matches everything."""

    __slots__ = ("conditions",)

    def __init__(self, conditions: Iterable[tuple[int, str, Test]] = ()) -> None:
        self.conditions = tuple(conditions)

    def matches(self, view: tuple[Thing, ...]) -> bool:
        for scope, name, test in self.conditions:  # noqa: SIM110 (a generator is slower here, where most time is spent)
            if not test.holds(view[scope].get(name)):
                return False
        return True

    def failing(self, view: tuple[Thing, ...]) -> tuple[Measured, Measured]:
        """Of the first condition that does not hold: the value that was found and the one that was wanted."""
        for scope, name, test in self.conditions:
            value = view[scope].get(name)
            if not test.holds(value):
                return measured(value), test.wanted
        return None, None

    def found(self, view: tuple[Thing, ...]) -> Measured:
        """The value under the first condition: what an exclusion hit on."""
        return measured(view[self.conditions[0][0]].get(self.conditions[0][1])) if self.conditions else None


EVERYTHING: Final = Selector()


def path_of(text: Any) -> Path:
    """`"o.kind"` as the place and the name. Raises PydanticCustomError for anything else."""
    match = _PATH.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise PydanticCustomError("path", "must be a field such as o.kind, with o., t., p., r. or g. in front.")
    return SCOPES[match[1]], match[2]


def _read_scalar(value: Any) -> Scalar:
    match value:
        case bool():
            return TRUE if value else FALSE
        case str():
            return value
        case int() | float() | Decimal():
            try:
                return exact(value)
            except NotANumber as problem:
                raise PydanticCustomError("number", "is not a number: {problem}.", {"problem": str(problem)}) from None
    raise PydanticCustomError("scalar", "must be text, a number, true or false.")


def _read_scalars(value: Any, faults: Faults, steps: tuple[str | int, ...]) -> list[Scalar]:
    if not isinstance(value, list) or not value:
        faults.append((steps, "must be a list of at least one value."))
        return []
    scalars: list[Scalar] = []
    for number, member in enumerate(value):
        try:
            scalars.append(_read_scalar(member))
        except PydanticCustomError as problem:
            faults.append(((*steps, number), problem.message()))
    return scalars


def _read_operator(operator: str, value: Any, faults: Faults, steps: tuple[str | int, ...]) -> Test | None:
    if operator == "not_in":
        return NotIn(_read_scalars(value, faults, steps))
    if operator == "absent":
        if isinstance(value, bool):
            return Absent(value)
        faults.append((steps, "must be true."))
    elif operator in ("from", "before"):
        bound = day(value) if isinstance(value, str) else None
        if bound:
            return Dated(operator == "before", bound)
        faults.append((steps, "must be a real date, written YYYY-MM-DD."))
    elif operator in COMPARISONS:
        try:
            return Compared(operator, read_number(value))
        except PydanticCustomError as problem:
            faults.append((steps, problem.message()))
    else:
        faults.append((steps, "is not a test; the tests are ge, gt, le, lt, from, before, not_in and absent."))
    return None


def _contradiction(tests: list[Test]) -> str | None:
    absent = any(isinstance(test, Absent) and test.absent for test in tests)
    if absent and len(tests) > 1:
        return "can never hold: a field that is absent passes no other test."
    since = [test.bound for test in tests if isinstance(test, Dated) and not test.before]
    before = [test.bound for test in tests if isinstance(test, Dated) and test.before]
    if since and before and since[0] >= before[0]:
        return "can never hold: `from` is not before `before`."
    low = [test for test in tests if isinstance(test, Compared) and test.operator in ("ge", "gt")]
    high = [test for test in tests if isinstance(test, Compared) and test.operator in ("le", "lt")]
    for least in low:
        for most in high:
            touching = least.operator == "ge" and most.operator == "le"
            if least.bound > most.bound or (least.bound == most.bound and not touching):
                return f"can never hold: no number passes both `{least.operator}` and `{most.operator}`."
    return None


def _read_tests(value: Any, faults: Faults, steps: tuple[str | int, ...]) -> Iterator[Test]:
    if isinstance(value, list):
        yield AnyOf(_read_scalars(value, faults, steps))
        return
    if not isinstance(value, Mapping):
        try:
            yield AnyOf([_read_scalar(value)])
        except PydanticCustomError as problem:
            faults.append((steps, problem.message()))
        return
    if not value:
        faults.append((steps, "must hold at least one test."))
    read = [_read_operator(str(operator), bound, faults, (*steps, operator)) for operator, bound in value.items()]
    tests = [test for test in read if test is not None]
    contradiction = _contradiction(tests)
    if contradiction:
        faults.append((steps, contradiction))
    yield from tests


def _read(value: Any, path: Callable[[Any], Path]) -> Selector:
    if not isinstance(value, Mapping):
        raise PydanticCustomError("selector", "must be an object of fields and tests.")
    faults: Faults = []
    conditions: list[tuple[int, str, Test]] = []
    for name, tests in value.items():
        try:
            scope, field = path(name)
        except PydanticCustomError as problem:
            faults.append(((name,), problem.message()))
            continue
        conditions.extend((scope, field, test) for test in _read_tests(tests, faults, (name,)))
    inner_faults(faults)
    return Selector(conditions)


def _read_selector(value: Any) -> Selector:
    return _read(value, path_of)


def _read_bare_selector(value: Any) -> Selector:
    return _read(value, lambda name: (0, str(name)))


_SCALAR = {"type": ["string", "number", "boolean"]}
_SCALARS = {"type": "array", "items": _SCALAR, "minItems": 1}
_NUMBER = {"type": ["number", "string"]}
_DATE = {"type": "string", "format": "date"}
_TEST: dict[str, Any] = {
    "anyOf": [
        _SCALAR,
        _SCALARS,
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": False,
            "properties": {
                **dict.fromkeys(("ge", "gt", "le", "lt"), _NUMBER),
                **dict.fromkeys(("from", "before"), _DATE),
                "not_in": _SCALARS,
                "absent": {"type": "boolean"},
            },
        },
    ]
}
Match = Annotated[
    Selector,
    PlainValidator(_read_selector),
    WithJsonSchema({"type": "object", "patternProperties": {r"^[otprg]\..": _TEST}, "additionalProperties": False}),
]
BareMatch = Annotated[
    Selector, PlainValidator(_read_bare_selector), WithJsonSchema({"type": "object", "additionalProperties": _TEST})
]
PathText = Annotated[
    Path, PlainValidator(path_of), WithJsonSchema({"type": "string", "pattern": r"^[otprg]\.\S{1,200}$"})
]
