"""What every clause of a rulebook shares: its strictness, the words in it, and how it objects to a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Final, TypeAlias

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from creditbank.domain.rules.numbers import Rational
from creditbank.domain.rules.situation import Situation, Thing, View

NO_RULE: Final = "NO_RULE"
MISSING_INPUT: Final = "MISSING_INPUT"

Text = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=500)]
FieldName = Annotated[str, StringConstraints(strict=True, pattern=r"^[^\s.][^\s]{0,199}$")]
Reason = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
Measured: TypeAlias = "Rational | str | bool | tuple[Rational | str | bool, ...] | None"


class Clause(BaseModel):
    """A part of a rulebook: unknown keys are faults, and nothing changes once it is read."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a clause refuses a request: the clause's place in the rule set, what was measured and what it may be."""

    reason: str
    clause: str
    measured: Measured = None
    limit: Measured = None


@dataclass(slots=True, kw_only=True)
class Line:
    """One request on its way through the rules. `views` has one view per joined outcome; the first one leads."""

    number: int
    request: Thing
    outcomes: tuple[str, ...]
    views: tuple[View, ...]
    target: str | None
    situation: Situation
    objection: Objection | None = None
    amount: Rational = 0
    source: int = 0
    reduced_by: str | None = None
    needs_approval: bool = False
    consumed: tuple[tuple[str, Rational], ...] = field(default=())

    @property
    def view(self) -> View:
        return self.views[0]


Step: TypeAlias = Callable[[Line], Objection | None]


def inner_faults(faults: Iterable[tuple[tuple[str | int, ...], str]]) -> None:
    """Raise what is wrong inside one value, each with the steps that lead to it; nothing if there is nothing."""
    found = list(faults)
    if found:
        raise PydanticCustomError("inner_faults", "has faults", {"faults": found})
