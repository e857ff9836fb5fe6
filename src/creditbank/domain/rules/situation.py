"""The situation a decision is made in: outcomes, requests, programme and history, as selectors see them.

Every field that is read is remembered, so that a decision can name its inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, TypeAlias

from creditbank.domain.rules.dates import day
from creditbank.domain.rules.faults import Fault
from creditbank.domain.rules.numbers import NotANumber, Rational, exact, from_text


class InvalidSituation(ValueError):
    """What was given cannot be read as a situation. `faults` point into it."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults))
        self.faults = faults


class Truth:
    """True or false as a field's value: equal to itself only, never to the numbers 1 and 0."""

    __slots__ = ("value",)

    def __init__(self, value: bool) -> None:
        self.value = value


TRUE: Final = Truth(True)
FALSE: Final = Truth(False)
Scalar: TypeAlias = str | int | Fraction | Truth


class Opaque:
    """A list or an object in a field: it is there, and equal to nothing."""

    __slots__ = ()


_UNREAD: Final = Opaque()


class Thing:
    """An outcome, course, programme, request, situation or history entry: open fields, read by name."""

    __slots__ = ("fields", "pointer", "read")

    def __init__(self, fields: Mapping[str, Any], pointer: str) -> None:
        self.fields = fields
        self.pointer = pointer
        self.read: dict[str, Scalar | Opaque | None] = {}

    def get(self, name: str) -> Scalar | Opaque | None:
        """The field, comparable; None where it is missing or null. Raises InvalidSituation for NaN and the like."""
        value = self.read.get(name, _UNREAD)
        if value is _UNREAD:
            value = self.read[name] = self._comparable(name)
        return value

    def _comparable(self, name: str) -> Scalar | Opaque | None:
        value = self.fields.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, bool):
            return TRUE if value else FALSE
        if isinstance(value, int | float | Decimal | Fraction):
            try:
                return exact(value)
            except NotANumber as problem:
                raise InvalidSituation(Fault(f"{self.pointer}/{escaped(name)}", f"{problem}.")) from None
        return value.isoformat()[:10] if isinstance(value, date) else Opaque()

    def number(self, name: str) -> Rational | None:
        """The field as a number, also from text such as `"1.5"` or `"2/3"`; None where it is no number."""
        value = self.get(name)
        if isinstance(value, int) or isinstance(value, Fraction):  # noqa: SIM101 (a union is slower)
            return value
        try:
            return from_text(value) if isinstance(value, str) else None
        except NotANumber:
            return None

    def amount(self, name: str) -> Rational | None:
        """The field as a number that may not be negative. Raises InvalidSituation where it is."""
        number = self.number(name)
        if number is not None and number < 0:
            raise InvalidSituation(Fault(f"{self.pointer}/{escaped(name)}", "must not be negative."))
        return number

    def text(self, name: str) -> str | None:
        value = self.get(name)
        return value if isinstance(value, str) else None

    def day(self, name: str) -> date | None:
        value = self.get(name)
        return day(value) if isinstance(value, str) else None

    def inputs(self) -> dict[str, Any]:
        """The fields that were read, as JSON has them; null where one was looked for and not found."""
        return {name: _as_json(self.fields.get(name)) for name in self.read}


def _as_json(value: Any) -> Any:
    """Numbers and dates that are no JSON, written so that they are read back as the same."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Decimal | Fraction):
        number = exact(value)
        if isinstance(number, int) or exact(float(number)) == number:
            return number if isinstance(number, int) else float(number)
        return str(number)
    return value.isoformat()[:10] if isinstance(value, date) else value


View: TypeAlias = tuple[Thing, Thing, Thing, Thing, Thing]
"""What selectors see: outcome, target course, programme, request, situation."""
SCOPES: Final = {"o": 0, "t": 1, "p": 2, "r": 3, "g": 4}
_PARTS: Final = frozenset({"programme", "outcomes", "requests", "history", "elsewhere"})
OUTCOME, COURSE, PROGRAMME, REQUEST, SITUATION = range(5)


def escaped(name: str) -> str:
    """A key as one step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def first_found(view: View, name: str) -> Scalar | Opaque | None:
    """A field by its place, as `p.starts_on`; without one: request, then outcome, then situation, then programme."""
    if name[1:2] == "." and name[0] in SCOPES:
        return view[SCOPES[name[0]]].get(name[2:])
    for scope in (REQUEST, OUTCOME, SITUATION, PROGRAMME):
        value = view[scope].get(name)
        if value is not None:
            return value
    return None


@dataclass(frozen=True, slots=True)
class Entry:
    """One earlier use out of the history, as caps and once see it."""

    fields: Thing
    outcomes: tuple[str, ...]
    target: str | None
    view: View


class Situation:
    """`given`, checked and ready to be asked. Raises InvalidSituation where it cannot be read."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        given = _object(given, "")
        own = {name: value for name, value in given.items() if name not in _PARTS}
        for name in ("applied_on", "registered_on"):
            _check_day(own, name, "")
        self.fields = Thing(own, "")
        programme = _object(given.get("programme"), "/programme")
        self.has_programme = given.get("programme") is not None
        self.programme = Thing({name: programme[name] for name in programme if name != "courses"}, "/programme")
        self._courses = _object(programme.get("courses"), "/programme/courses")
        self.courses: dict[str, Thing] = {}
        self._no_course = Thing({}, "")
        self.outcomes = self._read_outcomes(given)
        self.requests = [
            _check_request(fields, pointer, self.outcomes) for fields, pointer in _objects(given, "requests")
        ]
        self.history = [self._entry(fields, pointer) for fields, pointer in _objects(given, "history")]
        self.elsewhere = [self._entry(fields, pointer) for fields, pointer in _objects(given, "elsewhere")]
        """Uses in other programmes, an extension of the format: seen by `once` for outcomes and keys only."""

    def _read_outcomes(self, given: Mapping[str, Any]) -> dict[str, Thing]:
        outcomes: dict[str, Thing] = {}
        for fields, pointer in _objects(given, "outcomes"):
            name = fields.get("id")
            if not isinstance(name, str) or not name:
                raise InvalidSituation(Fault(f"{pointer}/id", "must be the outcome's id, as text."))
            if name in outcomes:
                raise InvalidSituation(Fault(f"{pointer}/id", f"{name} is the id of an earlier outcome too."))
            outcomes[name] = Thing(fields, pointer)
        return outcomes

    def _entry(self, fields: Mapping[str, Any], pointer: str) -> Entry:
        thing = Thing(fields, pointer)
        named = fields.get("outcome")
        outcomes = tuple(name for name in (named if isinstance(named, list) else [named]) if isinstance(name, str))
        outcome = self.outcomes.get(outcomes[0], thing) if outcomes else thing
        target = fields.get("target")
        target = target if isinstance(target, str) else None
        return Entry(thing, outcomes, target, (outcome, self.course(target), self.programme, thing, self.fields))

    def course(self, code: str | None) -> Thing:
        """The programme's course of that code, and a course without any field where there is none."""
        if code is None or code not in self._courses:
            return self._no_course
        if code not in self.courses:
            pointer = f"/programme/courses/{escaped(code)}"
            self.courses[code] = Thing(_object(self._courses[code], pointer), pointer)
        return self.courses[code]

    def inputs(self) -> dict[str, Any]:
        """The part of `given` that was read, in the same shape: deciding on it again gives the same answer."""
        inputs = self.fields.inputs()
        if self.has_programme:
            inputs["programme"] = self.programme.inputs()
            courses = {code: course.inputs() for code, course in self.courses.items()}
            if courses:
                inputs["programme"]["courses"] = courses
        inputs["outcomes"] = [{"id": name, **outcome.inputs()} for name, outcome in self.outcomes.items()]
        inputs["requests"] = [_named(request) for request in self.requests]
        if self.history:
            inputs["history"] = [_named(entry.fields) for entry in self.history]
        if self.elsewhere:
            inputs["elsewhere"] = [_named(entry.fields) for entry in self.elsewhere]
        return inputs


def _named(thing: Thing) -> dict[str, Any]:
    for name in ("outcome", "target"):
        if name in thing.fields:
            thing.get(name)
    return thing.inputs()


def _object(value: Any, pointer: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidSituation(Fault(pointer, "must be an object."))
    return value


def _objects(given: Mapping[str, Any], name: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    values = given.get(name)
    if values is None:
        return
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise InvalidSituation(Fault(f"/{name}", "must be a list."))
    for number, value in enumerate(values):
        pointer = f"/{name}/{number}"
        if not isinstance(value, Mapping):
            raise InvalidSituation(Fault(pointer, "must be an object."))
        yield value, pointer


def _check_request(fields: Mapping[str, Any], pointer: str, outcomes: Mapping[str, Thing]) -> Thing:
    named = fields.get("outcome")
    names = named if isinstance(named, list) else [named]
    if not names:
        raise InvalidSituation(Fault(f"{pointer}/outcome", "must name an outcome, or a list of them."))
    for name in names:
        if not isinstance(name, str) or name not in outcomes:
            raise InvalidSituation(Fault(f"{pointer}/outcome", "must name an outcome that is given."))
    if len(set(names)) < len(names):
        raise InvalidSituation(Fault(f"{pointer}/outcome", "names an outcome twice."))
    for name in ("target", "purpose"):
        if not isinstance(fields.get(name), str | None) or fields.get(name) == "":
            raise InvalidSituation(Fault(f"{pointer}/{name}", "must be text that is not empty, or null."))
    _check_day(fields, "on", pointer)
    return Thing(fields, pointer)


def _check_day(fields: Mapping[str, Any], name: str, pointer: str) -> None:
    value = fields.get(name)
    if value is None or isinstance(value, date) or (isinstance(value, str) and day(value)):
        return
    raise InvalidSituation(Fault(f"{pointer}/{name}", "must be a real date, written YYYY-MM-DD."))
