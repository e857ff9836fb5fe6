"""From a document to rules that can be evaluated: read, checked as a whole, and indexed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaWarningKind, models_json_schema

from creditbank.domain.rules.bounds import MOST_FAULTS, out_of_bounds
from creditbank.domain.rules.caps import Dimension, dimensions
from creditbank.domain.rules.clause import Clause, Step, Text
from creditbank.domain.rules.dates import day
from creditbank.domain.rules.faults import Caution, Fault, InvalidRulebook, Report, faults_of
from creditbank.domain.rules.lint import cautions
from creditbank.domain.rules.rule_set import RuleSet, Versions
from creditbank.domain.rules.situation import Opaque, Scalar

Model = TypeVar("Model", bound=BaseModel)


class Document(Clause):
    """A rulebook as a file: its rules with a name, where they come from, and its own test cases."""

    format: Literal["creditbank-rulebook/1"]
    id: Text
    title: Text | None = None
    jurisdiction: Text | None = None
    provenance: list[Text] = Field(default_factory=list)
    notes: list[Annotated[str, Field(max_length=4000)]] = Field(default_factory=list)
    rules: dict[str, Any]
    cases: list[dict[str, Any]] = Field(default_factory=list)


PRIMITIVES: Final = tuple(RuleSet.model_fields)
"""The keys that a rule set may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledVersion:
    """One rule set, indexed, with the days on which it holds."""

    id: str | None
    starts: date
    before: date | None
    rules: RuleSet
    steps: tuple[Step, ...]
    dimensions: tuple[tuple[Dimension, ...], ...]

    def holds_on(self, on: date) -> bool:
        return self.starts <= on and (self.before is None or on < self.before)


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """Rules that are free of faults. Without a clock there is a single version, which always holds."""

    clock: str | None
    versions: tuple[CompiledVersion, ...]

    @property
    def is_sequential(self) -> bool:
        """Whether what is said to a request depends on what was granted before it alone, not on what comes after."""
        return not any(version.rules.exclusive or version.rules.pool_round for version in self.versions)

    def version_on(self, clock_reads: Scalar | Opaque | None) -> CompiledVersion | None:
        """The version that the clock picks, None without a date or without a version on that date."""
        on = day(clock_reads) if isinstance(clock_reads, str) else None
        if on is None:
            return None
        return next((version for version in self.versions if version.holds_on(on)), None)


def check(document: Mapping[str, Any]) -> Report:
    """All faults, or all warnings, of a rulebook document or of the value of its `rules`; pointers lead into it."""
    rules, faults = _read(document)
    if rules is None or faults:
        return Report(tuple(faults), ())
    place = "/rules" if _is_document(document) else ""
    return Report((), tuple(Caution(place + caution.pointer, caution.detail) for caution in cautions(rules)))


def compile(document: Mapping[str, Any]) -> CompiledRules:
    """Rules ready for evaluation, from a document or the value of its `rules`. Raises InvalidRulebook."""
    rules, faults = _read(document)
    if rules is None or faults:
        raise InvalidRulebook(faults)
    if isinstance(rules, RuleSet):
        return CompiledRules(None, (_compiled(None, date.min, None, rules),))
    versions = (
        _compiled(version.id, version.effective_from or date.min, version.effective_to, version.rules)
        for version in rules.versions
    )
    return CompiledRules(rules.version_clock, tuple(versions))


def _compiled(name: str | None, starts: date, before: date | None, rules: RuleSet) -> CompiledVersion:
    return CompiledVersion(
        id=name,
        starts=starts,
        before=before,
        rules=rules,
        steps=tuple(rules.steps()),
        dimensions=dimensions(rules.caps, rules.calendars),
    )


class _Schema(GenerateJsonSchema):
    """Leaves out the defaults that are no JSON, without a word: an absent selector matches everything."""

    ignored_warning_kinds: set[JsonSchemaWarningKind] = {
        "skipped-choice",
        "non-serializable-default",
    }


def json_schema() -> dict[str, Any]:
    """The JSON schema of `rules`, as the primitives say it."""
    models: list[tuple[type[Clause], JsonSchemaMode]] = [(RuleSet, "validation"), (Versions, "validation")]
    references, definitions = models_json_schema(models, schema_generator=_Schema)
    return {"anyOf": list(references.values()), **definitions}


def _is_document(document: Mapping[str, Any]) -> bool:
    return "format" in document or "rules" in document


def _read(document: object) -> tuple[RuleSet | Versions | None, list[Fault]]:
    if not isinstance(document, Mapping):
        return None, [Fault("", "must be an object.")]
    faults = out_of_bounds(document)
    if faults:
        return None, faults
    if not _is_document(document):
        return _read_rules(document, "")
    _, faults = _validated(Document, document, "")
    rules = document.get("rules")
    if not isinstance(rules, Mapping):
        return None, faults
    read, more = _read_rules(rules, "/rules")
    return read, faults + more


def _read_rules(rules: Mapping[str, Any], place: str) -> tuple[RuleSet | Versions | None, list[Fault]]:
    if "versions" in rules or "version_clock" in rules:
        return _validated(Versions, rules, place)
    return _validated(RuleSet, rules, place)


def _validated(model: type[Model], value: Mapping[str, Any], place: str) -> tuple[Model | None, list[Fault]]:
    try:
        return model.model_validate(dict(value)), []
    except ValidationError as error:
        return None, [Fault(place + fault.pointer, fault.detail) for fault in islice(faults_of(error), MOST_FAULTS)]
