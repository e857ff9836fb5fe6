"""`once`: what counts a single time: a course, an outcome for a purpose, or a combination of fields."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal, Self

from pydantic import model_validator

from creditbank.domain.rules.clause import Clause, FieldName, Line, Objection, Reason, Step, Text, inner_faults
from creditbank.domain.rules.situation import OUTCOME, REQUEST, SCOPES, Entry, Opaque, Scalar, View
from creditbank.domain.rules.titles import CourseName, TitleKey, course_name, same_course


class Once(Clause):
    """Refuses what is there already: in the history or, for a course, in an earlier grant of the same call."""

    scope: Literal["target", "outcome", "key"]
    purpose: Text | None = None
    purposes: tuple[Text, ...] = ()
    key: tuple[FieldName, ...] = ()
    reason: Reason

    @model_validator(mode="after")
    def _whole_key(self) -> Self:
        faults: list[tuple[tuple[str | int, ...], str]] = []
        if self.scope == "key" and not self.key:
            faults.append((("key",), "is missing: the fields that must not come again together."))
        if self.scope == "key" and not self.purposes and self.purpose is None:
            faults.append((("purposes",), "is missing: the purposes among which the key counts once."))
        if self.scope != "key" and self.key:
            faults.append((("key",), "goes with the scope `key` only."))
        inner_faults(faults)
        return self

    @property
    def all_purposes(self) -> Collection[str]:
        return {*self.purposes, *([] if self.purpose is None else [self.purpose])}

    def counts(self, purpose: str | None) -> bool:
        """Whether a use for this purpose is one of the rule's; without purposes in the rule, every use is."""
        purposes = self.all_purposes
        return not purposes or purpose in purposes


def repetition(clauses: Sequence[Once], title_key: TitleKey | None) -> Step:
    """The test against the history."""

    def once(line: Line) -> Objection | None:
        history, elsewhere = line.situation.history, line.situation.elsewhere
        if not history and not elsewhere:
            return None
        for number, clause in enumerate(clauses):
            # A course belongs to its programme; an outcome, and what a key names, count once for all programmes.
            known = history if clause.scope == "target" else [*history, *elsewhere]
            entries = [entry for entry in known if clause.counts(entry.fields.text("purpose"))]
            if _there_already(clause, line, entries, title_key):
                return Objection(clause.reason, f"/once/{number}", _repeated(clause, line))
        return None

    return once


def _repeated(clause: Once, line: Line) -> str | None:
    return line.target if clause.scope == "target" else line.outcomes[0]


def _there_already(clause: Once, line: Line, entries: Sequence[Entry], title_key: TitleKey | None) -> bool:
    match clause.scope:
        case "outcome":
            return any(name in entry.outcomes for entry in entries for name in line.outcomes)
        case "key":
            if line.request.text("purpose") not in clause.all_purposes:
                return False
            keys = {key for entry in entries if (key := _key(clause, _entry_field(entry)))}
            return any(_key(clause, _request_field(view)) in keys for view in line.views)
        case "target":
            if any(entry.target == line.target for entry in entries if line.target is not None):
                return True
            if title_key is None:
                return False
            return _named_already(line, (_entry_name(entry, title_key) for entry in entries), title_key)


def _named_already(line: Line, names: Iterable[CourseName], title_key: TitleKey) -> bool:
    own = line_name(line, title_key)
    return any(same_course(own, name) for name in names)


def line_name(line: Line, title_key: TitleKey) -> CourseName:
    return course_name(line.target, line.view[1], line.request, title_key)


def _entry_name(entry: Entry, title_key: TitleKey) -> CourseName:
    return course_name(entry.target, entry.view[1], entry.fields, title_key)


Field = Callable[[str], Scalar | Opaque | None]


def _key(clause: Once, field: Field) -> tuple[Scalar | Opaque, ...] | None:
    """The values of all key fields, None where one is missing: what is not known is not the same."""
    values = [value for name in clause.key if (value := field(name)) is not None]
    return tuple(values) if len(values) == len(clause.key) else None


def _request_field(view: View) -> Field:
    def field(name: str) -> Scalar | Opaque | None:
        prefix, dot, rest = name.partition(".")
        if dot and prefix in SCOPES:
            return view[SCOPES[prefix]].get(rest)
        value = view[OUTCOME].get(name)
        return view[REQUEST].get(name) if value is None else value

    return field


def _entry_field(entry: Entry) -> Field:
    def field(name: str) -> Scalar | Opaque | None:
        prefix, dot, rest = name.partition(".")
        name = rest if dot and prefix in SCOPES else name
        value = entry.fields.get(name)
        return entry.view[OUTCOME].get(name) if value is None else value

    return field


class Satisfied:
    """The courses that this call has granted so far; tested just before a request's caps."""

    def __init__(self) -> None:
        self._by_target: dict[str, list[str]] = {}
        self._granted: list[tuple[Line, str]] = []

    def objection(self, line: Line, clauses: Sequence[Once], title_key: TitleKey | None) -> Objection | None:
        for number, clause in enumerate(clauses):
            if clause.scope == "target" and self._holds(line, clause, title_key):
                return Objection(clause.reason, f"/once/{number}", line.target)
        return None

    def _holds(self, line: Line, clause: Once, title_key: TitleKey | None) -> bool:
        if any(clause.counts(purpose) for purpose in self._by_target.get(line.target or "", ())):
            return True
        if title_key is None:
            return False
        earlier = (line_name(granted, title_key) for granted, purpose in self._granted if clause.counts(purpose))
        return _named_already(line, earlier, title_key)

    def add(self, line: Line, purpose: str) -> None:
        self._granted.append((line, purpose))
        if line.target is not None:
            self._by_target.setdefault(line.target, []).append(purpose)
