"""How high a ceiling is: a number, a field, a share of one, the smallest of several, or one less another."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any

from pydantic import ConfigDict, Discriminator, Field, PlainValidator, RootModel, Tag, WithJsonSchema

from creditbank.domain.rules.clause import Clause
from creditbank.domain.rules.faults import TAG
from creditbank.domain.rules.numbers import Amount, Rational, Share, times
from creditbank.domain.rules.selector import Path, path_of
from creditbank.domain.rules.situation import View


def _read_path(value: Any) -> Path:
    if isinstance(value, str) and value.startswith("programme."):
        value = "p." + value.removeprefix("programme.")
    return path_of(value)


LimitPath = Annotated[
    Path,
    PlainValidator(_read_path),
    WithJsonSchema({"type": "string", "pattern": r"^([otprg]|programme)\.\S{1,200}$"}),
]


class FieldLimit(Clause):
    """What a field says."""

    field: LimitPath

    def value(self, view: View) -> Rational | None:
        scope, name = self.field
        return view[scope].number(name)


class ShareLimit(Clause):
    """A share of a number field."""

    share: Share
    of: LimitPath

    def value(self, view: View) -> Rational | None:
        scope, name = self.of
        whole = view[scope].number(name)
        return None if whole is None else times(whole, self.share)


class MinOf(Clause):
    """The smallest of several limits."""

    min_of: Annotated[tuple[Limit, ...], Field(min_length=1)]

    def value(self, view: View) -> Rational | None:
        parts = _known([limit.value(view) for limit in self.min_of])
        return min(parts) if parts else None


class Minus(Clause):
    """The first limit less the others."""

    minus: Annotated[tuple[Operand, ...], Field(min_length=2)]

    def value(self, view: View) -> Rational | None:
        parts = _known([operand.value(view) for operand in self.minus])
        return parts[0] - sum(parts[1:]) if parts else None


def _known(parts: list[Rational | None]) -> list[Rational]:
    """The parts, and none of them where one is missing."""
    known = [part for part in parts if part is not None]
    return known if len(known) == len(parts) else []


def _kind(value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return TAG + "number"
    found = [kind for kind in ("field", "share", "min_of", "minus") if kind in value]
    return TAG + found[0] if len(found) == 1 else None


def _operand_kind(value: Any) -> str:
    is_path = isinstance(value, str) and "." in value and not value[:1].isdigit()
    return TAG + ("path" if is_path else "limit")


_WRONG = "must be a number, or an object with exactly one of field, share, min_of and minus."


class Limit(
    RootModel[
        Annotated[
            Annotated[Amount, Tag(TAG + "number")]
            | Annotated[FieldLimit, Tag(TAG + "field")]
            | Annotated[ShareLimit, Tag(TAG + "share")]
            | Annotated[MinOf, Tag(TAG + "min_of")]
            | Annotated[Minus, Tag(TAG + "minus")],
            Discriminator(_kind, custom_error_type="limit_kind", custom_error_message=_WRONG),
        ]
    ]
):
    """Any of the kinds of limit."""

    model_config = ConfigDict(frozen=True)

    def value(self, view: View) -> Rational | None:
        """The limit for this request, None where a field that it needs is missing or no number."""
        kind = self.root
        return kind if isinstance(kind, int | Fraction) else kind.value(view)


class Operand(
    RootModel[
        Annotated[
            Annotated[LimitPath, Tag(TAG + "path")] | Annotated[Limit, Tag(TAG + "limit")],
            Discriminator(_operand_kind),
        ]
    ]
):
    """A part of a difference: a limit, or a field named right away."""

    model_config = ConfigDict(frozen=True)

    def value(self, view: View) -> Rational | None:
        part = self.root
        return part.value(view) if isinstance(part, Limit) else view[part[0]].number(part[1])


MinOf.model_rebuild()
Minus.model_rebuild()
